from __future__ import annotations

from bot.cooldown import BURST, Cooldown, Pace
from tests.bot.stand_ins import Clock

LISTENED_TO = [Pace.LISTEN] * BURST


def test_after_a_burst_asks_to_wait_once_then_stays_silent_then_listens_again() -> None:
    clock = Clock()
    cooldown = Cooldown(3, monotonic=clock.monotonic)
    assert [cooldown.meet("a") for _ in range(BURST)] == LISTENED_TO
    assert [cooldown.meet("a") for _ in range(3)] == [Pace.ASK_TO_WAIT, Pace.STAY_SILENT, Pace.STAY_SILENT]
    clock.advance(seconds=2.9)
    assert cooldown.meet("a") is Pace.STAY_SILENT
    clock.advance(seconds=0.2)
    assert [cooldown.meet("a"), cooldown.meet("a")] == [Pace.LISTEN, Pace.ASK_TO_WAIT]


def test_one_note_in_every_interval_is_always_listened_to() -> None:
    clock = Clock()
    cooldown = Cooldown(3, monotonic=clock.monotonic)
    for _ in range(4 * BURST):
        assert cooldown.meet("a") is Pace.LISTEN
        clock.advance(seconds=3)


def test_after_a_rest_there_may_be_a_burst_again() -> None:
    clock = Clock()
    cooldown = Cooldown(3, monotonic=clock.monotonic)
    for _ in range(2):
        assert [cooldown.meet("a") for _ in range(BURST)] == LISTENED_TO
        assert cooldown.meet("a") is Pace.ASK_TO_WAIT
        clock.advance(seconds=3 * BURST)


def test_people_do_not_wait_for_each_other() -> None:
    cooldown = Cooldown(3, monotonic=Clock().monotonic)
    assert [cooldown.meet("a") for _ in range(BURST)] == LISTENED_TO
    assert cooldown.meet("b") is Pace.LISTEN


def test_a_forgotten_person_starts_anew() -> None:
    cooldown = Cooldown(3, monotonic=Clock().monotonic)
    for _ in range(BURST + 1):
        cooldown.meet("a")
    cooldown.forget("a")
    assert [cooldown.meet("a") for _ in range(BURST + 1)] == [*LISTENED_TO, Pace.ASK_TO_WAIT]


def test_zero_seconds_turn_it_off() -> None:
    cooldown = Cooldown(0, monotonic=Clock().monotonic)
    assert {cooldown.meet("a") for _ in range(4 * BURST)} == {Pace.LISTEN}
