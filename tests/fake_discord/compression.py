"""Transport compression of the gateway: one stream for the whole connection, flushed after every message."""

from __future__ import annotations

import importlib
import zlib
from collections.abc import Callable
from typing import Any

Compress = Callable[[bytes], bytes]


def compressor_for(kind: str | None) -> Compress | None:
    """Return what compresses a connection's messages as the client asked for, None for plain text."""
    if kind == "zlib-stream":
        return _zlib_stream()
    return _zstd_stream() if kind == "zstd-stream" else None


def _zlib_stream() -> Compress:
    context = zlib.compressobj(level=1)
    return lambda data: context.compress(data) + context.flush(zlib.Z_SYNC_FLUSH)


def _zstd_stream() -> Compress:
    """Use what discord.py uses: it asks for zstd only where one of these is installed."""
    try:
        stdlib: Any = importlib.import_module("compression.zstd")  # Python 3.14
    except ImportError:
        third_party: Any = importlib.import_module("zstandard")
        writer = third_party.ZstdCompressor().compressobj()
        return lambda data: bytes(writer.compress(data) + writer.flush(third_party.COMPRESSOBJ_FLUSH_BLOCK))
    stream = stdlib.ZstdCompressor()
    return lambda data: bytes(stream.compress(data, mode=stream.FLUSH_BLOCK))
