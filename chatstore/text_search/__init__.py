"""
Full-text search in messages, as moderators and their owners do it: the words that are looked for,
the conditions on rows, and excerpts of what was found. The queries are their callers'.
"""
