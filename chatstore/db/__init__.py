"""
Runs database operations for async callers, and compiles statements once.

``execution`` runs a sync operation, repeats it after a transient error, and releases its
connection; ``connections`` releases and closes connections; ``statements`` caches compiled SQL.

Knows nothing of threads and items.
"""
