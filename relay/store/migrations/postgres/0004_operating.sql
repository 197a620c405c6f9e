-- runs with: 2
-- What operators ask and do: minutes are added up, replays go on, refused requests are kept.

-- What happened in each minute, added up by all processes.
CREATE TABLE minutes (
    at              timestamptz NOT NULL,               -- when the minute begins
    what            text        NOT NULL,
    name            text        NOT NULL,
    result          text        NOT NULL,
    count           bigint      NOT NULL,
    seconds         double precision NOT NULL,
    PRIMARY KEY (at, what, name, result)
) WITH (fillfactor = 50);

CREATE TABLE replays (
    id              text        PRIMARY KEY COLLATE "C",    -- begins with its time
    wanted          text        NOT NULL,               -- JSON: the filter
    only_dead       boolean     NOT NULL,
    per_s           integer     NOT NULL CHECK (per_s >= 1),
    state           text        NOT NULL CHECK (state IN ('running', 'done', 'cancelled')),
    created_at      timestamptz NOT NULL,
    due_at          timestamptz NOT NULL,
    finished_at     timestamptz,
    position        text,                               -- the last event that was looked at
    searched        bigint      NOT NULL DEFAULT 0,
    replayed        bigint      NOT NULL DEFAULT 0,
    CHECK ((state = 'running') = (finished_at IS NULL))
);

CREATE INDEX replays_running ON replays (due_at) WHERE state = 'running';

CREATE TABLE rejections (
    number          bigint      PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
    source          text        NOT NULL,
    refusal         text        NOT NULL,
    received_at     timestamptz NOT NULL,
    remote          text        NOT NULL,
    body_bytes      integer     NOT NULL,
    is_whole        boolean     NOT NULL,
    event_id        text                                -- what it became
);

-- Apart from what is listed. It may hold credentials: they are verified with once more, and never shown.
CREATE TABLE rejected_requests (
    number          bigint      PRIMARY KEY REFERENCES rejections (number) ON DELETE CASCADE,
    head            bytea       NOT NULL,               -- JSON: method, origin, path, query, headers and token
    body            bytea       NOT NULL
);

ALTER TABLE rejected_requests ALTER COLUMN body SET STORAGE EXTERNAL;
