from __future__ import annotations

from bot.cooldown import Cooldown, Pace
from tests.bot.stand_ins import Clock


def test_asks_to_wait_once_then_stays_silent_then_listens_again() -> None:
    clock = Clock()
    cooldown = Cooldown(3, monotonic=clock.monotonic)
    assert [cooldown.meet("a") for _ in range(4)] == [
        Pace.LISTEN,
        Pace.ASK_TO_WAIT,
        Pace.STAY_SILENT,
        Pace.STAY_SILENT,
    ]
    clock.advance(seconds=2.9)
    assert cooldown.meet("a") is Pace.STAY_SILENT
    clock.advance(seconds=0.1)
    assert [cooldown.meet("a"), cooldown.meet("a")] == [Pace.LISTEN, Pace.ASK_TO_WAIT]


def test_people_do_not_wait_for_each_other() -> None:
    cooldown = Cooldown(3, monotonic=Clock().monotonic)
    assert [cooldown.meet("a"), cooldown.meet("b")] == [Pace.LISTEN, Pace.LISTEN]


def test_a_forgotten_person_starts_anew() -> None:
    cooldown = Cooldown(3, monotonic=Clock().monotonic)
    cooldown.meet("a")
    cooldown.meet("a")
    cooldown.forget("a")
    assert [cooldown.meet("a"), cooldown.meet("a")] == [Pace.LISTEN, Pace.ASK_TO_WAIT]


def test_zero_seconds_turn_it_off() -> None:
    cooldown = Cooldown(0, monotonic=Clock().monotonic)
    assert [cooldown.meet("a"), cooldown.meet("a")] == [Pace.LISTEN, Pace.LISTEN]
