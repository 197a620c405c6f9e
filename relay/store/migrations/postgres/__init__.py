"""The steps of PostgreSQL's schema."""
