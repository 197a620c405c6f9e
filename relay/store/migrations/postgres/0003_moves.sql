-- runs with: 2
-- Where the content comes from, if `relay migrate` brought it: until it is finished, no relay may start here.

CREATE TABLE moves (
    id              smallint    PRIMARY KEY CHECK (id = 1),
    origin          text        NOT NULL,
    begun_at        timestamptz NOT NULL,
    finished_at     timestamptz                         -- NULL: not all is here yet
);
