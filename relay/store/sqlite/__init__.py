"""The embedded store: one SQLite file. `store` is what the program uses; `writing` runs in a process of its own."""
