-- In which servers, and where in them, notes stand: a server may have been deleted while the bot was off.
CREATE INDEX notes_in_server ON notes (guild_id, channel_id) WHERE guild_id IS NOT NULL AND status != 'withdrawn';
