"""Inputs that nobody would think of, for everything that reads what strangers or operators write.

A harness is a function from bytes to nothing: whatever it is given, what it tries ends in an expected value, and what
must hold is asserted. `python -m tests.fuzz NAME` looks for inputs by coverage; those worth keeping stand in `corpus/`,
and every run of the tests plays them all.
"""
