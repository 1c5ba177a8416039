"""A server that knows only what a bot cannot do without, and leaves out every field that may be missing.

No guild is announced, no message can be fetched, there is no typing, there are no commands and no rate limits.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any, Self

from aiohttp import WSMsgType, web

from tests.bot.discord_app.harness import PATIENCE

BOT = {"id": "1001", "username": "Emotify", "bot": True}
ADA = {"id": "731284950617283950", "username": "ada"}
CHANNEL, GUILD = "5001", "4001"
Elsewhere = Callable[[web.Request], web.Response]


class MinimalDiscord:
    """An async context manager.

    `base` is the path under which its REST API lies, `elsewhere` answers all else, `ready` changes its READY.
    """

    def __init__(
        self, *, base: str = "", elsewhere: Elsewhere | None = None, ready: dict[str, Any] | None = None
    ) -> None:
        self.replies: list[dict[str, Any]] = []
        self.reactions: list[tuple[str, str]] = []
        self.asked: list[str] = []
        self.files: dict[str, bytes] = {}
        self.n_sessions = 0
        self._base = base
        self._ready = ready or {}
        self._elsewhere = elsewhere or (lambda _: web.Response(status=404))
        self._sockets: set[web.WebSocketResponse] = set()
        self._news = asyncio.Condition()
        self._sequence = 0

    async def __aenter__(self) -> Self:
        app = web.Application()
        at = self._base
        app.add_routes(
            [
                web.get(f"{at}/users/@me", self._who_am_i),
                web.get(f"{at}/gateway/bot", self._where_the_gateway_is),
                web.post(f"{at}/channels/{{channel}}/messages", self._create_message),
                web.put(f"{at}/channels/{{channel}}/messages/{{message}}/reactions/{{emoji}}/@me", self._add_reaction),
                web.get("/socket", self._serve_gateway),
                web.get("/files/{name}", self._serve_file),
                web.route("*", "/{anything:.*}", self._serve_nothing),
            ]
        )
        self._runner = web.AppRunner(app, shutdown_timeout=0.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.host = f"127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        for socket in list(self._sockets):
            await socket.close()
        await self._runner.cleanup()

    @property
    def api(self) -> str:
        """What EMOTIFY_DISCORD_API has to be."""
        return f"http://{self.host}{self._base}"

    async def until(self, condition: Callable[[], Any]) -> None:
        """Wait until something is so; every request of the bot makes it look again."""
        async with self._news, asyncio.timeout(PATIENCE):
            await self._news.wait_for(condition)

    async def connected(self) -> None:
        """Wait until the bot is on the gateway."""
        await self.until(lambda: self._sockets)

    async def send_note(self, audio: bytes, *, message: str = "7001", **changes: Any) -> None:
        """Send a voice message with as few fields as it may have; None takes a field away."""
        self.files["voice-message.ogg"] = audio
        attachment = {"id": "1", "filename": "voice-message.ogg", "url": f"http://{self.host}/files/voice-message.ogg"}
        note = {"id": message, "channel_id": CHANNEL, "guild_id": GUILD, "author": ADA, "flags": 1 << 13}
        note |= {"attachments": [attachment]}
        await self.dispatch("MESSAGE_CREATE", {k: v for k, v in (note | changes).items() if v is not None})

    async def react(self, reply: str, emoji: str, *, event: str = "ADD", user: str = ADA["id"]) -> None:
        """Let somebody react, or take a reaction back."""
        data = {"user_id": user, "channel_id": CHANNEL, "message_id": reply, "emoji": {"name": emoji}}
        await self.dispatch(f"MESSAGE_REACTION_{event}", data)

    async def dispatch(self, event: str, data: dict[str, Any]) -> None:
        """Send an event as plain JSON, without compression."""
        self._sequence += 1
        for socket in list(self._sockets):
            await socket.send_json({"op": 0, "s": self._sequence, "t": event, "d": data})

    async def send_frame(self, text: str) -> None:
        """Send whatever it is."""
        for socket in list(self._sockets):
            await socket.send_str(text)

    def reacted(self, *emoji: str) -> Callable[[], bool]:
        """Make a condition: exactly these stand under the replies, in this order."""
        return lambda: [each for _, each in self.reactions] == list(emoji)

    async def _tell(self) -> None:
        async with self._news:
            self._news.notify_all()

    async def _who_am_i(self, _: web.Request) -> web.Response:
        return web.json_response(BOT)

    async def _serve_nothing(self, request: web.Request) -> web.Response:
        self.asked.append(f"{request.method} {request.path}")
        await self._tell()
        return self._elsewhere(request)

    async def _where_the_gateway_is(self, _: web.Request) -> web.Response:
        limit = {"total": 1000, "remaining": 999, "reset_after": 0, "max_concurrency": 1}
        return web.json_response({"url": f"ws://{self.host}/socket", "shards": 1, "session_start_limit": limit})

    async def _create_message(self, request: web.Request) -> web.Response:
        body = await request.json()
        reply = {"id": str(9001 + len(self.replies)), "channel_id": request.match_info["channel"], "author": BOT}
        self.replies.append(body | reply)
        await self._tell()
        return web.json_response(reply | {"content": body["content"]})

    async def _add_reaction(self, request: web.Request) -> web.Response:
        emoji = request.match_info["emoji"]
        self.reactions.append((request.match_info["message"], emoji))
        await self.react(request.match_info["message"], emoji, user=BOT["id"])  # type: ignore[arg-type]
        await self._tell()
        return web.Response(status=204)

    async def _serve_file(self, request: web.Request) -> web.Response:
        return web.Response(body=self.files[request.match_info["name"]])

    async def _serve_gateway(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_json({"op": 10, "d": {"heartbeat_interval": 41250}, "s": None, "t": None})
        async for frame in socket:
            payload = json.loads(frame.data) if frame.type is WSMsgType.TEXT else {}
            if payload.get("op") == 1:
                await socket.send_json({"op": 11})
            elif payload.get("op") == 2:
                self._sockets.add(socket)
                self.n_sessions += 1
                ready = {"user": BOT, "session_id": "s", "resume_gateway_url": f"ws://{self.host}/socket"}
                await self.dispatch("READY", ready | self._ready)
                await self._tell()
        self._sockets.discard(socket)
        return socket
