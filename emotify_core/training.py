"""Fit the model that is shipped: figures first, by a protocol, then the fit to everything."""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from emotify_core.baseline import SpeakerPrior
from emotify_core.calibration import Calibration
from emotify_core.corpora import CORPORA, Utterance
from emotify_core.dataset import Dataset
from emotify_core.errors import TooFewExamplesError
from emotify_core.experts import Experts
from emotify_core.fitting import Progress, Start, export_networks, fit_domain, fit_heads, fit_second_expert
from emotify_core.recipes import Recipe
from emotify_core.registry import NETWORK_FILE, Header
from emotify_core.speech_detection import SpeechDetector

_LIBRARIES = ("emotify", "numpy", "scipy", "scikit-learn", "librosa", "skops", "soundfile", "soxr", "av", "torch")


@dataclass(frozen=True, eq=False)
class Trained:
    """A fitted model and what it is.

    Attributes
    ----------
    header : Header
    experts : Experts
    files : mapping of str to bytes
        Further files of the model: the network, where there is one.
    """

    header: Header
    experts: Experts
    files: Mapping[str, bytes]


def train(
    dataset: Dataset,
    recipe: Recipe,
    *,
    seed: int = 0,
    calibration: Calibration | None = None,
    prior: SpeakerPrior | None = None,
    detector: SpeechDetector | None = None,
    start: Start = (),
    n_jobs: int = 1,
    now: datetime,
    progress: Progress | None = None,
) -> Trained:
    """Fit a recipe's experts to a whole dataset.

    Parameters
    ----------
    dataset : Dataset
    recipe : Recipe
    seed : int
    calibration : Calibration, optional
        From a cross-validation over the same dataset.
    prior : SpeakerPrior, optional
        From the same cross-validation.
    detector : SpeechDetector, optional
        Tells speech from other sounds.
    start : Start
        Networks to train on, from `emotify_core.fitting.pretrain`; otherwise they are trained from nothing.
    n_jobs : int
        Processes, where there are several networks.
    now : datetime
        When it was trained, for version and header.
    progress : callable, optional
        Wraps the networks to show how far they are.

    Returns
    -------
    Trained

    Raises
    ------
    TooFewExamplesError
        If there are fewer than two emotions, or fewer than two utterances of one.
    """
    counts = Counter(dataset.labels.tolist())
    if len(counts) < 2 or min(counts.values()) < 2:
        raise TooFewExamplesError("Training needs at least two emotions and two utterances of each.")
    rows = np.arange(len(dataset.utterances))
    with threadpool_limits(limits=1):  # so that the result does not depend on the number of cores
        heads = fit_heads(dataset, rows, recipe, seed=seed)
        domain = fit_domain(dataset, rows, recipe, heads)
        networks = fit_second_expert(dataset, rows, recipe, seed=seed, start=start, n_jobs=n_jobs, progress=progress)
    experts = Experts(
        heads, calibration=calibration, detector=detector, prior=prior, domain=domain, quality=recipe.quality
    )
    files = {NETWORK_FILE: export_networks(networks, experts.classes)} if networks else {}
    return Trained(describe(dataset, recipe, experts, seed=seed, now=now), experts, files)


def describe(dataset: Dataset, recipe: Recipe, experts: Experts, *, seed: int, now: datetime) -> Header:
    """Say what a model is."""
    stamp = now.astimezone(UTC)
    return Header(
        version=f"{recipe.name}-{stamp:%Y%m%d-%H%M%S}",
        created=stamp.isoformat(timespec="seconds"),
        recipe=recipe.name,
        feature_set=recipe.feature_set,
        n_features=int(dataset.features.shape[2]),
        labels=experts.classes,
        corpora=tuple(_corpora(dataset.utterances)),
        licence=_licence(dataset.utterances),
        libraries=library_versions(),
        seed=seed,
    )


def _corpora(utterances: Sequence[Utterance]) -> list[dict[str, Any]]:
    found = []
    for name in sorted({u.corpus for u in utterances}):
        corpus, own = CORPORA.get(name), [u for u in utterances if u.corpus == name]
        facts: Mapping[str, Any] = {
            "name": name,
            "title": corpus.title if corpus else name,
            "licence": _licence(own),
            "citation": corpus.citation if corpus else "",
            "url": corpus.url if corpus else "",
            "n_utterances": len(own),
            "n_speakers": len({u.speaker for u in own}),
        }
        found.append(dict(facts))
    return found


def _licence(utterances: Sequence[Utterance]) -> str:
    """Name the licences of utterances; a manifest may leave them open."""
    return " and ".join(
        sorted(
            {
                CORPORA[u.corpus].licence if u.corpus in CORPORA else u.licence or f"no licence stated for {u.corpus}"
                for u in utterances
            }
        )
    )


def library_versions() -> dict[str, str]:
    """Return the versions of Python and of the libraries that a model depends on."""
    versions = {"python": platform.python_version()}
    for name in _LIBRARIES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:  # run from a checkout that is not installed
            versions[name] = "not installed"
    return versions
