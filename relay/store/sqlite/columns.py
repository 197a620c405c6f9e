"""The columns that are read, and written, together."""

EVENT = "e.id, e.source, e.type, e.key, e.key_expires_at, e.received_at, c.headers, c.body"
DELIVERY = "d.id, d.route, d.target, d.attempts, d.attempts_before, d.deadline_at"
ATTEMPT = "number, started_at, duration_ms, outcome, status, detail, excerpt"
