-- Lanes: fresh before retries, in order where a target wants it, at its pace, held while it is unwell or paused.

ALTER TABLE deliveries ADD COLUMN order_value TEXT;     -- those of a target with the same value go one at a time

-- What is due of those never tried, and of retries, each in its order: neither is ever searched for among the other.
DROP INDEX deliveries_due;
CREATE INDEX deliveries_due ON deliveries (target, attempts > attempts_before, due_at, id) WHERE status = 'pending';

-- Whose turn it is: of the unfinished with one value the first is due some time, the others never until it is final.
CREATE INDEX deliveries_ordered ON deliveries (target, order_value, id)
    WHERE order_value IS NOT NULL AND finished_at IS NULL;

ALTER TABLE lanes ADD COLUMN is_paused INTEGER NOT NULL DEFAULT 0 CHECK (is_paused IN (0, 1));
ALTER TABLE lanes ADD COLUMN is_tripped INTEGER NOT NULL DEFAULT 0 CHECK (is_tripped IN (0, 1));
ALTER TABLE lanes ADD COLUMN breaker TEXT NOT NULL DEFAULT '';  -- JSON; '': closed, and never opened

-- When a target's deliveries were held: paused, or behind an open breaker. That time is no part of their max_age.
CREATE TABLE holds (
    id              INTEGER PRIMARY KEY,
    target          TEXT    NOT NULL,
    began_at        INTEGER NOT NULL,
    ended_at        INTEGER                             -- NULL: it lasts
) STRICT;

CREATE INDEX holds_of_target ON holds (target, began_at);

-- What a target with a rate was granted of late: a restart, or another process, goes on counting.
CREATE TABLE grants (
    id              INTEGER PRIMARY KEY,
    target          TEXT    NOT NULL,
    at              INTEGER NOT NULL
) STRICT;

CREATE INDEX grants_of_target ON grants (target, at);
