"""Real servers that tests need, each started by the first that does and ended with the last."""

from contextlib import ExitStack


class Servers:
    """What runs, until `stack` is closed."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
