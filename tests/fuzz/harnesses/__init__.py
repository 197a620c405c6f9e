"""One harness a module, found by its name."""
