"""Attachments come from Discord's hosts only, whole, and never larger than allowed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from yarl import URL

from bot.discord_app.downloads import DownloadError, Downloads, ExpiredAddressError, UntrustedAddressError, is_trusted
from emotify_core.errors import AudioTooLargeError

DISCORD = URL("https://discord.com/api/v10")
PLAIN = URL("http://127.0.0.1:8080/api/v10")


@pytest.mark.parametrize(
    ("address", "api", "trusted"),
    [
        ("https://cdn.discordapp.com/attachments/1/2/note.ogg?ex=1&hm=2&", DISCORD, True),
        ("https://media.discordapp.net/attachments/1/2/note.ogg", DISCORD, True),
        ("https://discord.com/note.ogg", DISCORD, True),
        ("http://127.0.0.1:9999/note.ogg", PLAIN, True),
        ("https://127.0.0.1/note.ogg", PLAIN, True),
        ("https://cdn.discordapp.com/attachments/1/2/note.ogg", PLAIN, True),
        ("http://cdn.discordapp.com/note.ogg", DISCORD, False),
        ("http://cdn.discordapp.com/note.ogg", PLAIN, False),
        ("https://cdn.discordapp.com:8443/note.ogg", DISCORD, False),
        ("http://discord.com/note.ogg", DISCORD, False),
        ("https://cdn.discordapp.com.evil.example/note.ogg", DISCORD, False),
        ("https://cdn.discordapp.com@evil.example/note.ogg", DISCORD, False),
        ("https://evil.example/cdn.discordapp.com/note.ogg", DISCORD, False),
        ("https://user:secret@cdn.discordapp.com/note.ogg", DISCORD, False),
        ("http://127.0.0.1/note.ogg", DISCORD, False),
        ("http://169.254.169.254/latest/meta-data", PLAIN, False),
        ("ftp://127.0.0.1/note.ogg", PLAIN, False),
        ("file:///etc/passwd", DISCORD, False),
        ("note.ogg", DISCORD, False),
        ("", DISCORD, False),
    ],
)
def test_only_discords_hosts_are_trusted(address: str, api: URL, trusted: bool) -> None:
    assert is_trusted(URL(address), api) is trusted


class Cdn:
    """A CDN on a loopback port that answers every path in one way, and counts."""

    def __init__(self, answer: Any) -> None:
        app = web.Application()
        app.router.add_get("/{path:.*}", self._count)
        self._answer = answer
        self.server = TestServer(app)
        self.requests: list[web.Request] = []

    async def _count(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(request)
        response = self._answer(request)
        return response if isinstance(response, web.StreamResponse) else await response

    async def fetch(self, *, max_bytes: int = 100) -> bytes:
        async with self.server:
            host = str(self.server.make_url("/")).rstrip("/")
            async with Downloads(f"{host}/api/v10", max_bytes=max_bytes, timeout=60) as downloads:
                return await downloads.fetch(f"{host}/attachments/1/2/note.ogg?ex=1&hm=a%2Fb&")


async def test_a_note_is_downloaded_whole_with_its_signature_untouched() -> None:
    cdn = Cdn(lambda _: web.Response(body=b"x" * 100))
    assert await cdn.fetch() == b"x" * 100
    assert cdn.requests[0].raw_path == "/attachments/1/2/note.ogg?ex=1&hm=a%2Fb&"


async def test_the_cdn_is_sent_no_token_and_no_cookie() -> None:
    cdn = Cdn(lambda _: web.Response(body=b"x"))
    await cdn.fetch()
    assert not {"Authorization", "Cookie"} & set(cdn.requests[0].headers)


async def test_a_declared_size_above_the_limit_is_refused() -> None:
    with pytest.raises(AudioTooLargeError):
        await Cdn(lambda _: web.Response(body=b"x" * 101)).fetch()


async def test_a_declared_size_above_the_limit_is_refused_before_anything_comes() -> None:
    async def nothing(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "101"})
        await response.prepare(request)
        return response

    with pytest.raises(AudioTooLargeError):
        await Cdn(nothing).fetch()


async def test_a_body_larger_than_allowed_is_cut_off_whatever_was_declared() -> None:
    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        try:
            while True:
                await response.write(b"x" * 1024)
        except ConnectionResetError:
            return response

    with pytest.raises(AudioTooLargeError):
        await Cdn(endless).fetch(max_bytes=10_000)


async def test_compressed_bytes_are_not_unpacked() -> None:
    body = b"\x1f\x8b" + b"0" * 20
    cdn = Cdn(lambda _: web.Response(body=body, headers={"Content-Encoding": "gzip"}))
    assert await cdn.fetch() == body


@pytest.mark.parametrize("status", [403, 404, 410])
async def test_an_expired_address_is_told_from_a_dead_cdn(status: int) -> None:
    with pytest.raises(ExpiredAddressError):
        await Cdn(lambda _: web.Response(status=status)).fetch()


@pytest.mark.parametrize("status", [204, 302, 429, 500, 503])
async def test_any_other_answer_is_a_failure(status: int) -> None:
    with pytest.raises(DownloadError, match=str(status)):
        await Cdn(lambda _: web.Response(status=status, headers={"Location": "http://127.0.0.1:1/"})).fetch()


async def test_a_redirect_is_not_followed() -> None:
    cdn = Cdn(lambda _: web.Response(status=302, headers={"Location": "/elsewhere"}))
    with pytest.raises(DownloadError):
        await cdn.fetch()
    assert len(cdn.requests) == 1


async def test_a_cdn_that_hangs_up_is_a_failure() -> None:
    def hang_up(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    with pytest.raises(DownloadError):
        await Cdn(hang_up).fetch()


@pytest.fixture
async def offline() -> AsyncIterator[Downloads]:
    async with Downloads("http://127.0.0.1:1/api/v10", max_bytes=100) as downloads:
        yield downloads


async def test_a_cdn_that_is_down_is_a_failure(offline: Downloads) -> None:
    with pytest.raises(DownloadError):
        await offline.fetch("http://127.0.0.1:1/note.ogg")


@pytest.mark.parametrize("address", ["https://evil.example/note.ogg", "http://[::1", "", "note.ogg"])
async def test_an_address_elsewhere_is_never_asked(offline: Downloads, address: str) -> None:
    with pytest.raises(UntrustedAddressError):
        await offline.fetch(address)
