"""The model card: what a model is bad at, what it is, and how that was measured."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from emotify_core import markdown
from emotify_core.drawing import Picture
from emotify_core.earlier import MOODS
from emotify_core.files import write_atomically
from emotify_core.pictures import draw_pictures
from emotify_core.recipes import RECIPES
from emotify_core.registry import CARD_FILE, MODEL_FILE, Header
from emotify_core.weaknesses import weaknesses
from emotify_core.wording import counted, listed

_NUMBERS: Final = ("none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")

_CARD = """\
# Model {version}

Names one of {n_labels} emotions in a voice, with a probability for each.

## What it is bad at

{weaknesses}

## Uses

{uses}

## Figures

{figures}

## How it was made

{facts}

Trained on:

{corpora}

{licence}
"""
USES: Final = """\
For tentative, empathetic replies to a person who sent their own voice and can
say that the model was wrong. Not for judging, screening, hiring, policing,
diagnosing or monitoring anybody: emotion from a voice is sensitive and often
wrong, and what a voice sounds like is not what its owner feels. Nobody's voice
should be analysed for someone else without their agreement."""
_LICENCE: Final = (
    "The model is derived from these recordings and is shared under the licence that they ask for: **{}**{}. "
    "The code of the project has a licence of its own."
)
_NC_SA: Final = " (attribution, no commercial use, share alike)"
_NO_PICTURES: Final = (
    "This card has no pictures: matplotlib, which is in the extra `train`, was not installed when it was written. "
    "`emotify models card` writes it anew, with them."
)
_CHANCE: Final = (
    "ECE by chance is what perfectly honest probabilities would show with so many utterances: the mean of 200 drawings "
    "and, in brackets, their 95th percentile. An ECE below that cannot be told from perfection. "
)
_DETECTOR: Final = (
    "The sounds without a voice are synthetic. Each kind of them was heard by a detector that was fitted to other "
    "kinds, and each speaker by one that was fitted to other speakers."
)
_LOCO_ECE: Final = (
    " ECE is that of a calibration which was fitted to the other corpora that were left out, so it tells how little "
    "confidence can be believed of strangers, not how far that of this model is off."
)
_ANY_CONDITION: Final = "Noise and rooms may be of the kinds trained on: others can cost more."


def write_card(folder: Path, header: Header) -> None:
    """Write ``card.md`` and its pictures beside a model.

    Parameters
    ----------
    folder : Path
        Folder of the version, with its ``metrics.json``.
    header : Header
    """
    metrics = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    write_files(folder, make_files(header, metrics))


def make_files(header: Header, metrics: Mapping[str, Any]) -> dict[str, bytes]:
    """Make the card and its pictures; the card alone where matplotlib is not installed.

    Returns
    -------
    dict
        Name of the file -> content; the card comes last.
    """
    try:
        pictures: tuple[Picture, ...] | None = draw_pictures(metrics)
    except ImportError:
        pictures = None
    card = render_card(header, metrics, pictures=pictures)
    return {**{picture.file: picture.png for picture in pictures or ()}, CARD_FILE: card.encode()}


def write_files(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write files one after the other, each whole or not at all: a card is never there before its pictures."""
    for name, content in files.items():
        _write(folder / name, content)


def _write(path: Path, content: bytes) -> None:
    write_atomically(path, lambda file: file.write(content))


def render_card(header: Header, metrics: Mapping[str, Any], *, pictures: Sequence[Picture] | None = ()) -> str:
    """Say in Markdown what a model is.

    Parameters
    ----------
    header : Header
    metrics : mapping
        As `emotify evaluate --json` prints, and more; empty if nothing was measured. What is missing is left out.
    pictures : sequence of Picture, optional
        That lie beside the card; None if they could not be drawn.

    Returns
    -------
    str
    """
    n, licence = len(header.labels), markdown.escaped(header.licence)
    return _CARD.format(
        version=header.version,
        n_labels=_NUMBERS[n] if n < len(_NUMBERS) else n,
        uses=USES,
        weaknesses="\n".join(markdown.item(text) for text in weaknesses(header.corpora, metrics)),
        figures=_figures(header, metrics, pictures) if metrics.get("figures") else "None were measured.",
        facts="\n".join(markdown.item(text) for text in facts_of(header)),
        corpora="\n".join(markdown.item(_corpus(corpus)) for corpus in header.corpora),
        licence=markdown.wrapped(_LICENCE.format(licence, _NC_SA if "BY-NC-SA" in header.licence else "")),
    )


