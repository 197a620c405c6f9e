"""What a hand does: the commands."""
