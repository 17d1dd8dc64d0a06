"""
A soak: people chat while databases, connections and workers fail (``make soak``).

``users`` chat and remember what they were told; ``faults`` breaks things and runs commands;
``checks`` compares, at the end, what they were told with what is stored.
"""
