"""
Runs database operations for async callers, and compiles statements once.

``execution`` runs an operation, repeats it after a transient error, and releases its connection;
``attempts`` has what operations are written with; ``errors`` tells which errors are transient;
``connections`` opens, releases and replaces Django's connections, ``async_pools`` has psycopg's;
``statements`` caches compiled SQL.

Knows nothing of threads and items.
"""
