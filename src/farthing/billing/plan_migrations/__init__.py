"""Migrations: subscriptions change from earlier versions of their plan to a new one, each once."""
