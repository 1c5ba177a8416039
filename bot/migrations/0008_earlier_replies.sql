-- What stood under a note before it was asked for again, such as an apology: it goes with the last reply when its person is
-- forgotten. Of older notes it is not known.
CREATE TABLE earlier_replies (
    note     INTEGER NOT NULL REFERENCES notes ON DELETE CASCADE,
    reply_id INTEGER NOT NULL,
    PRIMARY KEY (note, reply_id)
) STRICT;
