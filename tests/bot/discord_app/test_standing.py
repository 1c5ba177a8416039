from __future__ import annotations

from bot.discord_app.standing import Standing
from bot.verdicts import Judgement

ADA, BOB = 1, 2
RIGHT, WRONG = Judgement.RIGHT, Judgement.WRONG


def test_a_twin_is_one_persons_under_one_reply_with_one_emoji() -> None:
    standing = Standing()
    standing.add(7, ADA, RIGHT, is_super=False)
    for reply, author, mark in ((8, ADA, RIGHT), (7, BOB, RIGHT), (7, ADA, WRONG)):
        standing.add(reply, author, mark, is_super=True)
    assert not standing.remove(7, ADA, RIGHT, is_super=False)
    standing.add(7, ADA, RIGHT, is_super=True)
    standing.add(7, ADA, RIGHT, is_super=False)
    assert standing.remove(7, ADA, RIGHT, is_super=True)
    assert not standing.remove(7, ADA, RIGHT, is_super=False)


def test_who_was_not_seen_to_make_a_reaction_takes_it_back() -> None:
    standing = Standing()
    standing.add(7, ADA, RIGHT, is_super=True)
    assert not standing.remove(7, ADA, RIGHT, is_super=False)


def test_replies_of_long_ago_are_forgotten() -> None:
    standing = Standing()
    for reply in range(1001):
        for is_super in (False, True):
            standing.add(reply, ADA, RIGHT, is_super=is_super)
    assert not standing.remove(0, ADA, RIGHT, is_super=True)
    assert standing.remove(1, ADA, RIGHT, is_super=True)
    standing.clear_all()
    assert not standing.remove(1000, ADA, RIGHT, is_super=True)


def test_clearing_one_emoji_leaves_the_others() -> None:
    standing = Standing()
    for mark in (RIGHT, WRONG):
        for is_super in (False, True):
            standing.add(7, ADA, mark, is_super=is_super)
    standing.clear(7, RIGHT)
    assert not standing.remove(7, ADA, RIGHT, is_super=False)
    assert standing.remove(7, ADA, WRONG, is_super=False)
