"""Benchmarks: each measures the program beside a plain alternative, in the same run.

`python3 -m tests.bench` runs them all and prints both figures, their ratio and the target. A
benchmark is a module of this package that calls `register` at its top level; it imports what it
measures inside the function, so that listing the benchmarks costs nothing.
"""
