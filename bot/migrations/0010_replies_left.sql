-- Replies to people who were forgotten, until they are deleted in Discord as well. They name nobody.
CREATE TABLE replies_left (
    reply_id   INTEGER PRIMARY KEY,
    channel_id INTEGER NOT NULL
) STRICT;
