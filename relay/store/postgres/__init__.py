"""The store for those who outgrow one machine: PostgreSQL, shared by any number of processes."""
