-- Lanes: fresh before retries, in order where a target wants it, at its pace, held while it is unwell or paused.

ALTER TABLE deliveries ADD COLUMN order_value text;     -- those of a target with the same value go one at a time
ALTER TABLE deliveries ADD COLUMN turn bigint;          -- of those with a value, in order of arrival

CREATE SEQUENCE turns AS bigint;

-- What is due of those never tried, and of retries, each in its order: neither is ever searched for among the other.
DROP INDEX deliveries_due;
CREATE INDEX deliveries_fresh ON deliveries (target, due_at, id)
    WHERE status = 'pending' AND attempts <= attempts_before;
CREATE INDEX deliveries_retries ON deliveries (target, due_at, id)
    WHERE status = 'pending' AND attempts > attempts_before;

-- Whose turn it is: of the unfinished with one value the first is due some time, the others never until it is final.
CREATE INDEX deliveries_ordered ON deliveries (target, order_value, turn)
    WHERE order_value IS NOT NULL AND finished_at IS NULL;

ALTER TABLE lanes ADD COLUMN is_paused boolean NOT NULL DEFAULT false;
ALTER TABLE lanes ADD COLUMN is_tripped boolean NOT NULL DEFAULT false;
ALTER TABLE lanes ADD COLUMN breaker text NOT NULL DEFAULT '';  -- JSON; '': closed, and never opened

-- When a target's deliveries were held: paused, or behind an open breaker. That time is no part of their max_age.
CREATE TABLE holds (
    id              bigint      PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    target          text        NOT NULL,
    began_at        timestamptz NOT NULL,
    ended_at        timestamptz                         -- NULL: it lasts
);

CREATE INDEX holds_of_target ON holds (target, began_at);

-- What a target with a rate was granted of late: a restart, or another process, goes on counting.
CREATE TABLE grants (
    id              bigint      PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    target          text        NOT NULL,
    at              timestamptz NOT NULL
);

CREATE INDEX grants_of_target ON grants (target, at);
