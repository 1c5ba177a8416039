ALTER TABLE people ADD COLUMN learning_asked_at TEXT;  -- when the person was asked whether the bot may learn from them

-- What may be learned of a note: numbers that describe how it sounds (bot/vault.py), kept with the person's yes only. No
-- label is stored with it: it follows from the marks that stand when the night reads it.
CREATE TABLE examples (
    note       INTEGER PRIMARY KEY REFERENCES notes ON DELETE CASCADE,
    vector_set TEXT NOT NULL,                   -- features and network that the numbers belong to
    sealed     BLOB NOT NULL,
    created_at TEXT NOT NULL
) STRICT;

-- How a person sounds in the mean, to hear them better.
CREATE TABLE baselines (
    person     TEXT PRIMARY KEY REFERENCES people ON DELETE CASCADE,
    vector_set TEXT NOT NULL,
    sealed     BLOB NOT NULL,
    n_notes    INTEGER NOT NULL CHECK (n_notes > 0),
    changed_at TEXT NOT NULL
) STRICT;

-- What each nightly retraining decided, and why. It counts people and names none.
CREATE TABLE nights (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    started_at  TEXT NOT NULL,
    finished_at TEXT,                           -- NULL: it runs, or was killed
    decision    TEXT CHECK (decision IN ('promoted', 'kept', 'failed', 'skipped')),
    champion    TEXT,
    challenger  TEXT,
    reason      TEXT,
    report      TEXT,                           -- JSON
    CHECK ((finished_at IS NULL) = (decision IS NULL))
) STRICT;
