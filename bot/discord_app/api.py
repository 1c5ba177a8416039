"""Where Discord is: its REST base and its gateway, or those of a compatible server or proxy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import aiohttp
import discord
from discord.gateway import DiscordWebSocket
from discord.http import Route
from discord.webhook.async_ import AsyncWebhookAdapter, async_context
from yarl import URL

from bot.discord_app import gaps


@dataclass(frozen=True)
class Gateway:
    """What `GET {base}/gateway/bot` says."""

    url: str
    n_shards: int
    n_starts_left: int | None


def use_rest_base(base: str) -> None:
    """Send every REST request of discord.py to another base; there is no option for it, only this class attribute."""
    Route.BASE = base.rstrip("/")


def accept_bare_answers() -> None:
    """Let the answers to interactions leave fields out, in the current context and the tasks that it starts."""
    async_context.set(_Interactions())  # type: ignore[no-untyped-call]


class _Interactions(AsyncWebhookAdapter):
    """Sends what discord.py answers to interactions, and completes what comes back."""

    async def request(self, route: Route, session: aiohttp.ClientSession, **options: Any) -> Any:  # noqa: ANN401
        """Make a request; the callback may be answered with nothing, as Discord did before 2024."""
        answer = await super().request(route, session, **options)
        if route.path.endswith("/callback"):
            return answer or {"interaction": {"id": 0}}
        return gaps.complete_answer(route.path, answer)


async def find_gateway(client: discord.Client) -> Gateway:
    """Ask the REST base for the gateway's address and let discord.py use it.

    An `AutoShardedClient` asks by itself, but only for the first connection: after an invalid session it falls back to
    `DEFAULT_GATEWAY`, which would be Discord's own even behind a proxy. So the default is what is changed here.
    """
    answer = await client.http.request(Route("GET", "/gateway/bot"))
    DiscordWebSocket.DEFAULT_GATEWAY = URL(answer["url"])
    starts = answer.get("session_start_limit") or {}
    return Gateway(answer["url"], int(answer.get("shards") or 1), starts.get("remaining"))
