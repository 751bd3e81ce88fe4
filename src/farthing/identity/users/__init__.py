"""Users: people who log in with a name and a password."""
