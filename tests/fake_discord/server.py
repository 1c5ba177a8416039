"""The fake Discord itself: one aiohttp server on loopback, and what tests do with it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Any, Self, TypeVar

from aiohttp import web

from tests.fake_discord import (
    actions,
    faults,
    rest,
    rest_accounts,
    rest_interactions,
    rest_messages,
    settling,
    world,
)
from tests.fake_discord.calls import Call
from tests.fake_discord.cdn import Cdn
from tests.fake_discord.faults import Fault, Hold
from tests.fake_discord.gateway import Gateway
from tests.fake_discord.model import Attachment, Channel, Guild, Interaction, Message, MessageFlag, User
from tests.fake_discord.openapi import load_document, violations_of
from tests.fake_discord.people import Person
from tests.fake_discord.permissions import MEMBER, Permission

T = TypeVar("T")
TOKEN = "MTIzNDU2Nzg5MDEyMzQ1Njc4.GfakeX.a-token-that-only-the-fake-knows"
MAX_UPLOAD = 64 * 2**20
PATIENCE = 60.0  # seconds; the machine may be slow and shared, and a passing test never waits that long


class FakeDiscord:
    """A Discord of one's own; see the package's docstring for a tour.

    Parameters
    ----------
    token : str
        The bot's token.
    bot_name : str
        The bot's user name.
    message_content, members, presences : bool
        Which privileged intents are switched on in the developer portal.
    heartbeat_interval : float
        Seconds between the heartbeats asked of the client.
    """

    def __init__(
        self,
        *,
        token: str = TOKEN,
        bot_name: str = "Emotify",
        message_content: bool = True,
        members: bool = False,
        presences: bool = False,
        heartbeat_interval: float = 41.25,
    ) -> None:
        self.token = token
        self.world = world.new_world(
            token=token, bot_name=bot_name, message_content=message_content, members=members, presences=presences
        )
        self.application = self.world.application
        self.bot_user: User = self.world.me
        self.gateway = Gateway(self.world, heartbeat_interval=heartbeat_interval)
        self.cdn = Cdn(self.world)
        self.world.emit = self.gateway.dispatch
        self.elsewhere_requests: list[str] = []  # paths asked of the other host, which no bot should ask anything of
        self._rest = rest.Rest(self.world)
        self._holds: list[Hold] = []
        self._taken: set[int] = set()
        self._checked = 0
        self._violations: list[str] = []

    # -- life ------------------------------------------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        await asyncio.to_thread(load_document)
        app = web.Application(client_max_size=MAX_UPLOAD)
        app.add_routes(self._routes())
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        here, there = [await self._listen() for _ in range(2)]
        self.host = f"http://127.0.0.1:{here}"
        self.api = self.host + rest.BASE
        self.elsewhere = f"http://localhost:{there}/elsewhere"
        self.dead_host = f"http://127.0.0.1:{_closed_port()}"
        self.world.cdn = self.host
        self.world.gateway_url = self.gateway.url = f"ws://127.0.0.1:{here}"
        return self

    def _routes(self) -> list[web.RouteDef]:
        return [
            web.get("/", self.gateway.handle),
            web.get("/attachments/{channel}/{attachment}/{filename}", self.cdn.handle),
            web.get("/elsewhere{tail:.*}", self._elsewhere),
            *self._rest.routes([*rest_accounts.ROUTES, *rest_messages.ROUTES, *rest_interactions.ROUTES]),
        ]

    async def _listen(self) -> int:
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        port: int = self._runner.addresses[-1][1]
        return port

    async def _elsewhere(self, request: web.Request) -> web.Response:
        self.elsewhere_requests.append(request.path)
        self.world.changes.announce()
        return web.Response(body=b"not yours to read")

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for hold in [*self._holds, *self.cdn.holds]:
            hold.release()
        await self.gateway.close(1001)
        await self._runner.cleanup()

    # -- who and what there is -------------------------------------------------------------------------------------

    @property
    def mention(self) -> str:
        """What to write into a message to address the bot."""
        return f"<@{self.bot_user.id}>"

    def guild(
        self, name: str = "Home", *, permissions: Permission = MEMBER, with_bot: bool = True, locale: str = "en-US"
    ) -> Guild:
        """Make a server with everybody there is, the bot among them with a role that adds `permissions`."""
        guild = world.add_guild(self.world, name, permissions=permissions, with_bot=False)
        guild.locale = locale
        for user in self.world.users.values():
            if not user.bot:
                guild.members.setdefault(user, [])
        if with_bot:
            self.invite_bot(guild)
        return guild

    def invite_bot(self, guild: Guild) -> None:
        """Let the bot into a server."""
        guild.members[self.bot_user] = [guild.roles[1]]
        world.tell_guild(self.world, guild)

    def remove_bot(self, guild: Guild) -> None:
        """Throw the bot out of a server."""
        actions.leave_guild(self.world, guild, self.bot_user)

    def channel(self, guild: Guild, name: str = "general") -> Channel:
        """Make a text channel."""
        channel = world.add_channel(self.world, guild, name)
        actions.announce_channel(self.world, channel, "CREATE")
        return channel

    def thread(self, channel: Channel, name: str = "thread", *, private: bool = False) -> Channel:
        """Open a thread under a channel."""
        if channel.guild is None:
            raise ValueError("a DM has no threads")
        thread = world.add_channel(self.world, channel.guild, name, parent=channel, private=private)
        actions.announce_channel(self.world, thread, "CREATE")
        return thread

    def user(self, name: str = "Ada", *, guilds: Iterable[Guild] | None = None, bot: bool = False) -> Person:
        """Make an account, a member of the given servers or of all there are."""
        user = world.add_user(self.world, name, bot=bot)
        for guild in self.world.guilds.values() if guilds is None else guilds:
            actions.join_guild(self.world, guild, user)
        return Person(self.world, user)

    @property
    def owner(self) -> Person:
        """Who owns the application and every server."""
        return Person(self.world, self.application.owner)

    def dm(self, person: Person) -> Channel:
        """Return the DM of a person and the bot."""
        return world.dm_channel(self.world, person.user)

    def attachment(self, channel: Channel, filename: str, content: bytes, **fields: Any) -> Attachment:
        """Upload a file for `Person.send_files`."""
        return actions.attach(self.world, channel, filename, content, **fields)

    def forbid(self, channel: Channel, permissions: Permission, *, announce: bool = True) -> None:
        """Take permissions from the bot in a channel; without `announce` it does not hear of it in time."""
        place = channel.parent or channel  # a thread has the permissions of its channel
        allow, deny = place.overwrites.get(self.bot_user.id, (0, 0))
        place.overwrites[self.bot_user.id] = (allow & ~int(permissions), deny | int(permissions))
        if announce:
            actions.announce_channel(self.world, place, "UPDATE")

    def permit(self, channel: Channel, permissions: Permission) -> None:
        """Give permissions to the bot in a channel."""
        place = channel.parent or channel
        allow, deny = place.overwrites.get(self.bot_user.id, (0, 0))
        place.overwrites[self.bot_user.id] = (allow | int(permissions), deny & ~int(permissions))
        actions.announce_channel(self.world, place, "UPDATE")

    def archive(self, thread: Channel) -> None:
        """Archive a thread: bots forget it."""
        thread.archived = True
        actions.announce_channel(self.world, thread, "UPDATE")

    def delete_channel(self, channel: Channel) -> None:
        """Delete a channel or thread with everything in it."""
        channel.deleted = True
        actions.announce_channel(self.world, channel, "DELETE")

    # -- waiting ---------------------------------------------------------------------------------------------------

    async def until(self, condition: Callable[[], T | None], timeout: float = PATIENCE) -> T:  # noqa: ASYNC109
        """Return the first truthy value of `condition`, looked at after every change of the fake's state."""
        try:
            return await self.world.changes.until(condition, timeout)
        except TimeoutError:
            raise TimeoutError(f"it did not happen within {timeout} s; so far:\n{self.transcript()}") from None

    async def connected(self, timeout: float = PATIENCE) -> None:  # noqa: ASYNC109
        """Wait until a bot is on the gateway and was told of its guilds."""
        await self.until(lambda: self.gateway.live, timeout)

    async def next_message(
        self,
        channel: Channel | None = None,
        *,
        author: User | Person | None = None,
        reply_to: Message | None = None,
        timeout: float = PATIENCE,  # noqa: ASYNC109
    ) -> Message:
        """Return the oldest message (of the bot, unless an author is given) that no earlier call has returned."""
        wanted = self.bot_user.id if author is None else author.id

        def find() -> Message | None:
            for message in self.world.messages:
                if message.author.id != wanted or message.id in self._taken or message.ephemeral:
                    continue
                is_here = channel is None or message.channel is channel
                is_answer = reply_to is None or message.reply_to is reply_to
                if is_here and is_answer and not message.flags & MessageFlag.LOADING:
                    return message
            return None

        message = await self.until(find, timeout)
        self._taken.add(message.id)
        return message

    async def next_response(self, interaction: Interaction, timeout: float = PATIENCE) -> Message:  # noqa: ASYNC109
        """Return the message that answers an interaction, once it says something."""
        return await self.until(lambda: interaction.response, timeout)

    async def reacted(self, message: Message, *emoji: str, timeout: float = PATIENCE) -> None:  # noqa: ASYNC109
        """Wait until the bot has added these reactions."""
        await self.until(lambda: all(message.reacted(each, self.bot_user) for each in emoji), timeout)

    async def settle(self, timeout: float = PATIENCE) -> None:  # noqa: ASYNC109
        """Wait until the bot has nothing left to do, as far as that can be known; see the package's docstring."""
        try:
            async with asyncio.timeout(timeout):
                await settling.settle(self.gateway, self.world.changes, self._activity, lambda: self._rest.in_flight)
        except TimeoutError:
            raise TimeoutError(f"the bot did not settle within {timeout} s; so far:\n{self.transcript()}") from None

    def _activity(self) -> tuple[int, ...]:
        return len(self.calls), len(self.cdn.downloads), sum(each.sequence for each in self.gateway.sessions.values())

    # -- what the bot did ------------------------------------------------------------------------------------------

    @property
    def calls(self) -> list[Call]:
        """Every REST request of the bot, in order of arrival."""
        return self._rest.calls

    def calls_to(self, method: str, pattern: str = "**") -> list[Call]:
        """Return the requests to one place; `*` stands for one segment of the path, `**` for any number."""
        rule = Fault(method, pattern, faults.cut(), times=None)
        return [call for call in self.calls if rule.matches(call.method, call.path)]

    def messages(self, channel: Channel, *, author: User | Person | None = None) -> list[Message]:
        """Return the messages that stand in a channel: the bot's, or somebody else's."""
        wanted = self.bot_user.id if author is None else author.id
        return [message for message in channel.messages.values() if message.author.id == wanted]

    @property
    def typing(self) -> list[tuple[Channel, User]]:
        """Who showed as typing where, in order."""
        return self.world.typing

    @property
    def commands(self) -> dict[int | None, list[dict[str, Any]]]:
        """The application commands that the bot registered, by guild, None for the global ones."""
        return self.world.commands

    @property
    def is_validating(self) -> bool:
        """Whether Discord's OpenAPI document is at hand; without it `violations` stays empty."""
        return load_document() is not None

    @property
    def violations(self) -> list[str]:
        """What Discord's OpenAPI document does not allow in the requests so far (checked when asked for)."""
        for call in self.calls[self._checked :]:
            self._violations += violations_of(call)
        self._checked = len(self.calls)
        return self._violations

    def transcript(self, last: int = 15) -> str:
        """Return the latest requests and messages as text, for the message of a failed test."""
        requests = [f"  {call.method} {call.path} -> {call.status}" for call in self.calls[-last:]]
        said = [f"  {each.author.name}: {each.content!r}" for each in self.world.messages[-last:]]
        state = f"  {len(self.gateway.live)} on the gateway, {self._rest.in_flight} requests under way"
        return "\n".join(["requests:", *requests, "messages:", *said, "now:", state])

    # -- what goes wrong -------------------------------------------------------------------------------------------

    def fail(
        self,
        method: str,
        path: str,
        status: int,
        *,
        times: int | None = 1,
        body: Any = None,
        headers: dict[str, str] | None = None,
        after: bool = False,
    ) -> Fault:
        """Answer requests with an HTTP status; `after` they have taken effect all the same."""
        return self._strike(method, path, faults.refusal(status, body, headers, after=after), times)

    def rate_limit(
        self, method: str, path: str, *, retry_after: float = 0.05, is_global: bool = False, times: int | None = 1
    ) -> Fault:
        """Answer 429 as Discord does, with a Via header: discord.py waits and tries again."""
        return self._strike(method, path, faults.rate_limited(retry_after, is_global=is_global), times)

    def ban_by_cloudflare(self, method: str = "*", path: str = "**", *, times: int | None = 1) -> Fault:
        """Answer 429 as Cloudflare does, without a Via header: discord.py raises."""
        return self._strike(method, path, faults.cloudflare_ban(), times)

    def cut(self, method: str, path: str, *, times: int | None = 1, after: bool = False) -> Fault:
        """Cut the connection in the middle of the answer; `after` the request has taken effect all the same."""
        return self._strike(method, path, faults.cut(after=after), times)

    def hold(self, method: str, path: str, *, times: int | None = 1, after: bool = False) -> Hold:
        """Keep requests waiting until the returned hold is released; `after` they have taken effect."""
        hold = Hold(after=after)
        self._holds.append(hold)
        self._strike(method, path, hold, times)
        return hold

    def expire(self, interaction: Interaction) -> None:
        """Let an interaction's token run out, as it does 15 minutes after the interaction."""
        interaction.expired = True

    def heal(self) -> None:
        """Take back every fault of REST and CDN; what was held back goes on."""
        self._rest.faults.clear()
        self.cdn.faults.clear()
        for hold in [*self._holds, *self.cdn.holds]:
            hold.release()

    def _strike(self, method: str, path: str, answer: faults.Answer, times: int | None) -> Fault:
        return self._rest.faults.add(Fault(method, path, answer, times))


def _closed_port() -> int:
    """Return a port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
