"""How much text is looked through: a number apart, for the writer of a file needs nothing else of what is searched."""

TEXT_BYTES_MAX = 64 * 1024  # of a body is searched: names and numbers stand at its beginning, documents behind them
