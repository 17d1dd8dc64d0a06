"""
Threads that their owners share by a link (V11): the link, and what it shows.

A link is read by people who are not signed in: nothing here tells more than the owner shares.
"""