def facts_of(header: Header) -> list[str]:
    """Say how a model was made, in sentences."""
    libraries = ", ".join(f"{name} {version}" for name, version in header.libraries.items())
    return [
        f"Recipe `{header.recipe}`, seed {header.seed}, trained {header.created}.",
        f"Feature set `{header.feature_set}` ({header.n_features} features).",
        f"Emotions: {', '.join(header.labels)}.",
        f"Trained with {libraries}.",
        *(f"SHA-256 of `{name}`: `{sha256}`." for name, sha256 in {MODEL_FILE: header.sha256, **header.files}.items()),
    ]


def _corpus(corpus: Mapping[str, Any]) -> str:
    n_utterances = counted(corpus.get("n_utterances", "?"), "utterance")
    n_speakers = counted(corpus.get("n_speakers", "?"), "speaker")
    licence = markdown.escaped(corpus.get("licence") or "")
    counts = ", ".join(text for text in (f"{n_utterances} of {n_speakers}", licence) if text)
    source = " ".join(str(corpus[key]) for key in ("citation", "url") if corpus.get(key))
    return f"{markdown.escaped(corpus.get('title', corpus['name']))}: {counts}. {source}".rstrip()


def _figures(header: Header, metrics: Mapping[str, Any], pictures: Sequence[Picture] | None) -> str:
    figures = metrics["figures"]
    clean = figures.get("clean") or {}
    drawn = {picture.file: f"![{picture.alt}]({picture.file})" for picture in pictures or ()}
    chapters = (
        ("", (_protocol(header, metrics, clean), "" if pictures is not None else markdown.wrapped(_NO_PICTURES))),
        ("Conditions", (drawn.get("conditions.png"), _conditions(figures))),
        ("Emotions", (_confusion(clean), drawn.get("confusion.png"))),
        ("Confidence", (_reliability(clean), drawn.get("reliability.png"), drawn.get("coverage.png"))),
        ("Speakers", (drawn.get("speakers.png"), _genders(clean))),
        ("Voices it knows", (_earlier(metrics.get("earlier") or ()), drawn.get("earlier.png"))),
        ("Experts", (_experts(metrics.get("experts") or {}, metrics.get("paired") or {}),)),
        ("Corpora it never met", (_never_met(header, metrics),)),
        ("Checks", (_checks(metrics),)),
    )
    texts = []
    for title, parts in chapters:
        told = [part for part in parts if part]
        texts += [f"### {title}", *told] if told and title else told
    return "\n\n".join(texts)


def _protocol(header: Header, metrics: Mapping[str, Any], clean: Mapping[str, Any]) -> str:
    n_folds = f", {metrics['folds']} folds" if metrics.get("folds") else ""
    untuned = metrics.get("untuned")
    told = (
        f"Protocol `{metrics.get('protocol', 'not noted')}`{n_folds}: {_shown(clean, 'n_utterances', '')} spoken "
        f"utterances of {_shown(clean, 'n_speakers', '')} speakers, each tested once by a model that was fitted, "
        "scaled and calibrated without that speaker's voice. The shipped model is then fitted to all of them. UAR is "
        "the mean "
        f"of the emotions' recalls (chance: {1 / len(clean.get('labels') or header.labels):.3f}); intervals are 95 %, "
        "by a bootstrap over speakers; ECE is the calibration error in 15 bins; the last column of the first table is "
        "the UAR when the least certain quarter is refused. "
        f"{_CHANCE if _knows_chance(metrics['figures']) else ''}"
        f"{metrics.get('conditions_note') or _ANY_CONDITION}"
    )
    if untuned:
        told += (
            " Some settings were chosen by looking at the other speakers: "
            f"for the {untuned['n_speakers']} on whom none was, the UAR is {untuned['uar']:.3f}."
        )
        if recipe := RECIPES.get(header.recipe):
            told += f" {recipe.chosen_on_all}"
    if not metrics.get("protocol"):
        return markdown.wrapped(told)
    command = f"{_evaluate(metrics, header, _recordings(metrics['figures']))} --conditions"
    return f"{markdown.wrapped(f'{told} The figures by condition are printed by')}\n\n    {command}"


