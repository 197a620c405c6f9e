"""Ways to log in at a target."""
