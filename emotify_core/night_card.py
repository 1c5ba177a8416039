"""The card of a model that was made at night: what is different from the one that it grew out of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from emotify_core import markdown
from emotify_core.card import USES, facts_of
from emotify_core.header import Header
from emotify_core.said import what_was_said

_N_LOSSES: Final = 3

_CARD: Final = """\
# Model {version}

{intro}

## What it is bad at

{weaknesses}

## Uses

{uses}

## Figures

{protocol}

{table}{picture}

## How it was made

{facts}

{private}
"""
_INTRO: Final = "Made at night from `{}` and from what people said of their own voice notes."
_BEFORE: Final = (
    "At all that `{}` is bad at, whose card says it: that model was made with the same networks from the same "
    "recordings, and what is not in the table below was not measured again."
)
_FEW: Final = (
    "It learned from {people} using one bot, with their microphones, their language and their way of naming "
    "emotions; nobody checked what they named."
)
_CHANCE: Final = "Two percentage points are within chance on two dozen speakers: do not rank anything by them."
_PROTOCOL: Final = (
    "Six twins of each model, every one fitted without a sixth of the speakers of the base and of the people who gave "
    "feedback, are tested on those. `before` is `{}`; the interval of the difference is 90 %, by a paired bootstrap "
    "over speakers. Both are calibrated as they serve, to all speakers, so `before` may differ by a point from a card "
    "of which the calibration, too, never met whom it is tested on."
)
_PRIVATE: Final = (
    "It is derived from recordings under **{}** and from voices of people who let this bot learn from them, and no "
    "other: it must not be passed on."
)


def render_night_card(header: Header, night: Mapping[str, Any], *, picture: str | None) -> str:
    """Say in Markdown what a model is that was made at night.

    Parameters
    ----------
    header : Header
    night : mapping
        ``base``, ``champion``, ``examples`` (counts), ``gate`` (rows of the table), and ``share_of_weight`` where the
        examples counted for less than they may.
    picture : str, optional
        File of the gate's picture, if it lies beside the card.

    Returns
    -------
    str
    """
    gate: Sequence[Mapping[str, Any]] = night.get("gate") or ()
    examples: Mapping[str, Any] = night.get("examples") or {}
    n_people = examples.get("n_people_learned", examples.get("n_people", 0))
    weaknesses = [
        _BEFORE.format(night["base"]),
        *_losses(gate, str(night["champion"])),
        _FEW.format(people="one person" if n_people == 1 else f"{n_people} people"),
        _CHANCE,
    ]
    share = float(night.get("share_of_weight") or 1)
    careful = (
        "" if share == 1 else f" They counted {share:.0%} of what they may, because with more the gate refused it."
    )
    facts = [f"{what_was_said(examples)}{careful}", f"Replaced: `{night['champion']}`.", *facts_of(header)]
    return _CARD.format(
        version=header.version,
        intro=markdown.wrapped(_INTRO.format(night["base"])),
        weaknesses="\n".join(map(markdown.item, weaknesses)),
        uses=USES,
        protocol=markdown.wrapped(_PROTOCOL.format(night["champion"])),
        table=markdown.table(["", "before", "now", "difference", "90 %", "demanded"], [_row(check) for check in gate]),
        picture=f"\n\n![What the gate measured]({picture})" if picture else "",
        facts="\n".join(map(markdown.item, facts)),
        private=markdown.wrapped(_PRIVATE.format(markdown.escaped(header.licence))),
    )


def _losses(gate: Sequence[Mapping[str, Any]], champion: str) -> list[str]:
    """Name what became worse, the worst first."""
    lost = sorted((check for check in gate if _loss(check) > 0), key=_loss, reverse=True)[:_N_LOSSES]
    named = "; ".join(
        f"{check['what']} ({100 * check['champion']:.1f} to {100 * check['challenger']:.1f})" for check in lost
    )
    return [f"Compared with `{champion}` it lost, in percent: {named}."] if lost else []


def _loss(check: Mapping[str, Any]) -> float:
    """Say by how much a figure became worse; a calibration error is worse when it is higher."""
    difference = check.get("difference") or 0.0
    return float(difference if str(check["what"]).startswith("calibration error") else -difference)


def _row(check: Mapping[str, Any]) -> list[str]:
    before, now = (_shown(check.get(key), ".3f") for key in ("champion", "challenger"))
    difference, low, high = (_shown(check.get(key), "+.3f") for key in ("difference", "low", "high"))
    return [str(check["what"]), before, now, difference, f"{low} to {high}", str(check["limit"])]


def _shown(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)
