"""
Moderation: actions on threads and messages, their records, the transcript, search and statistics.

It must not import Django's admin, so that a script, a command or a webhook can moderate too.
"""
