from __future__ import annotations

from bot.records import Learned
from bot.waiting import PATIENCE, WaitingVectors
from tests.bot.stand_ins import Clock

FIRST, SECOND, AGAIN = (Learned(name, "set-1") for name in (b"1", b"2", b"3"))


def test_a_note_that_is_heard_again_waits_anew_and_holds_up_no_older_one() -> None:
    clock = Clock()
    waiting = WaitingVectors(monotonic=clock.monotonic)
    waiting.add(1, "anna", FIRST)
    waiting.add(2, "anna", SECOND)
    clock.advance(seconds=PATIENCE.total_seconds())
    waiting.add(1, "anna", AGAIN)
    assert waiting.of("anna") == {2: SECOND, 1: AGAIN}
    clock.advance(seconds=1)
    assert waiting.of("anna") == {1: AGAIN}
