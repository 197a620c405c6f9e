-- runs with: 2
-- Which of its source's secrets proved an event, by its position from 1. NULL: none had to, or an older program wrote it.

ALTER TABLE events ADD COLUMN secret_number smallint;
