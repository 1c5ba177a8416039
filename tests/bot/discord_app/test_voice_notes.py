"""A voice note gets one reply, wherever it was sent."""

from __future__ import annotations

from tests.bot.discord_app.conftest import AUDIO, PATIENCE, Home, Start, send_note
from tests.fake_discord import FakeDiscord


async def test_a_voice_note_gets_a_reply_with_reactions_and_a_row(fake: FakeDiscord, start: Start, home: Home) -> None:
    bot = await start()
    note = await send_note(home.ada, home.channel)
    reply = await fake.next_message(home.channel, reply_to=note, timeout=PATIENCE)
    await fake.reacted(reply, "✅", "❌", timeout=PATIENCE)
    row = await bot.until_row("SELECT * FROM notes JOIN predictions ON note = id WHERE status = 'answered'")
    assert (row["message_id"], row["reply_id"], row["channel_id"]) == (note.id, reply.id, home.channel.id)
    assert (row["emotion"], row["model"]) == ("sad", "stand-in-1")
    assert bot.recognizer.heard == [AUDIO]
    assert str(home.ada.id) not in str(row)
