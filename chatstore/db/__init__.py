"""
Runs what the other packages ask of the database: a sync function for an async caller, tried again
where a fault may pass, with the connection given back; and statements compiled once.

Knows nothing of threads and items.
"""
