"""Wallets: credit that customers were granted or have paid in advance."""
