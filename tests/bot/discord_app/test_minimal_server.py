"""The bot works on a server that is compatible with Discord and knows next to nothing."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import pytest
from aiohttp import web

from bot.verdicts import EMOTION_EMOJI
from tests.bot.discord_app.harness import AUDIO
from tests.bot.discord_app.minimal_server import ADA, CHANNEL, GUILD, Elsewhere, MinimalDiscord
from tests.bot.discord_app.processes import STAND_IN, Launch, ended, rows, until_rows

FIRST = ("✅", "❌")


def settings(server: MinimalDiscord) -> dict[str, str]:
    return {"EMOTIFY_DISCORD_API": server.api, "EMOTIFY_DISCORD_TOKEN": "a-token-of-no-fixed-form"}


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    "elsewhere",
    [
        lambda _: web.Response(status=404),
        lambda _: web.Response(status=405),
        lambda _: web.json_response({"message": "404: Not Found", "code": 0}, status=404),
        lambda _: web.json_response({}),
    ],
)
async def test_a_note_gets_its_reply_and_the_reactions_are_kept_over_a_kill(
    launch: Launch, tmp_path: Path, elsewhere: Elsewhere
) -> None:
    async with MinimalDiscord(elsewhere=elsewhere) as server:
        process = await launch(STAND_IN, **settings(server))
        await server.connected()
        await server.send_note(AUDIO)
        await server.send_note(AUDIO)  # the same event twice
        await server.until(server.reacted(*FIRST))
        (reply,) = server.replies
        assert reply["message_reference"]["message_id"] == 7001
        await server.react("9001", "✅")
        await until_rows(tmp_path, "SELECT * FROM feedback WHERE mark = 'right'")
        process.kill()
        await ended(process)

        process = await launch(STAND_IN, **settings(server))
        await server.until(lambda: f"GET /channels/{CHANNEL}/messages/9001" in server.asked)  # it tries to catch up
        await server.react("9001", "❌\N{VARIATION SELECTOR-16}")
        await server.until(lambda: {emoji for _, emoji in server.reactions} >= set(EMOTION_EMOJI))
        await until_rows(tmp_path, "SELECT group_concat(mark) FROM feedback HAVING group_concat(mark) = 'right,wrong'")
        await server.react("9001", "❌", event="REMOVE")
        await until_rows(tmp_path, "SELECT group_concat(mark) FROM feedback HAVING group_concat(mark) = 'right'")
        process.send_signal(signal.SIGTERM)
        code, _, _ = await ended(process)
        assert code == 0
        assert len(server.replies) == 1
        assert [row["status"] for row in rows(tmp_path, "SELECT status FROM notes")] == ["answered"]


@pytest.mark.parametrize("base", ["", "/api", "/api/v10"])
async def test_the_api_may_lie_at_any_path(launch: Launch, base: str) -> None:
    async with MinimalDiscord(base=base) as server:
        await launch(STAND_IN, **settings(server) | {"EMOTIFY_DISCORD_API": server.api + "/"})
        await server.connected()
        await server.send_note(AUDIO)
        await server.until(server.reacted(*FIRST))


async def test_a_server_may_announce_its_guilds_without_roles_and_late(launch: Launch, tmp_path: Path) -> None:
    guild = {"id": GUILD, "channels": [{"id": CHANNEL, "type": 0}], "members": [{"user": {"id": "1001"}}]}
    async with MinimalDiscord() as server:
        await launch(STAND_IN, **settings(server))
        await server.connected()
        await server.send_note(AUDIO)
        await server.until(server.reacted(*FIRST))
        await server.dispatch("GUILD_CREATE", guild)
        await server.send_note(AUDIO, message="7002", member={"nick": "Ada"})
        await server.until(server.reacted(*FIRST, *FIRST))
        assert [reply["message_reference"]["message_id"] for reply in server.replies] == [7001, 7002]
        assert {row["guild_id"] for row in rows(tmp_path, "SELECT guild_id FROM notes")} == {int(GUILD)}


async def test_a_voice_message_is_known_by_its_waveform_too(launch: Launch) -> None:
    async with MinimalDiscord() as server:
        await launch(STAND_IN, **settings(server))
        await server.connected()
        song = {"id": "1", "filename": "song.mp3", "url": f"http://{server.host}/files/x", "content_type": "audio/mpeg"}
        await server.send_note(AUDIO, message="7001", flags=None, attachments=[song])
        voice = {"id": "1", "filename": "v", "url": f"http://{server.host}/files/voice-message.ogg"}
        voice |= {"duration_secs": 2.5, "waveform": "AAAA"}  # type: ignore[dict-item]
        await server.send_note(AUDIO, message="7002", flags=None, attachments=[voice])
        await server.until(server.reacted(*FIRST))
        assert [reply["message_reference"]["message_id"] for reply in server.replies] == [7002]


async def test_a_direct_message_needs_no_guild(launch: Launch) -> None:
    async with MinimalDiscord() as server:
        await launch(STAND_IN, EMOTIFY_LISTEN="mention", **settings(server))
        await server.connected()
        await server.send_note(AUDIO)  # in a server, without a mention
        await server.send_note(AUDIO, message="7002", guild_id=None)
        await server.until(server.reacted(*FIRST))
        assert [reply["message_reference"]["message_id"] for reply in server.replies] == [7002]


async def test_reactions_of_others_and_on_other_messages_change_nothing(launch: Launch, tmp_path: Path) -> None:
    async with MinimalDiscord() as server:
        await launch(STAND_IN, **settings(server))
        await server.connected()
        await server.send_note(AUDIO)
        await server.until(server.reacted(*FIRST))
        await server.react("9001", "✅", user="2")
        await server.react("7001", "✅")
        await server.react("9001", "🍕")
        await server.react("9001", "😢")
        assert [row["mark"] for row in await until_rows(tmp_path, "SELECT mark FROM feedback")] == ["sad"]


async def test_no_user_id_is_kept(launch: Launch, tmp_path: Path) -> None:
    number = int(ADA["id"])
    forms = [ADA["id"].encode(), *(number.to_bytes(8, order) for order in ("big", "little"))]
    async with MinimalDiscord() as server:
        process = await launch(STAND_IN, **settings(server))
        await server.connected()
        await server.send_note(AUDIO)
        await server.until(server.reacted(*FIRST))
        await server.react("9001", "✅")
        await until_rows(tmp_path, "SELECT mark FROM feedback")
        held = await asyncio.to_thread(contents, tmp_path)
        assert {path.name for path in held} >= {"emotify.db", "emotify.db-wal", "bot.log"}
        assert [path for path, content in held.items() if any(form in content for form in forms)] == []
        process.send_signal(signal.SIGTERM)
        _, out, err = await ended(process)
        assert ADA["id"] not in out + err


async def test_commands_that_cannot_be_registered_hold_nobody_up(launch: Launch) -> None:
    def elsewhere(request: web.Request) -> web.Response:
        return web.Response(status=500 if request.path.endswith(("/commands", "/typing")) else 404)

    async with MinimalDiscord(elsewhere=elsewhere) as server:
        process = await launch(STAND_IN, **settings(server))
        await server.connected()
        await server.send_note(AUDIO)
        await server.until(server.reacted(*FIRST))
        process.send_signal(signal.SIGTERM)
        assert (await ended(process))[0] == 0


async def test_a_command_may_be_acknowledged_with_nothing(launch: Launch, tmp_path: Path) -> None:
    def elsewhere(request: web.Request) -> web.Response:
        if request.path.endswith("/callback"):
            return web.Response(status=204)
        found = request.method == "PATCH" and request.path == "/webhooks/1001/its-token/messages/@original"
        return web.json_response({"id": "9050", "channel_id": CHANNEL}) if found else web.Response(status=404)

    async with MinimalDiscord(elsewhere=elsewhere) as server:
        await launch(STAND_IN, **settings(server))
        await server.connected()
        server.files["me.ogg"] = AUDIO
        clip = {"id": "3", "url": f"http://{server.host}/files/me.ogg"}
        data = {"id": "2", "name": "listen", "type": 1, "options": [{"name": "clip", "type": 11, "value": "3"}]}
        command = {"id": "7003", "application_id": "1001", "type": 2, "token": "its-token", "channel_id": CHANNEL}
        command |= {"user": ADA, "data": data | {"resolved": {"attachments": {"3": clip}}}}
        await server.dispatch("INTERACTION_CREATE", command)
        await server.until(server.reacted(*FIRST))
        await server.react("9050", "😠")
        await until_rows(tmp_path, "SELECT * FROM feedback WHERE mark = 'angry'")


@pytest.mark.parametrize("about", [None, {"interaction": {"id": "7003", "type": 2}}])
async def test_a_command_is_answered_though_every_answer_names_a_charset(
    launch: Launch, about: dict[str, object] | None
) -> None:
    said: list[str] = []

    def elsewhere(request: web.Request) -> web.Response:
        if request.path.endswith("/callback"):
            return web.json_response(about)
        if request.method == "PATCH" and request.path.endswith("/@original"):
            said.append(request.path)
        return web.json_response({"id": "9050", "channel_id": CHANNEL})

    async with MinimalDiscord(elsewhere=elsewhere) as server:
        await launch(STAND_IN, **settings(server))
        await server.connected()
        command = {"id": "7003", "application_id": "1001", "type": 2, "token": "its-token", "channel_id": CHANNEL}
        command |= {"user": ADA, "data": {"id": "2", "name": "privacy", "type": 1}}
        await server.dispatch("INTERACTION_CREATE", command)
        await server.until(lambda: said)
        assert said == ["/webhooks/1001/its-token/messages/@original"]


async def test_what_a_server_sends_as_null_it_might_have_left_out(launch: Launch, tmp_path: Path) -> None:
    ready = {"resume_gateway_url": None, "guilds": None, "shard": None, "application": None}
    nothing = dict.fromkeys(
        ["guild_id", "member", "mentions", "mention_roles", "embeds", "type", "content", "reactions"]
    )
    async with MinimalDiscord(ready=ready) as server:
        await launch(STAND_IN, **settings(server))
        await server.connected()
        server.files["voice-message.ogg"] = AUDIO
        voice = {"id": None, "filename": None, "url": f"http://{server.host}/files/voice-message.ogg", "size": None}
        note = {"id": "7001", "channel_id": CHANNEL, "author": ADA | {"avatar": None}, "flags": 1 << 13} | nothing
        await server.dispatch("MESSAGE_CREATE", note | {"attachments": [voice]})
        await server.until(server.reacted(*FIRST))
        await server.dispatch("MESSAGE_UPDATE", note | {"attachments": None, "pinned": True})
        await server.react("9001", "😢")
        await until_rows(tmp_path, "SELECT * FROM feedback WHERE mark = 'sad'")
        assert rows(tmp_path, "SELECT status FROM notes") == [{"status": "answered"}]
        await server.dispatch("MESSAGE_DELETE", {"id": "7001", "channel_id": CHANNEL, "guild_id": None})
        await until_rows(tmp_path, "SELECT * FROM notes WHERE status = 'withdrawn'")


@pytest.mark.parametrize("frame", ["{", '{"op": 10}', '{"op": 0, "t": "READY", "d": {}}'])
async def test_a_frame_that_makes_no_sense_ends_the_connection_and_not_the_bot(launch: Launch, frame: str) -> None:
    async with MinimalDiscord() as server:
        process = await launch(STAND_IN, **settings(server))
        await server.connected()
        await server.send_frame(frame)
        await server.until(lambda: server.n_sessions == 2)
        await server.send_note(AUDIO)
        await server.until(server.reacted(*FIRST))
        process.send_signal(signal.SIGTERM)
        assert (await ended(process))[0] == 0
