"""
Distributes the tables by owner over the nodes of a Citus cluster, and undoes it
(docs/how-to/scale.md).

Every conversation belongs to one owner, so each of its rows, and each operation of the store, is on
one node. This package only changes tables; no operation of the store asks it.
"""

from chatstore.sharding.requirements import find_problems
from chatstore.sharding.steps import Step, distribute, run, undistribute

__all__ = ["Step", "distribute", "find_problems", "run", "undistribute"]
