"""`emotify evaluate`: cross-validated figures as a table or JSON."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table
from rich.text import Text

from emotify_core.cli.corpus import load_dataset, read_corpora
from emotify_core.cli.terminal import Bars
from emotify_core.conditions import CONDITIONS
from emotify_core.dataset import Dataset, extract_table
from emotify_core.evaluation import Outcome, cross_validate, figures
from emotify_core.metrics import unweighted_average_recall
from emotify_core.recipes import RECIPES
from emotify_core.splits import PROTOCOLS


def run(arguments: argparse.Namespace, out: Console, errors: Console) -> int:
    """Cross-validate and print."""
    dataset = load_dataset(read_corpora(arguments), arguments, errors)
    outcomes = measure(dataset, arguments, errors, protocol=arguments.protocol, conditions=arguments.conditions)
    report = as_report(outcomes, arguments, protocol=arguments.protocol)
    if arguments.json:
        out.print(json.dumps(report, indent=2), soft_wrap=True)
    else:
        show(report, out)
    return 0


def measure(
    dataset: Dataset, arguments: argparse.Namespace, errors: Console, *, protocol: str, conditions: bool
) -> dict[str, Outcome]:
    """Cross-validate a recipe by a protocol, under all conditions if wanted."""
    recipe, bars = RECIPES[arguments.recipe], Bars(errors)
    splits = PROTOCOLS[protocol](dataset.utterances, arguments.seed)
    speech = np.flatnonzero(dataset.is_speech)
    degraded = {}
    for i, (name, change) in enumerate(CONDITIONS.items() if conditions else ()):
        degraded[name] = np.full_like(dataset.features[0], np.nan)  # song is never tested
        degraded[name][speech] = extract_table(
            [u for u in dataset.utterances if u.kind == "speech"],
            recipe,
            change=change,
            seed=(arguments.seed, 1000 + i),
            title=name,
            n_jobs=arguments.jobs,
            cache=arguments.cache,
            progress=bars,
        )
    return cross_validate(
        dataset, splits, recipe, seed=arguments.seed, n_jobs=arguments.jobs, conditions=degraded, progress=bars
    )


def as_report(outcomes: Mapping[str, Outcome], arguments: argparse.Namespace, *, protocol: str) -> dict[str, Any]:
    """Put figures together with what they were measured on."""
    return {
        "protocol": protocol,
        "recipe": arguments.recipe,
        "corpora": [name for name, _ in arguments.corpus],
        "seed": arguments.seed,
        "figures": {name: figures(outcome) for name, outcome in outcomes.items()},
        "untuned": _untuned(outcomes["clean"], RECIPES[arguments.recipe].tuned_on),
    }


def _untuned(clean: Outcome, tuned_on: frozenset[str]) -> dict[str, float] | None:
    """Measure the speakers on whom no setting was chosen; None if that is all of them, or nobody."""
    others = clean.without(tuned_on)
    if len(others.truth) in {0, len(clean.truth)}:
        return None
    return {"uar": unweighted_average_recall(others.confusion), "n_speakers": len(set(others.speakers.tolist()))}


def show(report: Mapping[str, Any], out: Console) -> None:
    """Print the figures as tables of at most 80 columns."""
    out.print(f"recipe {report['recipe']}, protocol {report['protocol']}, seed {report['seed']}")
    table = Table("condition", "UAR", "95 %", "accuracy", "top 2", "ECE", "surest 75 %", box=None, padding=(0, 1))
    for name, f in report["figures"].items():
        low, high = f["uar_interval"]
        table.add_row(
            Text(name, no_wrap=True),
            *(f"{f['uar']:.3f}", f"{low:.3f}-{high:.3f}", f"{f['accuracy']:.3f}"),
            *(f"{f['top2_accuracy']:.3f}", f"{f['ece']:.3f}", f"{f['uar_at_75_coverage']:.3f}"),
        )
    out.print(table)
    clean = report["figures"]["clean"]
    confusion = Table("", *(label[:7] for label in clean["labels"]), "recall", box=None)
    for label, row in zip(clean["labels"], clean["confusion"], strict=True):
        recall = clean["recall"][label]
        confusion.add_row(label, *(str(count) for count in row), "-" if recall is None else f"{recall:.3f}")
    out.print()
    out.print(confusion)
    out.print(
        f"\nrows: expressed, columns: heard; {clean['n_utterances']} utterances of {clean['n_speakers']} speakers"
    )
    if report["untuned"]:
        out.print(f"UAR of the {report['untuned']['n_speakers']} speakers on whom no setting was chosen: ", end="")
        out.print(f"{report['untuned']['uar']:.3f}")
