"""`python -m bot` with the model that it ships: a real voice, a reply, a reaction and a row, through kills too."""

from __future__ import annotations

import asyncio
import io
import signal
import sys
from pathlib import Path

import pytest
import soundfile
import soxr

from emotify_core.synthesis import demonstration_note
from tests.bot.discord_app.harness import Home, answer_to, offered, send_note
from tests.bot.discord_app.processes import BOT, ROOT, Launch, ended, rows, until_rows
from tests.fake_discord import FakeDiscord, Message

WARM_UP = 300.0  # seconds; on a new machine, numba compiles for a while
CLIP = ROOT.parent / "shared/data/ravdess/speech/Actor_12/03-01-05-02-01-01-12.flac"

pytestmark = [
    pytest.mark.skipif(not (ROOT / "models/champion.json").exists(), reason="no model is shipped"),
    pytest.mark.skipif(sys.platform == "win32", reason="Windows knows no SIGTERM"),
]


def as_voice_message(path: Path) -> bytes:
    """Encode a recording as Discord's clients do: Ogg Opus, 48 kHz, mono."""
    y, sr = soundfile.read(path, dtype="float32")
    file = io.BytesIO()
    soundfile.write(file, soxr.resample(y, sr, 48000), 48000, format="OGG", subtype="OPUS")
    return file.getvalue()


async def reply_and_restart(fake: FakeDiscord, home: Home, launch: Launch, folder: Path, audio: bytes) -> Message:
    """Send a note, kill the bot between reply and reaction, react, and see that nothing is lost."""
    process = await launch(BOT, EMOTIFY_WORKERS="1")
    await fake.connected(WARM_UP)
    reply = await offered(fake, await send_note(home.ada, home.channel, audio))
    await until_rows(folder, "SELECT * FROM notes WHERE status = 'answered'")
    process.kill()
    await ended(process)
    await home.ada.react(reply, "✅")
    process = await launch(BOT, EMOTIFY_WORKERS="1")
    await fake.connected(WARM_UP)
    await until_rows(folder, "SELECT * FROM feedback WHERE mark = 'right'")
    process.send_signal(signal.SIGTERM)
    code, _, err = await ended(process)
    assert code == 0
    assert "Traceback" not in err
    assert "Unclosed" not in err
    return reply


async def test_the_demonstration_note_is_answered(
    fake: FakeDiscord, home: Home, launch: Launch, tmp_path: Path
) -> None:
    audio = await asyncio.to_thread(demonstration_note)
    reply = await reply_and_restart(fake, home, launch, tmp_path, audio)
    (row,) = rows(tmp_path, "SELECT * FROM notes JOIN predictions ON predictions.note = notes.id")
    assert row["reply_id"] == reply.id
    assert (ROOT / "models" / row["model"]).is_dir()


@pytest.mark.corpus
@pytest.mark.skipif(not CLIP.exists(), reason="RAVDESS is not in ../shared/data")
async def test_a_real_voice_is_answered(fake: FakeDiscord, home: Home, launch: Launch, tmp_path: Path) -> None:
    await launch(BOT, EMOTIFY_WORKERS="1")
    await fake.connected(WARM_UP)
    await offered(fake, await send_note(home.ada, home.channel, await asyncio.to_thread(as_voice_message, CLIP)))
    (row,) = await until_rows(tmp_path, "SELECT * FROM predictions")
    assert row["emotion"] == "angry"


async def test_what_is_no_audio_gets_one_sentence(fake: FakeDiscord, home: Home, launch: Launch) -> None:
    await launch(BOT, EMOTIFY_WORKERS="1")
    await fake.connected(WARM_UP)
    for audio in (b"", b"not audio at all" * 100, (await asyncio.to_thread(demonstration_note))[:500]):
        reply = await answer_to(fake, await send_note(home.ada, home.channel, audio))
        assert "\n" not in reply.content
        assert reply.reactions == {}
