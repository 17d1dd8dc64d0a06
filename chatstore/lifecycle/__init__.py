"""
Deletion of rows and files: retention, erasure and unused uploads; transfer to another owner; and
the check for rows that can't be decoded.

A wrong deletion is the most serious error that this software can make. Retention, erasure and
moderators therefore delete threads only through chatstore.lifecycle.deletion.
"""