def _evaluate(report: Mapping[str, Any], header: Header, recordings: str) -> str:
    """Write the command that printed a report, but for the names of folders."""
    corpora = "".join(f" --corpus {name}=DIR" for name in report.get("corpora", ()))
    return (
        f"emotify evaluate{corpora}{recordings} --protocol {report['protocol']} "
        f"--recipe {report.get('recipe', header.recipe)} --seed {report.get('seed', header.seed)}"
    )


def _recordings(figures: Mapping[str, Any]) -> str:
    """Name the options for recorded noise and rooms where figures are of conditions that need them."""
    needed = {"--noise": ("household",), "--rooms": ("recorded room", "telephone filter")}
    return "".join(f" {option} DIR" for option, names in needed.items() if any(f.startswith(names) for f in figures))


def _conditions(figures: Mapping[str, Any]) -> str:
    is_told = _knows_chance(figures)
    head = ["UAR", "95 % interval", "accuracy", "top 2", "ECE", *(["ECE by chance"] if is_told else []), "surest 75 %"]
    rows = [
        [
            name,
            _shown(f, "uar"),
            _interval(f),
            *(_shown(f, key) for key in ("accuracy", "top2_accuracy", "ece")),
            *([_by_chance(f)] if is_told else []),
            _shown(f, "uar_at_75_coverage"),
        ]
        for name, f in figures.items()
    ]
    return markdown.table(["condition", *head], rows)


def _knows_chance(figures: Mapping[str, Any]) -> bool:
    return any(f.get("ece_by_chance") for f in figures.values())


def _by_chance(figures: Mapping[str, Any]) -> str:
    by_chance = figures.get("ece_by_chance")
    return f"{by_chance[0]:.3f} (to {by_chance[1]:.3f})" if by_chance else "-"


def _confusion(clean: Mapping[str, Any]) -> str:
    if not (clean.get("labels") and clean.get("confusion")):
        return ""
    recall = clean.get("recall") or {}
    table = markdown.table(
        ["", *clean["labels"], "recall"],
        [
            [f"**{label}**", *map(str, row), _shown(recall, label, ".2f")]
            for label, row in zip(clean["labels"], clean["confusion"], strict=True)
        ],
    )
    return f"Rows are what was expressed, columns what was heard, clean recordings:\n\n{table}"


def _reliability(clean: Mapping[str, Any]) -> str:
    if not clean.get("reliability"):
        return ""
    table = markdown.table(
        ["confidence", "utterances", "mean confidence", "right"],
        [
            [f"{b['from']:.0%} to {b['to']:.0%}", str(b["n"]), f"{b['confidence']:.0%}", f"{b['accuracy']:.0%}"]
            for b in clean["reliability"]
        ],
    )
    return f"How far its confidence can be believed, clean recordings:\n\n{table}"


def _genders(clean: Mapping[str, Any]) -> str:
    by_gender = clean.get("uar_by_gender") or {}
    names = {"female": "women", "male": "men"}
    rows = [[names.get(gender, gender), f"{uar:.3f}"] for gender, uar in by_gender.items() if uar is not None]
    return markdown.table(["speakers", "UAR"], rows) if rows else ""


def _experts(experts: Mapping[str, Any], paired: Mapping[str, Any]) -> str:
    if not experts:
        return ""
    rows = [[name, _shown(f, "uar"), *([_gain(paired[name])] if name in paired else [])] for name, f in experts.items()]
    return markdown.table(["expert", "UAR", *(["both less it alone, paired by speaker"] if paired else [])], rows)


def _gain(pair: Mapping[str, float]) -> str:
    return f"{pair['difference']:+.3f} (95 %: {pair['low']:+.3f} to {pair['high']:+.3f})"


