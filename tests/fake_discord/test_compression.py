"""The gateway's transport compression, undone as discord.py undoes it."""

from __future__ import annotations

import zlib

import pytest

from tests.fake_discord.compression import compressor_for

MESSAGES = [b'{"op": 10}', b'{"op": 0, "t": "READY"}' * 100]


def test_zlib_ends_every_message_with_a_flush() -> None:
    compress = compressor_for("zlib-stream")
    assert compress is not None
    context = zlib.decompressobj()
    for message in MESSAGES:
        packed = compress(message)
        assert packed.endswith(b"\x00\x00\xff\xff")
        assert context.decompress(packed) == message


def test_zstd_makes_every_message_readable_by_itself() -> None:
    zstandard = pytest.importorskip("zstandard", reason="discord.py asks for zstd only where it is installed")
    compress = compressor_for("zstd-stream")
    assert compress is not None
    context = zstandard.ZstdDecompressor().decompressobj()
    assert [context.decompress(compress(message)) for message in MESSAGES] == MESSAGES


def test_nothing_is_compressed_unasked() -> None:
    assert compressor_for(None) is None
