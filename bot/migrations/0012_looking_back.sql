-- What is looked for with neither a person nor a message: the notes of a deleted channel, and after a start the latest ones.
-- Without these, each such look reads all notes of all years, while those that come in wait for the store.
CREATE INDEX notes_in_channel ON notes (channel_id) WHERE channel_id IS NOT NULL;
CREATE INDEX notes_in_threads ON notes (parent_id) WHERE parent_id IS NOT NULL;
CREATE INDEX notes_answered ON notes (answered_at) WHERE status = 'answered';
CREATE INDEX notes_unsaid ON notes (received_at) WHERE status IN ('failed', 'refused');
