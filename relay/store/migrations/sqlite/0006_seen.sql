-- runs with: 2
-- When something of a kind last happened is found by a seek for each kind, however many minutes are kept.

CREATE INDEX minutes_by_kind ON minutes (what, name, result, at DESC);
