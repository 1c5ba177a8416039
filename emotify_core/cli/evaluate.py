"""`emotify evaluate`: cross-validated figures as a table or JSON."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from rich.console import Console
from rich.table import Table
from rich.text import Text

from emotify_core.cli.corpus import load_dataset, read_corpora, used_by
from emotify_core.cli.judge import judge
from emotify_core.cli.terminal import Bars, printable
from emotify_core.conditions import CONDITIONS, LARGEST_ROOM, recorded_conditions
from emotify_core.corpora import Utterance
from emotify_core.dataset import Dataset, extract_table
from emotify_core.dataset import Table as FeatureTable
from emotify_core.earlier import MOODS
from emotify_core.errors import TooFewExamplesError, TrainingError
from emotify_core.evaluation import cross_validate, require_every_label, require_no_leaks
from emotify_core.fitting import Start, ordered_labels
from emotify_core.leaks import find_leaks, with_permuted_labels
from emotify_core.metrics import unweighted_average_recall
from emotify_core.nested import Settings, choose_settings
from emotify_core.outcomes import (
    Outcome,
    after_earlier_notes,
    figures,
    in_conditions,
    paired_with_experts,
    strong_over_normal,
    uar_by_group,
)
from emotify_core.recipes import RECIPES
from emotify_core.splits import PROTOCOLS, Split, leave_one_corpus_out
from emotify_core.surroundings import read_surroundings
from emotify_core.wording import counted

_LOCO_FIGURES: Final = ("uar", "uar_interval", "ece", "recall", "confusion", "n_utterances", "n_speakers")
_FLATTERS: Final = "each speaker trains and is tested: flattering, do not quote it for other voices"


def run(arguments: argparse.Namespace, out: Console, errors: Console) -> int:
    """Cross-validate and print."""
    utterances = read_corpora(arguments, errors)
    _require_measurable(utterances, arguments)
    if arguments.permute:
        utterances = list(with_permuted_labels(utterances, arguments.seed))
    if arguments.model is not None:
        report = judge([u for u in utterances if u.kind == "speech"], arguments, errors)
    elif arguments.protocol == "loco":
        report = measure_loco(load_dataset(utterances, arguments, errors), arguments, errors)
    else:
        dataset = load_dataset(utterances, arguments, errors)
        splits = PROTOCOLS[arguments.protocol](dataset.utterances, arguments.seed)
        if arguments.protocol != "random":  # whose every speaker is on both sides, as its report says
            require_no_leaks(dataset, splits)
        settings = _choose(dataset, splits, arguments, errors) if arguments.nested else None
        tables = degrade(dataset, splits, arguments, errors) if arguments.conditions else {}
        outcomes = measure(dataset, splits, arguments, errors, conditions=tables, settings=settings)
        report = as_report(dataset, splits, outcomes, arguments, protocol=arguments.protocol)
        if settings:
            report["settings"] = settings
    report["permuted"] = arguments.permute
    if arguments.json:
        out.print(json.dumps(report, indent=2), soft_wrap=True)
    else:
        (show_loco if report.get("protocol") == "loco" else show)(report, out)
    return 0


def _require_measurable(utterances: Sequence[Utterance], arguments: argparse.Namespace) -> None:
    """Refuse now, rather than after features were extracted and models fitted, what cannot be measured."""
    if arguments.model is not None:
        return
    recipe, used = RECIPES[arguments.recipe], used_by(utterances, arguments)
    if arguments.protocol == "loco":
        if arguments.nested:
            raise TrainingError("--nested chooses on speakers of the corpus under test: not with --protocol loco.")
        if arguments.conditions:
            raise TrainingError("--conditions are for speakers who were never met: not with --protocol loco.")
        _left_out(used, arguments.corpus[0][0])
    elif arguments.nested and not recipe.choices:
        raise TrainingError(f"There is nothing to choose in the recipe {recipe.name}.")
    else:
        splits = PROTOCOLS[arguments.protocol](used, arguments.seed)
        require_every_label([u.label.value for u in used], splits)


def measure(
    dataset: Dataset,
    splits: Sequence[Split],
    arguments: argparse.Namespace,
    errors: Console,
    *,
    conditions: Mapping[str, FeatureTable],
    start: Start | None = None,
    settings: Sequence[Settings] | None = None,
) -> dict[str, Outcome]:
    """Cross-validate a recipe, on degraded recordings, too."""
    return cross_validate(
        dataset,
        splits,
        RECIPES[arguments.recipe],
        seed=arguments.seed,
        n_jobs=arguments.jobs,
        conditions=conditions,
        start=start,
        settings=settings,
        progress=Bars(errors),
    )


def degrade(
    dataset: Dataset, splits: Sequence[Split], arguments: argparse.Namespace, errors: Console
) -> dict[str, FeatureTable]:
    """Describe the tested utterances under all conditions, in the order of the folds."""
    recipe, bars = RECIPES[arguments.recipe], Bars(errors)
    tested = [dataset.utterances[i] for split in splits for i in split.test]
    changes = {**CONDITIONS, **recorded_conditions(read_surroundings(arguments.noise, arguments.rooms))}
    return {
        name: extract_table(
            tested,
            recipe,
            change=change,
            seed=(arguments.seed, 1000 + i),
            title=name,
            n_jobs=arguments.jobs,
            cache=arguments.cache,
            progress=bars,
        )
        for i, (name, change) in enumerate(changes.items())
    }


def _choose(
    dataset: Dataset, splits: Sequence[Split], arguments: argparse.Namespace, errors: Console
) -> list[Settings]:
    """Choose settings inside each fold."""
    recipe, bars = RECIPES[arguments.recipe], Bars(errors)
    return choose_settings(dataset, splits, recipe, seed=arguments.seed, n_jobs=arguments.jobs, progress=bars)


def _left_out(utterances: Sequence[Utterance], home: str) -> list[Split]:
    """Leave out one corpus after the other, but for the home corpus, which must be able to be the baseline."""
    splits = [split for split in leave_one_corpus_out(utterances) if split.name != f"corpus {home}"]
    if not splits:
        raise TooFewExamplesError(f"There is no corpus to leave out beside {home}, which is named first.")
    known = {u.label.value for u in utterances if u.corpus == home}
    missing = ordered_labels({u.label.value for u in utterances} - known)
    if missing:
        raise TooFewExamplesError(
            f"The corpus that is named first is the baseline, and must know all emotions: {home} does not know "
            f"{', '.join(missing)}."
        )
    return splits


def measure_loco(dataset: Dataset, arguments: argparse.Namespace, errors: Console) -> dict[str, Any]:
    """Test each corpus by what all others taught, beside a model of the home corpus alone."""
    recipe, home = RECIPES[arguments.recipe], arguments.corpus[0][0]
    splits = _left_out(dataset.utterances, home)
    require_no_leaks(dataset, splits)
    is_home = np.array([u.corpus == home for u in dataset.utterances])
    elsewhere = np.concatenate([split.test for split in splits])
    options: dict[str, Any] = {"seed": arguments.seed, "n_jobs": arguments.jobs, "progress": Bars(errors)}
    taught = cross_validate(dataset, splits, recipe, **options)["clean"]
    at_home = Split(f"all corpora but {home}", np.flatnonzero(is_home), elsewhere)
    baseline = cross_validate(dataset, [at_home], recipe, start=(), **options)["clean"]
    rows = [
        {
            "corpus": corpus,
            "labels": list(own),
            **{key: value for key, value in figures(taught.of_corpus(corpus, own)).items() if key in _LOCO_FIGURES},
            "baseline_uar": unweighted_average_recall(baseline.of_corpus(corpus, own).confusion),
        }
        for split in splits
        for corpus, own in [(split.name.removeprefix("corpus "), split.labels or ())]
    ]
    return {
        "protocol": "loco",
        "recipe": arguments.recipe,
        "corpora": [name for name, _ in arguments.corpus],
        "seed": arguments.seed,
        "rows": rows,
        "mean_uar": float(np.mean([row["uar"] for row in rows])),
        "baseline": f"trained on {home} alone",
        "baseline_mean_uar": float(np.mean([row["baseline_uar"] for row in rows])),
    }


def show_loco(report: Mapping[str, Any], out: Console) -> None:
    """Print what corpora that were left out say, as a table of at most 80 columns."""
    out.print(_title(report))
    table = Table("left out", "classes", "UAR", "95 %", "ECE", report["baseline"], box=None, padding=(0, 1))
    for row in report["rows"]:
        figures = (f"{row['uar']:.3f}", _interval(row), f"{row['ece']:.3f}", f"{row['baseline_uar']:.3f}")
        table.add_row(row["corpus"], str(len(row["labels"])), *figures)
    table.add_row("mean", "", f"{report['mean_uar']:.3f}", "", "", f"{report['baseline_mean_uar']:.3f}")
    out.print(table)


def as_report(
    dataset: Dataset,
    splits: Sequence[Split],
    outcomes: Mapping[str, Outcome],
    arguments: argparse.Namespace,
    *,
    protocol: str,
) -> dict[str, Any]:
    """Put figures together with what they were measured on."""
    clean = outcomes["clean"]
    earlier, outcomes = after_earlier_notes(outcomes), in_conditions(outcomes)
    by_name = {name: figures(outcome) for name, outcome in outcomes.items()}
    genders = {f"{u.corpus}/{u.speaker}": u.gender for u in dataset.utterances}
    for name, outcome in outcomes.items():
        by_name[name]["uar_by_gender"] = uar_by_group(outcome, genders)
    return {
        "protocol": protocol,
        "recipe": arguments.recipe,
        "corpora": [name for name, _ in arguments.corpus],
        "seed": arguments.seed,
        "folds": len(splits),
        "figures": by_name,
        "experts": {
            name: {"uar": unweighted_average_recall(clean.of_expert(name).confusion)} for name in clean.opinions
        },
        "paired": paired_with_experts(clean),
        "arousal": {"strong_over_normal": strong_over_normal(dataset, splits, clean)},
        "checks": {"leaks": len(find_leaks(dataset.utterances, splits))},
        **({"earlier": earlier} if earlier else {}),
        "untuned": _untuned(clean, RECIPES[arguments.recipe].tuned_on),
        **_note_on_conditions(outcomes),
    }


def _note_on_conditions(outcomes: Mapping[str, Outcome]) -> dict[str, str]:
    """Name the conditions of which nothing was trained on: those that were recorded, and the largest room."""
    held_out = [name for name in outcomes if name not in {"clean", *CONDITIONS} or name == LARGEST_ROOM]
    return {"conditions_note": f"Held out of the training: {', '.join(held_out)}."} if held_out else {}


def _untuned(clean: Outcome, tuned_on: frozenset[str]) -> dict[str, float] | None:
    """Measure the speakers on whom no setting was chosen; None if that is all of them, or nobody."""
    others = clean.without(tuned_on)
    if len(others.truth) in {0, len(clean.truth)}:
        return None
    return {"uar": unweighted_average_recall(others.confusion), "n_speakers": len(set(others.speakers.tolist()))}


def show(report: Mapping[str, Any], out: Console) -> None:
    """Print the figures as tables of at most 80 columns."""
    out.print(_title(report))
    table = Table("condition", "UAR", "95 %", "accuracy", "top 2", "ECE", "surest 75 %", box=None, padding=(0, 1))
    for name, f in report["figures"].items():
        table.add_row(
            Text(name, no_wrap=True),
            *(f"{f['uar']:.3f}", _interval(f), f"{f['accuracy']:.3f}"),
            *(f"{f['top2_accuracy']:.3f}", f"{f['ece']:.3f}", f"{f['uar_at_75_coverage']:.3f}"),
        )
    out.print(table)
    _show_earlier(report.get("earlier") or (), out)
    _show_checks(report, out)
    clean = report["figures"]["clean"]
    confusion = Table("", *(label[:7] for label in clean["labels"]), "recall", box=None)
    for label, row in zip(clean["labels"], clean["confusion"], strict=True):
        recall = clean["recall"][label]
        confusion.add_row(label, *(str(count) for count in row), "-" if recall is None else f"{recall:.3f}")
    out.print()
    out.print(confusion)
    counts = f"{counted(clean['n_utterances'], 'utterance')} of {counted(clean['n_speakers'], 'speaker')}"
    out.print(f"\nrows: expressed, columns: heard; {counts}")
    for split, settings in enumerate(report.get("settings") or (), start=1):
        out.print(f"chosen in fold {split}: {', '.join(f'{name} {value:g}' for name, value in settings.items())}")
    if "model" in report:
        out.print(
            f"left out: {report['no_voice']} in which no voice was heard, {report['unreadable']} that cannot be read"
        )
    if report.get("untuned"):
        out.print(
            f"UAR of the {counted(report['untuned']['n_speakers'], 'speaker')} on whom no setting was chosen: ", end=""
        )
        out.print(f"{report['untuned']['uar']:.3f}")


def _title(report: Mapping[str, Any]) -> str:
    title = (
        f"model {printable(report['model'])}, as it hears notes"
        if "model" in report
        else f"recipe {report['recipe']}, protocol {report['protocol']}, seed {report['seed']}"
    )
    title += ", labels shuffled" if report.get("permuted") else ""
    return f"{title}\n{_FLATTERS}" if report.get("protocol") == "random" else title


def _interval(figures: Mapping[str, Any]) -> str:
    """Write the interval of a UAR; of one speaker there is none."""
    interval = figures["uar_interval"]
    return f"{interval[0]:.3f}-{interval[1]:.3f}" if interval else "-"


def _show_earlier(rows: Sequence[Mapping[str, Any]], out: Console) -> None:
    """Print what earlier notes of the same person gain."""
    if not rows:
        return
    numbers = sorted({row["n_notes"] for row in rows})
    table = Table("UAR after earlier notes", *map(str, numbers), box=None, padding=(0, 1))
    for mood in dict.fromkeys(row["mood"] for row in rows):
        by_number = {row["n_notes"]: row for row in rows if row["mood"] == mood}
        found = (by_number.get(n) for n in numbers)
        table.add_row(MOODS[mood], *("" if row is None else f"{row['uar']:.3f}" for row in found))
    out.print()
    out.print(table)


def _show_checks(report: Mapping[str, Any], out: Console) -> None:
    """Print what each expert says alone, how sure it is that both are better, and whether strong means aroused."""
    for name, pair in (report.get("paired") or {}).items():
        out.print(
            f"both experts less {name} alone ({report['experts'][name]['uar']:.3f}): {pair['difference']:+.3f}, "
            f"95 % {pair['low']:+.3f} to {pair['high']:+.3f}, paired by speaker",
            highlight=False,
        )
    arousal = (report.get("arousal") or {}).get("strong_over_normal")
    if arousal:
        out.print(
            f"arousal: strong over normal in {arousal['share_of_pairs']:.0%} of {counted(arousal['n_pairs'], 'pair')} "
            f"(same speaker, emotion, words), {arousal['share_of_speakers']:.0%} of speakers"
        )
