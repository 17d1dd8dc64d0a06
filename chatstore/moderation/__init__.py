"""
What moderators do and see: actions with their record, the transcript, search and statistics.

Knows nothing of Django's admin: a script, a command or a webhook can moderate too.
"""
