"""How seldom garbage is looked for. What is in flight is none, however many objects it has."""

import gc

NEW_OBJECTS = 10_000  # more of them than before: by default 700, which are fifteen requests in flight


def look_seldom() -> None:
    """Look for garbage once, never again at what is there now, and from now on seldom.

    Only what refers to itself is found so, and next to nothing does: all else goes when it is used no more.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(NEW_OBJECTS)
