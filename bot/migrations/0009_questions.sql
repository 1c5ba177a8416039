-- The question whether the bot may learn, where others see it: from just before it is put until it is answered.
CREATE TABLE questions (
    person     TEXT PRIMARY KEY REFERENCES people ON DELETE CASCADE,
    channel_id INTEGER NOT NULL,
    reply_id   INTEGER NOT NULL,  -- under which it is put
    message_id INTEGER,           -- NULL: it is on its way; after a kill it is looked for
    put_at     TEXT NOT NULL
) STRICT;
