-- Which notes are in their person's baseline: of others, what is said must not reach it. Baselines of earlier releases
-- are begun anew, so none of the notes before is in one.
ALTER TABLE examples ADD COLUMN in_baseline INTEGER NOT NULL DEFAULT 0;
