"""Keeps ChatKit conversations in a Django database."""

__version__ = "0.1.0"
