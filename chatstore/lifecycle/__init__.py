"""
The end of rows and files: deletion, retention, erasure, transfer to another owner, and the check
for rows that can't be decoded.

Deleting wrongly is the worst that this software could do: everything that deletes many threads
goes through chatstore.lifecycle.deletion.
"""
