"""Signature schemes."""
