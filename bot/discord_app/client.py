"""The Discord client: what it asks Discord for, the cogs that it carries, and the commands that it registers."""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import math
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from datetime import UTC, datetime
from typing import Any

import discord
from discord.ext import commands
from discord.http import Route

from bot.discord_app import access, api, gaps
from bot.discord_app.cogs import COGS
from bot.discord_app.errors import CommandTree
from bot.discord_app.failures import NO_STARTS_LEFT, UNAVAILABLE, CannotRunError
from bot.discord_app.learning_question import AnswerButton
from bot.discord_app.patience import DISCORD_FAILURES, patiently
from bot.discord_app.privacy_views import ForgetButton, LearningButton, ListeningButton
from bot.discord_app.services import Services
from bot.discord_app.views import MarkButton
from bot.store import StoreError

_log = logging.getLogger(__name__)
_COMMANDS_FIRST = (
    3.0  # seconds; if registering takes longer it goes on beside the voice messages, which need none of it
)


class EmotifyBot(commands.AutoShardedBot):
    """The bot on Discord.

    Sharded, because Discord demands it from 2500 servers on, and with one shard it costs nothing. It keeps no messages
    and no members in memory: what it needs comes with each event.
    """

    def __init__(self, services: Services, *, message_content: bool = True) -> None:
        discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = (
            False  # no voice calls here, so nothing is missing
        )
        super().__init__(
            command_prefix=commands.when_mentioned,  # never used: see `on_message`
            help_command=None,
            tree_cls=CommandTree,
            intents=access.intents(message_content=message_content),
            allowed_mentions=discord.AllowedMentions.none(),
            activity=discord.Activity(type=discord.ActivityType.listening, name="voice messages · /help"),
            max_messages=None,
            member_cache_flags=discord.MemberCacheFlags.none(),
            chunk_guilds_at_startup=False,
            guild_ready_timeout=1.0,  # seconds after the last server that catching up begins
            max_ratelimit_timeout=60.0,
        )
        self.services = services
        self._registering: asyncio.Task[None] | None = None
        self._connection.parsers = _tolerant(self._connection.parsers)
        self.http.request = _complete(self.http.request)  # type: ignore[method-assign]

    async def application_info(self) -> discord.AppInfo:
        """Ask for the application; a compatible server may not know it, and then its id is the bot's, as usual."""
        try:
            return await super().application_info()
        except discord.HTTPException as error:
            if error.status not in {404, 405, 501}:
                raise
        except (KeyError, TypeError):
            _log.debug("The server describes no application")
        assert self.user is not None  # noqa: S101 - the login begins with it
        data: Any = {"id": self.user.id}
        gaps.complete(data, "application")
        return discord.AppInfo(self._connection, data)

    async def setup_hook(self) -> None:
        """Prepare everything between the login and the gateway."""
        for cog in COGS:
            await self.add_cog(cog(self, self.services))
        self.add_dynamic_items(MarkButton, AnswerButton, ListeningButton, LearningButton, ForgetButton)
        gateway = await api.find_gateway(self)
        self.shard_count = gateway.n_shards
        if (
            gateway.n_starts_left is not None
            and gateway.n_starts_left < gateway.n_shards
            and gateway.more_starts_in > 0
        ):
            raise CannotRunError(NO_STARTS_LEFT.format(minutes=math.ceil(gateway.more_starts_in / 60)), UNAVAILABLE)
        self._registering = asyncio.create_task(self._register_commands(), name="registering the commands")
        await asyncio.wait({self._registering}, timeout=_COMMANDS_FIRST)
        assert self.application_id is not None  # noqa: S101 - the login has set it
        _log.info("Add the bot to a server: %s", access.invite_link(self.application_id))

    async def close(self) -> None:
        """Leave the gateway; registering the commands is left to the next start."""
        if self._registering is not None:
            self._registering.cancel()
            await asyncio.gather(self._registering, return_exceptions=True)
        await super().close()

    async def on_message(self, message: discord.Message, /) -> None:
        """Do nothing: there are no prefix commands, and the cogs have listeners of their own."""

    async def on_error(self, event_method: str, /, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401
        """Log what went wrong with an event; once the connection is closed, that is no news."""
        if self.is_closed():
            _log.info("%s was cut short", event_method)
        else:
            await super().on_error(event_method, *args, **kwargs)

    async def _register_commands(self) -> None:
        """Tell Discord the commands, but only when they changed: registering is tightly rate-limited."""
        payload = [command.to_dict(self.tree) for command in self.tree.get_commands()]
        described = json.dumps([self.application_id, payload], sort_keys=True, default=str)
        digest = hashlib.sha256(described.encode()).hexdigest()
        try:
            if await self.services.store.setting("store", "commands") == digest:
                return
            await patiently(lambda: self.http.bulk_upsert_global_commands(self.application_id or 0, payload=payload))
            await self.services.store.set_setting("store", "commands", digest, at=datetime.now(UTC))
            _log.info("Registered %d commands with Discord", len(payload))
        except (*DISCORD_FAILURES, StoreError) as error:
            _log.warning("The slash commands could not be registered, voice messages work without them: %s", error)


def _complete(request: Callable[..., Awaitable[Any]]) -> Callable[..., Coroutine[Any, Any, Any]]:
    """Fill in what is missing in the answers to requests."""

    async def completed(route: Route, **options: Any) -> Any:  # noqa: ANN401 - as discord.py has it
        return gaps.complete_answer(route.path, await request(route, **options))

    return completed


def _tolerant(parsers: Mapping[str, Callable[[Any], Any]]) -> dict[str, Callable[[Any], Any]]:
    """Keep one event that discord.py cannot read from ending the connection."""
    return {event: _guarded(event, parse) for event, parse in parsers.items()}


def _guarded(event: str, parse: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Wrap the parser of one gateway event."""

    def guarded(data: Any) -> None:  # noqa: ANN401 - whatever the gateway sends
        try:
            gaps.complete_event(event, data)
            if not gaps.is_fragment(event, data):
                parse(data)
        except Exception:  # noqa: BLE001 - it is logged, and the next event may be fine
            _log.exception("A %s event could not be read", event)

    return guarded
