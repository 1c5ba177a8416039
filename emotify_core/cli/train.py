"""`emotify train`: figures, fit, publish."""

from __future__ import annotations

import argparse
import json
import tempfile
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from emotify_core.card import write_card
from emotify_core.cli.corpus import load_dataset, read_corpora
from emotify_core.cli.evaluate import as_report, measure, show
from emotify_core.cli.terminal import printable
from emotify_core.evaluation import Outcome
from emotify_core.heads import fit_temperature
from emotify_core.recipes import RECIPES
from emotify_core.registry import Registry
from emotify_core.training import train


def run(arguments: argparse.Namespace, out: Console, errors: Console) -> int:
    """Train a version, publish it and make it the champion."""
    utterances = read_corpora(arguments)
    _require_writable(arguments.out)
    dataset = load_dataset(utterances, arguments, errors)
    metrics: dict[str, Any] = {}
    temperature = None
    if not arguments.no_evaluate:
        outcomes = measure(dataset, arguments, errors, protocol="emobox", conditions=True)
        metrics = as_report(outcomes, arguments, protocol="emobox")
        temperature = _temperature(outcomes)
        show(metrics, errors)
    with errors.status("fitting to all utterances"):
        trained = train(
            dataset, RECIPES[arguments.recipe], seed=arguments.seed, temperature=temperature, now=datetime.now(tz=UTC)
        )
    registry = Registry(arguments.out)
    header = registry.publish(trained.header, trained.model, metrics, extras=write_card)
    if not arguments.no_promote:
        registry.promote(header.version)
    if arguments.json:
        out.print(json.dumps(asdict(header), indent=2), soft_wrap=True)
    else:
        state = "published" if arguments.no_promote else "published, and now the champion"
        out.print(f"{header.version}: {state} in {printable(arguments.out)}", soft_wrap=True)
    return 0


def _require_writable(folder: Path) -> None:
    """Fail now rather than after the training if nothing can be published there."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".writable-"):
        pass


def _temperature(outcomes: dict[str, Outcome]) -> float:
    """Fit one temperature to the held-out predictions of all conditions, so that confidence is honest in noise too."""
    scores = np.concatenate([outcome.scores for outcome in outcomes.values()])
    truth = [outcome.labels.index(label) for outcome in outcomes.values() for label in outcome.truth]
    return fit_temperature(scores, np.array(truth))
