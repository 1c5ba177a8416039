-- The channel that a note's thread belongs to: when it is deleted, nobody tells of its archived threads. Of older notes it is not
-- known.
ALTER TABLE notes ADD COLUMN parent_id INTEGER;
