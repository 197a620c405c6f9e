"""A small world in which the relay's own code lives: time that jumps, a database that commits or does not, processes
that die between any two steps, senders and targets that behave badly. All of it follows from one number, the seed.

    python -m tests.simulation 0 1000       play the histories of these seeds; say which of them break a promise
    python -m tests.simulation 4711         play one, and tell what happened in it
"""
