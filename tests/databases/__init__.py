"""
Databases that earlier versions have made, with what their stores returned.

There is a folder for each, named after chatstore's newest migration then: a dump in SQL and the
threads as JSON for SQLite, PostgreSQL and MariaDB, and the files of the storage.
``make database-fixture`` makes this version's. tests/test_old_databases.py migrates them all.
"""
