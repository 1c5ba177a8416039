"""One request of the bot, read from the wire and kept for tests to look at."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests.fake_discord import errors
from tests.fake_discord.model import Payload


@dataclass(frozen=True)
class File:
    """A file that the bot uploaded."""

    filename: str
    content: bytes


@dataclass(eq=False)
class Call:
    """A request and what became of it."""

    method: str
    path: str  # below the API's base, decoded, such as /channels/1/messages
    template: str | None  # as Discord documents it, such as /channels/{channel_id}/messages; None for an unknown path
    params: dict[str, str]
    query: dict[str, str]
    headers: dict[str, str]
    body: Any = None
    files: dict[int, File] = field(default_factory=dict)
    is_multipart: bool = False
    status: int | None = None  # None while it is under way or when its connection was cut

    @property
    def fields(self) -> Payload:
        """Return the body where it has to be an object."""
        if not isinstance(self.body, dict):
            raise errors.DiscordError(400, 50109, "The request body contains invalid JSON.")
        return self.body


async def read_call(request: web.Request, base: str) -> Call:
    """Read a request whole, JSON or multipart."""
    resource = request.match_info.route.resource
    call = Call(
        request.method,
        request.path.removeprefix(base),
        resource.canonical.removeprefix(base) if resource is not None else None,
        dict(request.match_info),
        dict(request.query),
        dict(request.headers),
    )
    if request.content_type == "multipart/form-data":
        await _read_multipart(request, call)
    elif request.can_read_body:
        call.body = json.loads(await request.read())
    return call


async def _read_multipart(request: web.Request, call: Call) -> None:
    call.is_multipart = True
    for name, value in (await request.post()).items():
        if isinstance(value, web.FileField):
            number = int(name.removeprefix("files[").removesuffix("]"))
            call.files[number] = File(value.filename, await asyncio.to_thread(value.file.read))
            value.file.close()
        elif name == "payload_json" and isinstance(value, str):
            call.body = json.loads(value)
