-- runs with: 2
-- Where the content comes from, if `relay migrate` brought it: until it is finished, no relay may start here.

CREATE TABLE moves (
    id              INTEGER PRIMARY KEY CHECK (id = 1),
    origin          TEXT    NOT NULL,
    begun_at        INTEGER NOT NULL,
    finished_at     INTEGER                             -- NULL: not all is here yet
) STRICT;
