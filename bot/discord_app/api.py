"""Where Discord is: its REST base and its gateway, or those of a compatible server or proxy."""

from __future__ import annotations

from dataclasses import dataclass

import discord
from discord.gateway import DiscordWebSocket
from discord.http import Route
from yarl import URL


@dataclass(frozen=True)
class Gateway:
    """What `GET {base}/gateway/bot` says."""

    url: str
    n_shards: int
    n_starts_left: int | None


def use_rest_base(base: str) -> None:
    """Send every REST request of discord.py to another base; there is no option for it, only this class attribute."""
    Route.BASE = base.rstrip("/")


async def find_gateway(client: discord.Client) -> Gateway:
    """Ask the REST base for the gateway's address and let discord.py use it.

    An `AutoShardedClient` asks by itself, but only for the first connection: after an invalid session it falls back to
    `DEFAULT_GATEWAY`, which would be Discord's own even behind a proxy. So the default is what is changed here.
    """
    answer = await client.http.request(Route("GET", "/gateway/bot"))
    DiscordWebSocket.DEFAULT_GATEWAY = URL(answer["url"])
    starts = answer.get("session_start_limit") or {}
    return Gateway(answer["url"], int(answer.get("shards") or 1), starts.get("remaining"))
