-- The spine: events with their keys, bodies apart, deliveries and their attempts, and each lane's tally.
-- What is history is partitioned by the day of its event: days are made ahead and dropped whole. A row's number begins
-- with its day (day since 1970 << 36), so the number alone says where the row is.

CREATE SEQUENCE event_blocks AS bigint MAXVALUE 16777215 CYCLE;     -- each is 4096 numbers, given out by one process
CREATE SEQUENCE delivery_blocks AS bigint MAXVALUE 16777215 CYCLE;

CREATE TABLE events (
    seq             bigint      NOT NULL PRIMARY KEY,
    id              text        NOT NULL COLLATE "C",   -- each day has a unique index on it
    source          text        NOT NULL,
    type            text        NOT NULL,
    key             bytea       NOT NULL,
    key_expires_at  timestamptz,                        -- NULL: a repeat is a duplicate for ever
    received_at     timestamptz NOT NULL,
    body_bytes      integer     NOT NULL CHECK (body_bytes >= 0),
    verdicts        text        NOT NULL                -- JSON: [[route, verdict], …]
) PARTITION BY RANGE (seq);

-- Apart from what is listed and searched, so that a page of events never drags bodies along.
CREATE TABLE contents (
    event_seq       bigint      NOT NULL PRIMARY KEY,
    headers         bytea       NOT NULL,               -- JSON: [[name, value], …]
    body            bytea       NOT NULL                -- as it came
) PARTITION BY RANGE (event_seq);

-- Most large bodies are base64, which hardly shrinks: compressing them would cost much and give little.
ALTER TABLE contents ALTER COLUMN body SET STORAGE EXTERNAL;

-- Outlives its event where the window is longer than the history that is kept.
CREATE TABLE dedupe_keys (
    source          text        NOT NULL,
    key             bytea       NOT NULL,
    event_seq       bigint      NOT NULL,
    event_id        text        NOT NULL COLLATE "C",
    taken_at        timestamptz NOT NULL,
    expires_at      timestamptz,
    PRIMARY KEY (source, key)
);

CREATE INDEX dedupe_keys_expiring ON dedupe_keys (expires_at) WHERE expires_at IS NOT NULL;

CREATE TABLE deliveries (
    id              bigint      NOT NULL PRIMARY KEY,
    event_seq       bigint      NOT NULL,
    route           text        NOT NULL,
    target          text        NOT NULL,
    status          text        NOT NULL CHECK (status IN ('pending', 'sending', 'delivered', 'dead', 'cancelled')),
    attempts        integer     NOT NULL DEFAULT 0 CHECK (attempts >= 0),         -- counted at claim
    attempts_before integer     NOT NULL DEFAULT 0 CHECK (attempts_before >= 0),  -- those before the last replay
    planned_at      timestamptz NOT NULL,
    due_at          timestamptz NOT NULL,
    deadline_at     timestamptz NOT NULL,
    leased_by       text,
    leased_until    timestamptz,
    finished_at     timestamptz,
    reason          text        NOT NULL DEFAULT '',    -- the last outcome, in words
    CHECK ((status = 'sending') = (leased_by IS NOT NULL)),
    CHECK ((leased_by IS NULL) = (leased_until IS NULL)),
    CHECK ((status IN ('delivered', 'dead', 'cancelled')) = (finished_at IS NOT NULL)),
    CHECK (attempts_before <= attempts)
) PARTITION BY RANGE (id);

CREATE INDEX deliveries_of_event ON deliveries (event_seq);
CREATE INDEX deliveries_due ON deliveries (target, due_at, id) WHERE status = 'pending';
CREATE INDEX deliveries_oldest ON deliveries (target, id) WHERE status = 'pending';
CREATE INDEX deliveries_leased ON deliveries (leased_by, leased_until) WHERE status = 'sending';
CREATE INDEX deliveries_dead ON deliveries (target, id) WHERE status = 'dead';

CREATE TABLE attempts (
    delivery_id     bigint      NOT NULL,
    number          integer     NOT NULL CHECK (number >= 1),
    started_at      timestamptz NOT NULL,
    duration_ms     double precision NOT NULL,
    outcome         text        NOT NULL CHECK (outcome IN
        ('accepted', 'busy', 'errored', 'timed_out', 'unreachable', 'rejected', 'blocked', 'lost')),
    status          integer,                            -- the answer's HTTP status
    detail          text        NOT NULL,
    excerpt         bytea       NOT NULL,
    PRIMARY KEY (delivery_id, number)
) PARTITION BY RANGE (delivery_id);

CREATE TABLE lanes (
    target          text        PRIMARY KEY
);

-- How much each target still has to get. Kept by every commit, so that nothing ever counts rows to tell it; in shards,
-- so that those who commit at the same time do not wait for each other. A shard alone may be below zero.
CREATE TABLE lane_counts (
    target          text        NOT NULL,
    shard           smallint    NOT NULL,
    unfinished      bigint      NOT NULL DEFAULT 0,
    dead            bigint      NOT NULL DEFAULT 0,
    PRIMARY KEY (target, shard)
) WITH (fillfactor = 50);

-- The processes that use this database. Each holds an advisory lock of its own while it is connected.
CREATE TABLE workers (
    name            text        PRIMARY KEY,
    lock_number     integer     NOT NULL,
    beat            bigint      NOT NULL DEFAULT 0,     -- counts up while it lives
    seen_at         timestamptz NOT NULL DEFAULT now(), -- by the server's clock
    renewed_until   timestamptz,                        -- all of its leases hold at least until then
    is_listening    boolean     NOT NULL DEFAULT false,
    schema_step     integer     NOT NULL                -- the last that its version knows
) WITH (fillfactor = 50);

-- What readiness writes to prove that a commit works.
CREATE TABLE probe (
    id              smallint    PRIMARY KEY CHECK (id = 1),
    at              timestamptz NOT NULL
) WITH (fillfactor = 50);

-- What the processes must have in common and no configuration gives them: the admin port's token.
CREATE TABLE kept (
    name            text        PRIMARY KEY,
    value           text        NOT NULL
);
