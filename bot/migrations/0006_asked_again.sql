-- The place of a note in its person's baseline moves to the note itself, as the note stays in the baseline when what was kept
-- of it is deleted: if it is asked for again, it must not count twice.
ALTER TABLE notes ADD COLUMN in_baseline INTEGER NOT NULL DEFAULT 0;
UPDATE notes SET in_baseline = (SELECT e.in_baseline FROM examples e WHERE e.note = notes.id)
WHERE id IN (SELECT note FROM examples);
ALTER TABLE examples DROP COLUMN in_baseline;

CREATE TRIGGER baseline_dropped AFTER DELETE ON baselines
BEGIN
    UPDATE notes SET in_baseline = 0 WHERE person = OLD.person;
END;
