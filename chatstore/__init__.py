"""A reusable Django app that stores ChatKit conversations, and serves and moderates them."""

__version__ = "0.1.0"
