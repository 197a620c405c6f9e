"""Numbered SQL files, run in order, each once."""
