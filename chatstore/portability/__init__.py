"""Conversations out of the database, into one, to another owner, and gone for good."""
