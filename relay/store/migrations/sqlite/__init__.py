"""Numbered SQL files for SQLite."""
