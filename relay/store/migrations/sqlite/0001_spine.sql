-- The spine: events with their keys, bodies apart, deliveries and their attempts, and each lane's tally.
-- Times are milliseconds since 1970, UTC. Rows are numbered in order of arrival.

CREATE TABLE events (
    seq             INTEGER PRIMARY KEY AUTOINCREMENT,  -- never given twice, even after a purge
    id              TEXT    NOT NULL UNIQUE,            -- begins with its time, so this index only grows at its end
    source          TEXT    NOT NULL,
    type            TEXT    NOT NULL,
    key             BLOB    NOT NULL,
    key_expires_at  INTEGER,                            -- NULL: a repeat is a duplicate for ever
    received_at     INTEGER NOT NULL,
    body_bytes      INTEGER NOT NULL CHECK (body_bytes >= 0),
    verdicts        TEXT    NOT NULL                    -- JSON: [[route, verdict], …]
) STRICT;

-- Apart from what is listed and searched, so that a page of events never drags bodies along.
CREATE TABLE contents (
    event_seq       INTEGER PRIMARY KEY REFERENCES events (seq),
    headers         BLOB    NOT NULL,                   -- JSON: [[name, value], …]
    body            BLOB    NOT NULL                    -- as it came
) STRICT;

-- Outlives its event where the window is longer than the history that is kept.
CREATE TABLE dedupe_keys (
    source          TEXT    NOT NULL,
    key             BLOB    NOT NULL,
    event_seq       INTEGER NOT NULL,
    event_id        TEXT    NOT NULL,
    expires_at      INTEGER,
    UNIQUE (source, key)
) STRICT;

CREATE INDEX dedupe_keys_expiring ON dedupe_keys (expires_at) WHERE expires_at IS NOT NULL;

CREATE TABLE deliveries (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    event_seq       INTEGER NOT NULL REFERENCES events (seq),
    route           TEXT    NOT NULL,
    target          TEXT    NOT NULL,
    status          TEXT    NOT NULL CHECK (status IN ('pending', 'sending', 'delivered', 'dead', 'cancelled')),
    attempts        INTEGER NOT NULL DEFAULT 0 CHECK (attempts >= 0),         -- counted at claim
    attempts_before INTEGER NOT NULL DEFAULT 0 CHECK (attempts_before >= 0),  -- those before the last replay
    planned_at      INTEGER NOT NULL,
    due_at          INTEGER NOT NULL,
    deadline_at     INTEGER NOT NULL,
    leased_by       TEXT,
    leased_until    INTEGER,
    finished_at     INTEGER,
    reason          TEXT    NOT NULL DEFAULT '',        -- the last outcome, in words
    CHECK ((status = 'sending') = (leased_by IS NOT NULL)),
    CHECK ((leased_by IS NULL) = (leased_until IS NULL)),
    CHECK ((status IN ('delivered', 'dead', 'cancelled')) = (finished_at IS NOT NULL)),
    CHECK (attempts_before <= attempts)
) STRICT;

CREATE INDEX deliveries_of_event ON deliveries (event_seq);
CREATE INDEX deliveries_due ON deliveries (target, due_at, id) WHERE status = 'pending';
CREATE INDEX deliveries_oldest ON deliveries (target, id) WHERE status = 'pending';
CREATE INDEX deliveries_leased ON deliveries (leased_by, leased_until) WHERE status = 'sending';

CREATE TABLE attempts (
    delivery_id     INTEGER NOT NULL REFERENCES deliveries (id),
    number          INTEGER NOT NULL CHECK (number >= 1),
    started_at      INTEGER NOT NULL,
    duration_ms     REAL    NOT NULL,
    outcome         TEXT    NOT NULL CHECK (outcome IN
        ('accepted', 'busy', 'errored', 'timed_out', 'unreachable', 'rejected', 'blocked', 'lost')),
    status          INTEGER,                            -- the answer's HTTP status
    detail          TEXT    NOT NULL,
    excerpt         BLOB    NOT NULL,
    PRIMARY KEY (delivery_id, number)
) STRICT, WITHOUT ROWID;

-- How much each target still has to get. Kept by every commit, so that nothing ever counts rows to tell it.
CREATE TABLE lanes (
    target          TEXT    PRIMARY KEY,
    unfinished      INTEGER NOT NULL DEFAULT 0 CHECK (unfinished >= 0),
    dead            INTEGER NOT NULL DEFAULT 0 CHECK (dead >= 0)
) STRICT, WITHOUT ROWID;

-- What readiness writes to prove that a commit works.
CREATE TABLE probe (
    id              INTEGER PRIMARY KEY CHECK (id = 1),
    at              INTEGER NOT NULL
) STRICT;
