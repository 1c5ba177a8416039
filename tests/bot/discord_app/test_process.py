"""`python -m bot` as a process: it explains itself, survives being killed, and stops when it is told to."""

from __future__ import annotations

import asyncio
import signal
import stat
import sys
from pathlib import Path

import pytest

from bot.discord_app.failures import NO_TOKEN, WRONG_TOKEN
from tests.bot.discord_app.harness import PATIENCE, Home, offered, send_note
from tests.bot.discord_app.processes import BOT, STAND_IN, Launch, ended, rows, until_rows
from tests.fake_discord import FakeDiscord
from tests.interruptions import interrupt_while_loading

MESSAGES = "/channels/*/messages"


async def test_without_a_token_two_lines_say_how_to_get_one(launch: Launch) -> None:
    code, out, err = await ended(await launch(BOT, EMOTIFY_DISCORD_TOKEN=None))
    assert (code, out, err) == (2, "", NO_TOKEN + "\n")


async def test_a_wrong_token_is_said_in_plain_words(launch: Launch) -> None:
    code, _, err = await ended(await launch(STAND_IN, EMOTIFY_DISCORD_TOKEN="wrong"))
    assert code == 2
    assert err.endswith(WRONG_TOKEN + "\n")
    assert "Traceback" not in err


async def test_wrong_settings_are_said_in_one_line_each(launch: Launch) -> None:
    code, _, err = await ended(await launch(BOT, EMOTIFY_LISTEN="loudly", EMOTIFY_WORKERS="none"))
    assert code == 2
    assert len(err.splitlines()) == 2
    assert "EMOTIFY_LISTEN" in err
    assert "EMOTIFY_WORKERS" in err


async def test_a_folder_that_cannot_be_written_is_said_in_one_line(launch: Launch, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    code, _, err = await ended(await launch(BOT, EMOTIFY_DATA_DIR=str(tmp_path / "file" / "data")))
    assert code == 2
    assert len(err.splitlines()) == 1
    assert str(tmp_path / "file") in err


async def test_help_teaches_every_setting_and_command(launch: Launch) -> None:
    code, out, err = await ended(await launch(BOT, "--help"))
    assert (code, err) == (0, "")
    for word in ("python -m bot try", "EMOTIFY_DISCORD_TOKEN", "EMOTIFY_LISTEN", "exit codes", "130"):
        assert word in out


async def test_version_is_one_line(launch: Launch) -> None:
    code, out, _ = await ended(await launch(BOT, "--version"))
    assert code == 0
    assert out.startswith("Emotify ")
    assert len(out.splitlines()) == 1


async def test_an_unknown_word_is_refused(launch: Launch) -> None:
    code, _, err = await ended(await launch(BOT, "tyr"))
    assert code == 2
    assert "tyr" in err


@pytest.mark.parametrize("loading", ["asyncio", "pydantic", "discord"])
def test_control_c_ends_quietly_while_libraries_are_loaded(loading: str, tmp_path: Path) -> None:
    assert interrupt_while_loading(loading, "bot", folder=tmp_path) == (130, "", "")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows knows no such signals")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_stops_the_bot_in_good_order(
    fake: FakeDiscord, home: Home, launch: Launch, tmp_path: Path, number: signal.Signals
) -> None:
    process = await launch(STAND_IN)
    await fake.connected()
    await offered(fake, await send_note(home.ada, home.channel))
    process.send_signal(number)
    code, _, err = await ended(process)
    assert code == 0
    assert "Unclosed" not in err
    assert "Traceback" not in err
    assert "never awaited" not in err
    assert fake.gateway.live == []
    assert len(rows(tmp_path, "SELECT * FROM notes WHERE status = 'answered'")) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="Windows knows no such signals")
async def test_a_second_signal_ends_the_bot_at_once(
    fake: FakeDiscord, home: Home, launch: Launch, tmp_path: Path
) -> None:
    process = await launch(STAND_IN, STAND_IN_HOLDS="1")
    await fake.connected()
    await send_note(home.ada, home.channel)
    await fake.until(lambda: fake.cdn.downloads)
    process.send_signal(signal.SIGTERM)
    assert process.stderr is not None
    await asyncio.wait_for(process.stderr.readuntil(b"Stopping"), PATIENCE)
    process.send_signal(signal.SIGTERM)
    code, _, _ = await ended(process)
    assert code == 128 + signal.SIGTERM


async def test_killing_it_between_reply_and_reaction_loses_neither(
    fake: FakeDiscord, home: Home, launch: Launch, tmp_path: Path
) -> None:
    process = await launch(STAND_IN)
    await fake.connected()
    reply = await offered(fake, await send_note(home.ada, home.channel))
    await until_rows(tmp_path, "SELECT * FROM notes WHERE status = 'answered'")
    process.kill()
    await ended(process)
    await home.ada.react(reply, "✅")
    assert [row["reply_id"] for row in rows(tmp_path, "SELECT * FROM notes")] == [reply.id]
    await launch(STAND_IN)
    await until_rows(tmp_path, "SELECT * FROM feedback WHERE mark = 'right'")
    await home.ada.react(reply, "😠")
    await until_rows(tmp_path, "SELECT * FROM feedback WHERE mark = 'angry'")
    assert len(fake.messages(home.channel)) == 1


async def test_killing_it_between_note_and_reply_loses_neither(
    fake: FakeDiscord, home: Home, launch: Launch, tmp_path: Path
) -> None:
    process = await launch(STAND_IN, STAND_IN_HOLDS="1")
    await fake.connected()
    note = await send_note(home.ada, home.channel)
    await until_rows(tmp_path, "SELECT * FROM notes WHERE status = 'received'")
    process.kill()
    await ended(process)
    await launch(STAND_IN)
    reply = await offered(fake, note)
    await until_rows(tmp_path, f"SELECT * FROM notes WHERE status = 'answered' AND reply_id = {reply.id}")
    assert len(fake.messages(home.channel)) == 1


async def test_killing_it_while_the_reply_leaves_makes_no_second_one(
    fake: FakeDiscord, home: Home, launch: Launch, tmp_path: Path
) -> None:
    process = await launch(STAND_IN)
    await fake.connected()
    hold = fake.hold("POST", MESSAGES, after=True)
    note = await send_note(home.ada, home.channel)
    await asyncio.wait_for(hold.arrived.wait(), PATIENCE)
    process.kill()
    await ended(process)
    hold.release()
    await launch(STAND_IN)
    reply = await offered(fake, note)
    await until_rows(tmp_path, f"SELECT * FROM notes WHERE status = 'answered' AND reply_id = {reply.id}")
    assert fake.messages(home.channel) == [reply]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells the limits of other processes")
async def test_a_crash_leaves_nothing_of_the_memory_on_the_disk(fake: FakeDiscord, launch: Launch) -> None:
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))
    process = await launch(STAND_IN)
    resource.setrlimit(resource.RLIMIT_CORE, (soft, hard))
    await fake.connected(PATIENCE)
    limits = await asyncio.to_thread(Path(f"/proc/{process.pid}/limits").read_text)
    assert "Max core file size        0 " in limits


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such rights")
async def test_the_owner_alone_can_look_into_a_new_data_folder(
    fake: FakeDiscord, launch: Launch, tmp_path: Path
) -> None:
    await launch(STAND_IN, EMOTIFY_DATA_DIR=str(tmp_path / "data"))
    await fake.connected(PATIENCE)
    assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700
