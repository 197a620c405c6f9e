"""Doors: HTTP in front of the use cases."""
