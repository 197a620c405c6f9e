"""The configuration file as a person writes it, key by key: checked, read, and described."""
