"""
What the app costs, as ratios measured in one run: `make bench`, or `python -m benchmarks store`.

Absolute times belong to the machine; a ratio to a hand-written twin, or to the same thing on a
small table, belongs to the code.
"""
