"""Downloading attachments: only from Discord's hosts, never more than allowed, never for longer than allowed."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Final, Self

import aiohttp
from yarl import URL

from emotify_core.errors import AudioTooLargeError

CDN_HOSTS: Final = frozenset({"cdn.discordapp.com", "media.discordapp.net"})
_CHUNK = 2**16
_PAUSE: Final = 0.5  # seconds before a download that broke is begun anew


class DownloadError(Exception):
    """An attachment could not be downloaded."""


class UntrustedAddressError(DownloadError):
    """The attachment's address is not one of Discord's."""


class ExpiredAddressError(DownloadError):
    """The address is no longer valid: it has expired, or the attachment was deleted."""


class BrokenDownloadError(DownloadError):
    """The CDN is busy or has a problem of its own, or the connection broke: once more may help."""


def is_trusted(url: URL, api: URL) -> bool:
    """Tell whether an address is Discord's CDN, or on the API base's host; plain HTTP only if the base is plain too."""
    if url.user or url.password:
        return False
    if url.host in CDN_HOSTS:
        return url.scheme == "https" and url.explicit_port in {None, 443}
    return url.host is not None and url.host == api.host and url.scheme in {"https", api.scheme}


class Downloads:
    """The one HTTP session that attachments are fetched through; an async context manager.

    It sends no cookies and no token, follows no redirect (Discord's CDN needs none, and one could lead anywhere), and
    unpacks no compressed transfer (a few bytes could become gigabytes).
    """

    def __init__(self, api: str, *, max_bytes: int, timeout: float = 20.0) -> None:
        self._api = URL(api)
        self._max_bytes = max_bytes
        self._timeout = aiohttp.ClientTimeout(total=timeout, sock_connect=min(timeout, 5.0))
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            timeout=self._timeout,
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"Accept-Encoding": "identity"},
            auto_decompress=False,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def fetch(self, address: str) -> bytes:
        """Download an attachment; where that breaks, once more.

        Raises
        ------
        AudioTooLargeError
            If more bytes come than allowed, whatever size was declared.
        DownloadError
            If the address is not Discord's, has expired, or the CDN does not deliver.
        """
        url = self._checked(address)
        try:
            return await self._attempt(url)
        except BrokenDownloadError:
            await asyncio.sleep(_PAUSE)
            return await self._attempt(url)

    async def _attempt(self, url: URL) -> bytes:
        """Download what stands at an address."""
        assert self._session is not None, "use it in `async with`"  # noqa: S101 - a mistake of the programmer
        try:
            async with self._session.get(url, allow_redirects=False) as response:
                if response.status in {401, 403, 404, 410}:
                    raise ExpiredAddressError(f"HTTP {response.status}")
                if response.status == 429 or response.status >= 500:
                    raise BrokenDownloadError(f"HTTP {response.status}")
                if response.status != 200:
                    raise DownloadError(f"HTTP {response.status}")
                return await self._read(response)
        except TimeoutError as error:  # it has had its time
            raise DownloadError(type(error).__name__) from error
        except (aiohttp.ClientError, OSError) as error:
            raise BrokenDownloadError(type(error).__name__) from error

    def _checked(self, address: str) -> URL:
        """Parse an address; refuse it if it is not Discord's."""
        try:
            # Taken as it is, because yarl would rewrite parts of a signed query; what is not an address is quoted.
            url = URL(address, encoded=address.isascii() and address.isprintable() and " " not in address)
        except ValueError as error:
            raise UntrustedAddressError("not an address") from error
        if not is_trusted(url, self._api):
            raise UntrustedAddressError(f"the host {url.host} is not one of Discord's")
        return url

    async def _read(self, response: aiohttp.ClientResponse) -> bytes:
        """Read a body in pieces, and stop as soon as it is larger than allowed."""
        if (response.content_length or 0) > self._max_bytes:
            raise AudioTooLargeError(response.content_length or 0, self._max_bytes)
        body = bytearray()
        async for chunk in response.content.iter_chunked(_CHUNK):
            body += chunk
            if len(body) > self._max_bytes:
                raise AudioTooLargeError(len(body), self._max_bytes)
        return bytes(body)
