"""`emotify train`: figures, fit, publish."""

from __future__ import annotations

import argparse
import json
import tempfile
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console

from emotify_core.card import write_card
from emotify_core.cli.corpus import load_dataset, make_folder, read_corpora, used_by
from emotify_core.cli.evaluate import as_report, degrade, measure, show
from emotify_core.cli.terminal import Bars, printable
from emotify_core.evaluation import calibrate, know_voices, require_every_label, require_no_leaks
from emotify_core.fitting import pretrain
from emotify_core.learning import make_base, write_base
from emotify_core.recipes import RECIPES
from emotify_core.registry import Registry
from emotify_core.speech_training import train_speech_detector
from emotify_core.splits import PROTOCOLS, training_protocol
from emotify_core.training import train


def run(arguments: argparse.Namespace, out: Console, errors: Console) -> int:
    """Train a version, publish it and make it the champion."""
    utterances = read_corpora(arguments, errors)
    used = used_by(utterances, arguments)
    protocol = training_protocol(used)
    if not arguments.no_evaluate:  # fails now rather than in minutes
        require_every_label([u.label.value for u in used], PROTOCOLS[protocol](used, arguments.seed))
    _require_writable(arguments.out)
    dataset = load_dataset(utterances, arguments, errors)
    metrics: dict[str, Any] = {}
    recipe, calibration, prior, start = RECIPES[arguments.recipe], None, None, None
    if not arguments.no_evaluate:
        splits = PROTOCOLS[protocol](dataset.utterances, arguments.seed)
        require_no_leaks(dataset, splits)
        options: dict[str, Any] = {"seed": arguments.seed, "n_jobs": arguments.jobs, "progress": Bars(errors)}
        start = pretrain(dataset, splits, recipe, **options)
        tables = degrade(dataset, splits, arguments, errors)
        outcomes = measure(dataset, splits, arguments, errors, conditions=tables, start=start)
        metrics = as_report(dataset, splits, outcomes, arguments, protocol=protocol)
        if recipe.is_calibrated:
            calibration = calibrate(outcomes, recipe)
        prior = know_voices(outcomes, recipe)
        show(metrics, errors)
    detector = None
    if recipe.conditioned:
        detector, metrics["non_speech"] = train_speech_detector(
            utterances, seed=arguments.seed, n_jobs=arguments.jobs, progress=Bars(errors)
        )
    trained = train(
        dataset,
        recipe,
        seed=arguments.seed,
        calibration=calibration,
        prior=prior,
        detector=detector,
        start=start or (),
        n_jobs=arguments.jobs,
        now=datetime.now(tz=UTC),
        progress=Bars(errors),
    )
    registry = Registry(arguments.out)
    header = registry.publish(trained.header, trained.experts, metrics, files=trained.files, extras=write_card)
    if recipe.uses_network and not arguments.no_evaluate:  # what nights learn from; they hold it to these figures
        write_base(arguments.out, make_base(dataset, trained, splits, outcomes, tables, header=header))
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
    make_folder(folder)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".writable-"):
        pass
