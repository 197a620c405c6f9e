"""A file and the environment, turned into a frozen configuration or into every fault at once."""
