"""
Benchmarks, mostly as ratios: `make bench`, or `python -m benchmarks store` for one part.

Absolute times depend on the machine. The ratio of two times that are measured in one run, such as
to hand-written SQL or to the same operation on a small table, depends on the code.
"""