def _earlier(rows: Sequence[Mapping[str, Any]]) -> str:
    if not rows:
        return ""
    told = (
        "UAR when earlier notes of the same person are known, clean recordings, by the mood in which those were spoken "
        "and, in brackets, what that gains. The model is told no mood, unless the row says so."
    )
    numbers = sorted({row["n_notes"] for row in rows})
    found = {(row["mood"], row["n_notes"]): f"{row['uar']:.3f} ({row['difference']:+.3f})" for row in rows}
    table = markdown.table(
        ["earlier notes", *map(str, numbers)],
        [
            [title, *(found.get((mood, n), "-") for n in numbers)]
            for mood, title in MOODS.items()
            if any(row["mood"] == mood for row in rows)
        ],
    )
    return f"{markdown.wrapped(told)}\n\n{table}"


def _never_met(header: Header, metrics: Mapping[str, Any]) -> str:
    loco = metrics.get("loco") or {}
    if not loco.get("rows"):
        return ""
    told = "Each corpus is tested by a model that was trained on all the others, among the corpus's own emotions."
    if loco.get("baseline"):
        told += f" The baseline was {loco['baseline']}."
    told += _LOCO_ECE
    rows = [
        [
            row["corpus"],
            str(len(row["labels"])),
            f"{1 / len(row['labels']):.3f}",
            _shown(row, "uar"),
            _interval(row),
            _shown(row, "baseline_uar"),
            _shown(row, "ece"),
            _shown(row, "n_utterances", ""),
            _shown(row, "n_speakers", ""),
        ]
        for row in loco["rows"]
    ]
    if loco.get("mean_uar") is not None:
        rows.append(["**mean**", "", "", _shown(loco, "mean_uar"), "", _shown(loco, "baseline_mean_uar"), "", "", ""])
    head = ["corpus", "emotions", "chance", "UAR", "95 % interval", "baseline", "ECE", "utterances", "speakers"]
    shown = f"{markdown.wrapped(told)}\n\n{markdown.table(head, rows)}"
    if not loco.get("protocol"):
        return shown
    return f"{shown}\n\nPrinted by\n\n    {_evaluate(loco, header, _recordings(metrics['figures']))}"


def _checks(metrics: Mapping[str, Any]) -> str:
    checks, non_speech = metrics.get("checks") or {}, metrics.get("non_speech") or {}
    pairs = (metrics.get("arousal") or {}).get("strong_over_normal") or {}
    told = []
    if checks.get("leaks") is not None:
        told.append(f"Speakers, recordings or copies on both sides of a fold: {checks['leaks']}.")
    if checks.get("permuted_labels_uar") is not None:
        chance = f" (chance: {checks['chance']:.3f})" if checks.get("chance") is not None else ""
        recipe = f", recipe {checks['permuted_recipe']}" if "permuted_recipe" in checks else ""
        uar = f"{checks['permuted_labels_uar']:.3f}"
        told.append(
            f"UAR when the labels of the training are permuted{recipe}: {uar}{chance}. `emotify evaluate --permute` "
            "prints it. It shuffles the labels of each speaker, those that are tested, too."
        )
    if pairs.get("share_of_pairs") is not None:
        told.append(
            "Strong clips get more arousal than normal ones of the same person in "
            f"{pairs['share_of_pairs']:.0%} of {counted(pairs.get('n_pairs') or '-', 'pair')}, on average by "
            f"{_shown(pairs, 'mean_difference', '+.3f')}; on average over a person's pairs, for "
            f"{_shown(pairs, 'share_of_speakers', '.0%')} of the speakers."
        )
    for key, title in (("refused", "Refused for want of a voice"), ("false_refusals", "Speech refused by mistake")):
        if shares := non_speech.get(key):
            told.append(f"{title}: {listed([f'{name} {share:.1%}' for name, share in shares.items()])}.")
    if non_speech.get("refused"):
        told.append(_DETECTOR)
    return "\n".join(map(markdown.item, told))


def _shown(figures: Mapping[str, Any], key: str, form: str = ".3f") -> str:
    value = figures.get(key)
    return "-" if value is None else format(value, form)


def _interval(figures: Mapping[str, Any]) -> str:
    interval = figures.get("uar_interval")
    return f"{interval[0]:.3f} to {interval[1]:.3f}" if interval else "-"
