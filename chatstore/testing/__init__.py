"""
Tools for testing ChatKit stores and servers. Nothing here needs Django.

- StoreContract: tests of the promises S1 to S18, to run on your own store; its docstring says how.
- MemoryStore: a store in memory that passes the same tests, for tests of a server.
"""

from chatstore.testing.contract import StoreContract
from chatstore.testing.memory import MemoryStore

__all__ = ["MemoryStore", "StoreContract"]
