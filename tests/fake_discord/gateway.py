"""The gateway: sessions over websockets, with everything dispatched kept for a resume."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from enum import IntEnum
from itertools import count

from aiohttp import WSMsgType, web

from tests.fake_discord import intents
from tests.fake_discord.compression import compressor_for
from tests.fake_discord.model import Payload
from tests.fake_discord.payloads import guild_create_payload, me_payload, member_payload
from tests.fake_discord.world import Event, World

UNKNOWN_OPCODE, NOT_AUTHENTICATED, AUTHENTICATION_FAILED, DISALLOWED_INTENTS = 4001, 4003, 4004, 4014
NORMAL_CLOSURES = (1000, 1001)  # after which Discord forgets the session
CLOSE_WITHIN = 1.0  # seconds that a client has to answer a closing handshake


class Op(IntEnum):
    """Opcodes of the gateway."""

    DISPATCH = 0
    HEARTBEAT = 1
    IDENTIFY = 2
    PRESENCE = 3
    VOICE_STATE = 4
    RESUME = 6
    RECONNECT = 7
    REQUEST_MEMBERS = 8
    INVALID_SESSION = 9
    HELLO = 10
    ACK = 11


@dataclass(eq=False)
class Connection:
    """One websocket with a writer that keeps the order of what is sent."""

    socket: web.WebSocketResponse
    request: web.Request
    compress: Callable[[bytes], bytes] | None
    outgoing: asyncio.Queue[Payload] = field(default_factory=asyncio.Queue)
    acknowledged: int = 0  # the latest sequence number that the client said it has seen
    answered: int = 0  # heartbeats received
    writer: asyncio.Task[None] | None = None
    closed: bool = False

    def send(self, payload: Payload) -> None:
        if not self.closed:
            self.outgoing.put_nowait(payload)

    async def write(self) -> None:
        """Send what is queued until the socket is gone."""
        with contextlib.suppress(ConnectionError):
            while True:
                text = json.dumps(await self.outgoing.get())
                if self.compress is None:
                    await self.socket.send_str(text)
                else:
                    await self.socket.send_bytes(self.compress(text.encode()))


@dataclass(eq=False)
class Session:
    """What an IDENTIFY began: it outlives its connection until it is resumed or forgotten."""

    id: str
    intents: int
    log: list[Payload] = field(default_factory=list)
    connection: Connection | None = None
    ready: bool = False

    @property
    def sequence(self) -> int:
        return len(self.log)

    def dispatch(self, name: str, data: Payload) -> None:
        payload = {"op": Op.DISPATCH, "t": name, "s": self.sequence + 1, "d": data}
        self.log.append(payload)
        if self.connection is not None:
            self.connection.send(payload)

    def wants(self, event: Event) -> bool:
        return not event.intent or bool(self.intents & event.intent)


class Gateway:
    """Serves websockets and hands every event of the world to the sessions that may hear it."""

    def __init__(self, world: World, *, heartbeat_interval: float = 41.25) -> None:
        self._world = world
        self._heartbeat_interval = heartbeat_interval
        self._numbers = count(1)
        self._open = asyncio.Event()
        self._open.set()
        self.url = ""
        self.sessions: dict[str, Session] = {}
        self.connections: list[Connection] = []
        self.identified = 0  # how often a client identified anew
        self.resumed = 0  # how often one resumed
        self.refusals: list[int] = []  # close codes given instead of READY

    # -- what tests look at and do ---------------------------------------------------------------------------------

    @property
    def live(self) -> list[Session]:
        """Sessions with a client on the line that has been told of its guilds."""
        return [each for each in self.sessions.values() if each.connection is not None and each.ready]

    def dispatch(self, event: Event) -> None:
        """Send an event to every session that may hear it, now or when it resumes."""
        for session in self.sessions.values():
            if session.wants(event):
                is_blind = not session.intents & intents.MESSAGE_CONTENT
                withheld = event.blanked if is_blind else None
                session.dispatch(event.name, event.data if withheld is None else withheld)

    def repeat(self, name: str) -> None:
        """Dispatch the latest event of that name once more, as Discord sometimes does."""
        for session in self.sessions.values():
            latest = next((each for each in reversed(session.log) if each["t"] == name), None)
            if latest is None:
                raise LookupError(f"no {name} was dispatched")
            session.dispatch(name, latest["d"])

    def drop(self) -> None:
        """Cut every connection without a closing handshake; the sessions can be resumed."""
        for connection in self.connections:
            if (transport := connection.request.transport) is not None:
                transport.abort()

    def reconnect(self) -> None:
        """Ask every client to reconnect and resume."""
        self._send_all({"op": Op.RECONNECT, "d": None})

    def invalidate(self, *, resumable: bool = False) -> None:
        """Tell every client that its session is invalid; unless `resumable` it is forgotten."""
        self._send_all({"op": Op.INVALID_SESSION, "d": resumable})
        if not resumable:
            self.sessions.clear()

    async def close(self, code: int) -> None:
        """Close every connection with a code of Discord's."""
        await asyncio.gather(*(connection.socket.close(code=code) for connection in list(self.connections)))

    @contextlib.asynccontextmanager
    async def outage(self) -> AsyncIterator[None]:
        """Cut the connections, and let nobody identify or resume before the block ends."""
        self._open.clear()
        self.drop()
        await self._world.changes.until(lambda: not any(each.connection for each in self.sessions.values()), 10)
        try:
            yield
        finally:
            self._open.set()

    async def round_trip(self) -> None:
        """Ask every client for a heartbeat and wait for it: by then each has read all that was sent before."""
        asked = [(connection, connection.answered + 1) for connection in self.connections]
        self._send_all({"op": Op.HEARTBEAT, "d": None})
        while any(not connection.closed and connection.answered < number for connection, number in asked):
            await self._world.changes.wait()

    def _send_all(self, payload: Payload) -> None:
        for connection in self.connections:
            connection.send(payload)

    # -- the protocol ----------------------------------------------------------------------------------------------

    async def handle(self, request: web.Request) -> web.WebSocketResponse:
        """Serve one websocket."""
        socket = web.WebSocketResponse(compress=False, timeout=CLOSE_WITHIN)
        await socket.prepare(request)
        connection = Connection(socket, request, compressor_for(request.query.get("compress")))
        connection.writer = asyncio.create_task(connection.write(), name="fake gateway writer")
        self.connections.append(connection)
        connection.send({"op": Op.HELLO, "d": {"heartbeat_interval": int(self._heartbeat_interval * 1000)}})
        try:
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    await self._receive(connection, json.loads(message.data))
        finally:
            self._forget(connection)
        return socket

    def _forget(self, connection: Connection) -> None:
        connection.closed = True
        self.connections.remove(connection)
        if connection.writer is not None:
            connection.writer.cancel()
        for session in list(self.sessions.values()):
            if session.connection is connection:
                session.connection = None
                if connection.socket.close_code in NORMAL_CLOSURES:
                    del self.sessions[session.id]
        self._world.changes.announce()

    async def _receive(self, connection: Connection, payload: Payload) -> None:
        code, data = Op(payload["op"]), payload.get("d")
        if code is Op.HEARTBEAT:
            connection.acknowledged = data or 0
            connection.answered += 1
            connection.send({"op": Op.ACK, "d": None})
            self._world.changes.announce()
        elif code in (Op.IDENTIFY, Op.RESUME):
            await self._open.wait()
            await (self._identify if code is Op.IDENTIFY else self._resume)(connection, data or {})
        elif code is Op.REQUEST_MEMBERS:
            await self._send_members(connection, data or {})
        elif code not in (Op.PRESENCE, Op.VOICE_STATE):
            await connection.socket.close(code=UNKNOWN_OPCODE)

    async def _refuse(self, connection: Connection, code: int, reason: str) -> None:
        self.refusals.append(code)
        await connection.socket.close(code=code, message=reason.encode())

    async def _identify(self, connection: Connection, data: Payload) -> None:
        if data["token"] != self._world.token:
            await self._refuse(connection, AUTHENTICATION_FAILED, "Authentication failed.")
            return
        if intents.disallowed(data["intents"], self._world.application):
            await self._refuse(connection, DISALLOWED_INTENTS, "Disallowed intent(s).")
            return
        session = Session(f"session{next(self._numbers)}", data["intents"], connection=connection)
        self.sessions[session.id] = session
        self.identified += 1
        self._welcome(session, data.get("shard"))

    def _welcome(self, session: Session, shard: list[int] | None) -> None:
        """Send READY and then every guild."""
        world = self._world
        guilds = [guild for guild in world.guilds.values() if world.me in guild.members]
        ready: Payload = {
            "v": 10,
            "user": me_payload(world.me),
            "guilds": [{"id": str(guild.id), "unavailable": True} for guild in guilds],
            "private_channels": [],
            "session_id": session.id,
            "session_type": "normal",
            "resume_gateway_url": self.url,
            "application": {"id": str(world.application.id), "flags": world.application.flags},
        }
        session.dispatch("READY", ready | ({"shard": shard} if shard else {}))
        for guild in guilds:
            if session.intents & intents.GUILDS:
                session.dispatch("GUILD_CREATE", guild_create_payload(guild, world.channels_of(guild), world.me))
        session.ready = True
        world.changes.announce()

    async def _resume(self, connection: Connection, data: Payload) -> None:
        session = self.sessions.get(data["session_id"] or "")
        if data["token"] != self._world.token:
            await self._refuse(connection, AUTHENTICATION_FAILED, "Authentication failed.")
            return
        if session is None or data["seq"] is None or data["seq"] > session.sequence:
            connection.send({"op": Op.INVALID_SESSION, "d": False})
            return
        session.connection = connection
        self.resumed += 1
        for missed in session.log[data["seq"] :]:
            connection.send(missed)
        session.dispatch("RESUMED", {})
        self._world.changes.announce()

    async def _send_members(self, connection: Connection, data: Payload) -> None:
        session = next((each for each in self.sessions.values() if each.connection is connection), None)
        if session is None:
            await self._refuse(connection, NOT_AUTHENTICATED, "Not authenticated.")
            return
        guild = self._world.guilds[int(data["guild_id"])]
        wanted = {int(each) for each in data.get("user_ids") or []}
        found = [
            user
            for user in guild.members
            if (user.id in wanted if wanted else user.name.lower().startswith((data.get("query") or "").lower()))
        ]
        chunk: Payload = {
            "guild_id": str(guild.id),
            "members": [member_payload(guild, user) for user in found],
            "chunk_index": 0,
            "chunk_count": 1,
            "not_found": [str(each) for each in wanted - {user.id for user in found}],
        }
        session.dispatch("GUILD_MEMBERS_CHUNK", chunk | ({"nonce": data["nonce"]} if "nonce" in data else {}))
