"""The columns that are read, and written, together."""

EVENT = "e.id, e.source, e.type, e.key, e.key_expires_at, e.received_at, e.secret_number, c.headers, c.body"
DELIVERY = "d.id, d.route, d.target, d.attempts, d.attempts_before, d.planned_at, d.deadline_at, d.order_value"
DELIVERY_WIDTH = 8
ATTEMPT = "number, started_at, duration_ms, outcome, status, detail, excerpt"

NEVER_MS = 253_402_300_799_000  # the end of the year 9999: due when something else makes it so
