"""
What a test of a ChatKit store needs: a contract to hold it to, and a store for others' tests.

- StoreContract: the store's promises (S1 to S18) as tests for a store of one's own, in Django
  or not; see its docstring for how to run it.
- MemoryStore: a store in plain dicts that keeps the same contract, for tests of a server.

Nothing here needs Django: no database, no settings.
"""

from chatstore.testing.contract import StoreContract
from chatstore.testing.memory import MemoryStore

__all__ = ["MemoryStore", "StoreContract"]
