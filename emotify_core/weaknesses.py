"""What a model is bad at, said in sentences that are computed from its figures."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from emotify_core.markdown import escaped
from emotify_core.wording import counted, listed

Metrics = Mapping[str, Any]

_LANGUAGES: Final = {
    "ravdess": "North American English",
    "nemo": "Polish",
    "emodb": "German",
    "emospeech": "Hindi and Indian English",
}
_REAL_FEELINGS: Final = (
    "Real feelings in real voice messages are quieter, mixed, and in other languages: expect it to be wrong much more "
    "often there."
)
_TWO_POINTS: Final = 0.02  # what nobody may believe of figures on 24 actors


def weaknesses(corpora: Iterable[Mapping[str, Any]], metrics: Metrics) -> tuple[str, ...]:
    """Say what a model is bad at, beginning with what would make its figures worthless.

    Parameters
    ----------
    corpora : iterable of mapping
        The corpora it was trained on, as in its header.
    metrics : mapping
        The ``metrics.json`` of the version; what it lacks is passed over.

    Returns
    -------
    tuple of str
        One or a few sentences each.
    """
    figures: Metrics = metrics.get("figures") or {}
    clean: Metrics = figures.get("clean") or {}
    return (
        *_broken_checks(metrics.get("checks") or {}, clean),
        _acted([str(corpus["name"]) for corpus in corpora]),
        *_missed_emotions(clean),
        *_costly_conditions(figures),
        *_other_corpora(metrics),
        *_unequal_speakers(clean),
        *_false_confidence(figures, (metrics.get("loco") or {}).get("rows") or ()),
        *_no_speech(metrics.get("non_speech") or {}),
        *_strength((metrics.get("arousal") or {}).get("strong_over_normal") or {}),
        "It hears how something is said, not what is said.",
        "It knows adults' voices only.",
    )


def _broken_checks(checks: Metrics, clean: Metrics) -> Iterator[str]:
    if checks.get("leaks"):
        yield (
            f"**Do not believe its figures**: {counted(checks['leaks'], 'leak')} between training and test "
            f"{'was' if checks['leaks'] == 1 else 'were'} found."
        )
    permuted, chance = (float(checks.get(key) or 0) for key in ("permuted_labels_uar", "chance"))
    n = int(clean.get("n_utterances") or 0)
    # three standard errors of the mean recall of classes of equal size
    if chance and n and permuted > chance + 3 * math.sqrt(chance * (1 - chance) / n):
        yield (
            f"**Do not believe its figures**: trained on permuted labels it still gets a UAR of {permuted:.3f}, where "
            f"chance is {chance:.3f}."
        )


def _acted(corpora: Sequence[str]) -> str:
    if corpora == ["ravdess"]:
        return (
            "It knows actors who were told what to express, in a studio, in North American English, reading two "
            f"sentences. {_REAL_FEELINGS}"
        )
    told = []
    if languages := list(dict.fromkeys(_LANGUAGES[name] for name in corpora if name in _LANGUAGES)):
        told.append(f"It learned from acted speech: people who were told what to express, in {listed(languages)}.")
    if others := [escaped(name) for name in corpora if name not in _LANGUAGES]:
        too = " too" if told else ""
        told.append(
            f"It learned from {listed(others)}{too}; whether that was acted, and in which language, is not noted."
        )
    return " ".join((*told, _REAL_FEELINGS))


def _missed_emotions(clean: Metrics) -> Iterator[str]:
    recall = {label: share for label, share in (clean.get("recall") or {}).items() if share is not None}
    if recall:
        weakest = sorted(recall, key=lambda label: recall[label])[:2]
        named = (f"{label} ({recall[label]:.0%} recognised{_taken_for(clean, label)})" for label in weakest)
        yield f"It misses most often: {' and '.join(named)}."


def _taken_for(clean: Metrics, label: str) -> str:
    if not clean.get("confusion") or label not in (clean.get("labels") or ()):
        return ""
    row = dict(zip(clean["labels"], clean["confusion"][clean["labels"].index(label)], strict=True))
    others = sorted((other for other in row if other != label and row[other]), key=lambda other: -row[other])[:2]
    return f"; taken for {' or '.join(others)}" if others else ""


def _costly_conditions(figures: Metrics) -> Iterator[str]:
    uars = {name: f["uar"] for name, f in figures.items() if f.get("uar") is not None}
    if "clean" not in uars:
        return
    lost = {name: uars["clean"] - uar for name, uar in uars.items() if name != "clean"}
    costly = sorted((name for name in lost if lost[name] > _TWO_POINTS), key=lambda name: -lost[name])[:3]
    if costly:
        named = listed([f"{name} ({100 * lost[name]:.1f} points, to {uars[name]:.3f})" for name in costly])
        yield f"Bad recordings cost it UAR, most of all {named}; clean recordings get {uars['clean']:.3f}."
    elif lost:
        yield "No condition that was measured costs it more than two points; those that were not measured may."
    else:
        yield "How it does in noise, in rooms and on telephones was not measured."
    yield _within_chance(figures["clean"])


def _within_chance(clean: Metrics) -> str:
    speakers = clean.get("uar_by_speaker") or {}
    who = "actors" if speakers and all(name.startswith("ravdess/") for name in speakers) else "speakers"
    n = clean.get("n_speakers") or len(speakers) or 24
    low, high = clean.get("uar_interval") or (None, None)
    interval = f" The 95 % interval of the clean UAR reaches from {low:.3f} to {high:.3f}." if low is not None else ""
    if n > 24:
        return f"Two percentage points are within chance on 24 actors; these figures are of {n} {who}.{interval}"
    return f"Two percentage points are within chance on {counted(n, who[:-1])}: do not rank anything by them.{interval}"


def _other_corpora(metrics: Metrics) -> Iterator[str]:
    rows = sorted((metrics.get("loco") or {}).get("rows") or (), key=lambda row: float(row["uar"]))
    if rows:
        named = (
            f"{row['uar']:.3f} on {row['corpus']} ({len(row['labels'])} emotions, chance {1 / len(row['labels']):.3f})"
            for row in rows
        )
        yield (
            "Voices, languages and microphones that it never met are hard for it: trained without the corpus that "
            f"tests it, its UAR is {listed(list(named))}."
        )
    elif metrics:
        yield "How it does on corpora that it never met was not measured."


def _unequal_speakers(clean: Metrics) -> Iterator[str]:
    by_speaker, by_gender = clean.get("uar_by_speaker") or {}, clean.get("uar_by_gender") or {}
    if by_speaker:
        low, high = (_uar_of_whom(f(by_speaker.values()), by_speaker) for f in (min, max))
        yield f"It does not hear everybody alike: UAR by speaker: {low} to {high}."
    if {"female", "male"} <= set(by_gender):
        women, men = by_gender["female"], by_gender["male"]
        worse = "women" if women < men else "men"
        verdict = f"{worse} fared worse" if abs(women - men) > _TWO_POINTS else "too little apart to mean anything"
        yield f"UAR of women {women:.3f}, of men {men:.3f}: {verdict}."


def _uar_of_whom(uar: float, by_speaker: Metrics) -> str:
    names = [escaped(speaker) for speaker, own in by_speaker.items() if own == uar]
    return f"{uar:.2f} ({listed(names) if len(names) < 3 else counted(len(names), 'speaker')})"


def _false_confidence(figures: Metrics, never_met: Sequence[Metrics]) -> Iterator[str]:
    errors = {name: f["ece"] for name, f in figures.items() if f.get("ece") is not None}
    strangers = {row["corpus"]: row["ece"] for row in never_met if row.get("ece") is not None}
    if errors:
        worst = max(errors, key=errors.__getitem__)
        farther = ""
        if strangers:
            named = listed([f"{100 * ece:.1f} on {corpus}" for corpus, ece in strangers.items()])
            farther = f" (a confidence that was fitted to other corpora was off by {named})"
        yield (
            f"Its confidence is off by {100 * errors[worst]:.1f} points on average (ECE) where it is worst, in the "
            f"condition {worst}; on voices unlike those of its training, expect more{farther}."
        )


def _no_speech(non_speech: Metrics) -> Iterator[str]:
    refused = non_speech.get("refused") or {}
    heard = sorted((kind for kind in refused if refused[kind] < 1), key=lambda kind: float(refused[kind]))[:3]
    if heard:
        named = listed([f"{1 - refused[kind]:.0%} of {kind}" for kind in heard])
        yield f"It takes sounds without a voice for a voice: {named}."
    wrongly = {name: share for name, share in (non_speech.get("false_refusals") or {}).items() if share}
    if wrongly:
        named = listed([f"{share:.1%} of {name}" for name, share in wrongly.items()])
        yield f"It does not hear a voice where there is one: {named}."


def _strength(pairs: Metrics) -> Iterator[str]:
    if pairs.get("share_of_pairs") is not None and pairs.get("n_pairs"):
        yield (
            f"Its arousal is coarse: of {counted(pairs['n_pairs'], 'pair')} of a strong and a normal clip of the same "
            f"person, the strong one gets more of it in {pairs['share_of_pairs']:.0%} (chance: 50%)."
        )
