"""Siwapp's requests, which nothing signs: the token is in the URL."""

from tests.vectors.make.vectors import write

write("siwapp", "nobody: they are not signed", lambda body, headers: {})
