PRAGMA application_id = 1164799860;  -- "Emot": tells this file from any other SQLite file

-- People are pseudonyms (bot/pseudonyms.py); no table holds a Discord user id.
CREATE TABLE people (
    pseudonym       TEXT PRIMARY KEY,
    first_seen      TEXT NOT NULL,              -- times are ISO 8601 in UTC, of fixed width, so they sort as text
    notice_shown_at TEXT                        -- when the person was told that a machine listens
) STRICT;

CREATE TABLE consents (
    person     TEXT NOT NULL REFERENCES people ON DELETE CASCADE,
    kind       TEXT NOT NULL CHECK (kind IN ('listening', 'learning')),
    answer     INTEGER NOT NULL CHECK (answer IN (0, 1)),
    changed_at TEXT NOT NULL,
    PRIMARY KEY (person, kind)
) STRICT;

CREATE TABLE settings (
    scope      TEXT NOT NULL,                   -- 'store', 'guild:<id>' or 'person:<pseudonym>'
    name       TEXT NOT NULL,
    value      TEXT NOT NULL,
    changed_at TEXT NOT NULL,
    PRIMARY KEY (scope, name)
) STRICT;

-- AUTOINCREMENT, here and below: the number of a forgotten note is never given to another one, so late news about the old one
-- (a prediction that was still being computed) cannot land on the new one.
CREATE TABLE notes (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    person      TEXT NOT NULL REFERENCES people ON DELETE CASCADE,
    origin      TEXT NOT NULL CHECK (origin IN ('discord', 'try')),
    guild_id    INTEGER,
    channel_id  INTEGER,
    message_id  INTEGER UNIQUE,                 -- what makes the same event, delivered twice, one note
    reply_id    INTEGER UNIQUE,
    received_at TEXT NOT NULL,
    answered_at TEXT,
    status      TEXT NOT NULL CHECK (status IN ('received', 'predicted', 'answered', 'refused', 'failed', 'withdrawn')),
    reason      TEXT,                           -- why it was refused or failed
    template    TEXT,                           -- which reply was chosen, so that it is not repeated
    notice      INTEGER NOT NULL DEFAULT 0 CHECK (notice IN (0, 1))  -- the reply carries the first-use notice
) STRICT;
CREATE INDEX notes_of_person ON notes (person, id);
CREATE INDEX notes_in_work ON notes (id) WHERE status IN ('received', 'predicted');

CREATE TABLE predictions (
    note          INTEGER PRIMARY KEY REFERENCES notes ON DELETE CASCADE,
    model         TEXT NOT NULL,
    emotion       TEXT NOT NULL,
    confidence    REAL NOT NULL CHECK (confidence BETWEEN 0 AND 1.001),
    probabilities TEXT NOT NULL,
    duration      REAL NOT NULL,
    created_at    TEXT NOT NULL
) STRICT;

-- Each row is a mark that stands; taking a mark back deletes its row. The highest seq is the last word: clocks may jump, it cannot.
CREATE TABLE feedback (
    seq  INTEGER PRIMARY KEY AUTOINCREMENT,
    note INTEGER NOT NULL REFERENCES notes ON DELETE CASCADE,
    mark TEXT NOT NULL,                         -- 'right', 'wrong', or the emotion that it was
    at   TEXT NOT NULL,
    UNIQUE (note, mark)
) STRICT;
