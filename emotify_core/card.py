"""The model card: what a model is, what it is bad at, and how that was measured."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from emotify_core.registry import Header

_CARD = """\
# Model {version}

Names one of eight emotions in a voice, with a probability for each.

{weaknesses}

## Uses

For tentative, empathetic replies to a person who sent their own voice and can say that the model was wrong. Not for
judging, screening, hiring, policing, diagnosing or monitoring anybody: emotion from a voice is sensitive and often
wrong, and what a voice sounds like is not what its owner feels. Nobody's voice should be analysed for someone else
without their agreement.

## Figures

{figures}

## How it was made

- Recipe `{recipe}`, feature set `{feature_set}` ({n_features} features), seed {seed}, trained {created}.
- Emotions: {labels}.
- Trained with {libraries}.
- SHA-256 of `model.skops`: `{sha256}`.

Trained on:

{corpora}

The model is derived from these recordings and is shared under the same licence: **{licence}** (attribution, no
commercial use, share alike). The code of the project has a licence of its own.
"""

_WEAKNESSES = """\
## What it is bad at

- It knows actors who were told what to express, in a studio, in North American English, reading two sentences. Real
  feelings in real voice messages are quieter, mixed, and in other languages: expect it to be wrong much more often
  there.
- It hears how something is said, not what is said.
- It knows adults' voices only."""

_PROTOCOL = """\
Protocol `{protocol}`: {n_utterances} spoken utterances of {n_speakers} speakers, each tested once by a model that was
fitted, scaled and calibrated without that speaker's voice. The shipped model is then fitted to all of them. UAR is the
mean of the emotions' recalls (chance: {chance:.3f}); intervals are 95 %, by a bootstrap over speakers; ECE is the
calibration error in 15 bins; the last column is the UAR when the least certain quarter is refused. Noise and rooms are
synthetic, of the kinds trained on. {untuned}The same figures are printed by

    emotify evaluate {corpora} --protocol {protocol} --recipe {recipe} --seed {seed} --conditions

| condition | UAR | 95 % interval | accuracy | top 2 | ECE | surest 75 % |
|---|---|---|---|---|---|---|
{rows}

Rows are what was expressed, columns what was heard, clean recordings:

{confusion}

How far its confidence can be believed, clean recordings:

| confidence | utterances | mean confidence | right |
|---|---|---|---|
{reliability}"""


def write_card(folder: Path, header: Header) -> None:
    """Write ``card.md`` beside a model.

    Parameters
    ----------
    folder : Path
        Folder of the version, with its ``metrics.json``.
    header : Header
    """
    metrics = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    (folder / "card.md").write_text(render_card(header, metrics), encoding="utf-8")


def render_card(header: Header, metrics: dict[str, Any]) -> str:
    """Say in Markdown what a model is.

    Parameters
    ----------
    header : Header
    metrics : dict
        As `emotify evaluate --json` prints; empty if nothing was measured.

    Returns
    -------
    str
    """
    return _CARD.format(
        version=header.version,
        weaknesses=_weaknesses(metrics),
        figures=_figures(metrics) if metrics else "None were measured.",
        recipe=header.recipe,
        feature_set=header.feature_set,
        n_features=header.n_features,
        seed=header.seed,
        created=header.created,
        labels=", ".join(header.labels),
        libraries=", ".join(f"{name} {version}" for name, version in header.libraries.items()),
        sha256=header.sha256,
        corpora="\n".join(_corpus(corpus) for corpus in header.corpora),
        licence=header.licence,
    )


def _corpus(corpus: dict[str, Any]) -> str:
    counts = f"{corpus['n_utterances']} utterances of {corpus['n_speakers']} speakers"
    return f"- {corpus['title']}: {counts}, {corpus['licence']}. {corpus['citation']} {corpus['url']}"


def _weaknesses(metrics: dict[str, Any]) -> str:
    if not metrics:
        return _WEAKNESSES
    clean = metrics["figures"]["clean"]
    recall = {label: share for label, share in clean["recall"].items() if share is not None}
    missed = " and ".join(
        f"{label} ({recall[label]:.0%} recognised; taken for {_mistaken(clean, label)})"
        for label in sorted(recall, key=lambda label: recall[label])[:2]
    )
    by_speaker = clean["uar_by_speaker"].values()
    return "\n".join(
        [
            _WEAKNESSES,
            f"- It misses most often: {missed}.",
            f"- It does not hear everybody alike: UAR by speaker: {min(by_speaker):.2f} to {max(by_speaker):.2f}.",
        ]
    )


def _mistaken(clean: dict[str, Any], label: str) -> str:
    row = dict(zip(clean["labels"], clean["confusion"][clean["labels"].index(label)], strict=True))
    others = sorted((other for other in row if other != label), key=lambda other: -row[other])[:2]
    return " or ".join(others)


def _figures(metrics: dict[str, Any]) -> str:
    clean = metrics["figures"]["clean"]
    return _PROTOCOL.format(
        protocol=metrics["protocol"],
        n_utterances=clean["n_utterances"],
        n_speakers=clean["n_speakers"],
        chance=1 / len(clean["labels"]),
        untuned=_untuned(metrics),
        corpora=" ".join(f"--corpus {name}=DIR" for name in metrics["corpora"]),
        recipe=metrics["recipe"],
        seed=metrics["seed"],
        rows="\n".join(_row(name, figures) for name, figures in metrics["figures"].items()),
        confusion=_confusion(clean),
        reliability="\n".join(
            f"| {b['from']:.0%} to {b['to']:.0%} | {b['n']} | {b['confidence']:.0%} | {b['accuracy']:.0%} |"
            for b in clean["reliability"]
        ),
    )


def _untuned(metrics: dict[str, Any]) -> str:
    untuned = metrics.get("untuned")
    if not untuned:
        return ""
    return (
        "Some settings were chosen by looking at the other speakers: "
        f"for the {untuned['n_speakers']} on whom none was, the UAR "
        f"is {untuned['uar']:.3f}. "
    )


def _row(name: str, figures: dict[str, Any]) -> str:
    low, high = figures["uar_interval"]
    numbers = (figures[key] for key in ("accuracy", "top2_accuracy", "ece", "uar_at_75_coverage"))
    cells = [name, f"{figures['uar']:.3f}", f"{low:.3f} to {high:.3f}", *(f"{number:.3f}" for number in numbers)]
    return f"| {' | '.join(cells)} |"


def _confusion(clean: dict[str, Any]) -> str:
    lines = [f"| | {' | '.join(clean['labels'])} | recall |", "|---" * (len(clean["labels"]) + 2) + "|"]
    for label, row in zip(clean["labels"], clean["confusion"], strict=True):
        recall = clean["recall"][label]
        cells = [f"**{label}**", *map(str, row), "-" if recall is None else f"{recall:.2f}"]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)
