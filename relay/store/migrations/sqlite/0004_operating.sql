-- runs with: 2
-- What operators ask and do: what died is found at once, minutes are added up, replays go on, refused requests are kept.

CREATE INDEX deliveries_dead ON deliveries (target, id) WHERE status = 'dead';

-- What happened in each minute, added up by all processes.
CREATE TABLE minutes (
    at              INTEGER NOT NULL,                   -- when the minute begins
    what            TEXT    NOT NULL,
    name            TEXT    NOT NULL,
    result          TEXT    NOT NULL,
    count           INTEGER NOT NULL,
    seconds         REAL    NOT NULL,
    PRIMARY KEY (at, what, name, result)
) STRICT, WITHOUT ROWID;

CREATE TABLE replays (
    id              TEXT    PRIMARY KEY,                -- begins with its time
    wanted          TEXT    NOT NULL,                   -- JSON: the filter
    only_dead       INTEGER NOT NULL CHECK (only_dead IN (0, 1)),
    per_s           INTEGER NOT NULL CHECK (per_s >= 1),
    state           TEXT    NOT NULL CHECK (state IN ('running', 'done', 'cancelled')),
    created_at      INTEGER NOT NULL,
    due_at          INTEGER NOT NULL,
    finished_at     INTEGER,
    position        TEXT,                               -- the last event that was looked at
    searched        INTEGER NOT NULL DEFAULT 0,
    replayed        INTEGER NOT NULL DEFAULT 0,
    CHECK ((state = 'running') = (finished_at IS NULL))
) STRICT;

CREATE INDEX replays_running ON replays (due_at) WHERE state = 'running';

CREATE TABLE rejections (
    number          INTEGER PRIMARY KEY AUTOINCREMENT,
    source          TEXT    NOT NULL,
    refusal         TEXT    NOT NULL,
    received_at     INTEGER NOT NULL,
    remote          TEXT    NOT NULL,
    body_bytes      INTEGER NOT NULL,
    is_whole        INTEGER NOT NULL CHECK (is_whole IN (0, 1)),
    event_id        TEXT                                -- what it became
) STRICT;

-- Apart from what is listed. It may hold credentials: they are verified with once more, and never shown.
CREATE TABLE rejected_requests (
    number          INTEGER PRIMARY KEY REFERENCES rejections (number),
    head            BLOB    NOT NULL,                   -- JSON: method, origin, path, query, headers and token
    body            BLOB    NOT NULL
) STRICT;
