"""Fit the experts of a recipe to utterances of a dataset."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from joblib import delayed
from numpy.typing import NDArray
from scipy.special import log_softmax
from sklearn.exceptions import ConvergenceWarning

from emotify_core.dataset import Dataset
from emotify_core.domain import DomainDetector
from emotify_core.emotions import Emotion
from emotify_core.encoder import N_VIEWS
from emotify_core.errors import MissingExtraError, TooFewExamplesError
from emotify_core.experts import Scores
from emotify_core.parallel import in_processes
from emotify_core.recipes import NetworkPlan, Recipe
from emotify_core.splits import Split

Progress = Callable[[Iterable[Any], int, str], Iterable[Any]]
Start = Sequence[Any]  # networks, or nothing


def ordered_labels(labels: Iterable[str]) -> tuple[str, ...]:
    """Sort names of emotions in the order of `Emotion`."""
    present = set(labels)
    return tuple(emotion.value for emotion in Emotion if emotion.value in present)


def fit_heads(
    dataset: Dataset, rows: NDArray[np.intp], recipe: Recipe, *, seed: int, settings: Mapping[str, Any] | None = None
) -> Any:  # noqa: ANN401
    """Fit a recipe's classifier of functionals, with settings of its own or others, to utterances and their copies.

    Raises
    ------
    TooFewExamplesError
        If all utterances have the same label.
    """
    if len(set(dataset.labels[rows].tolist())) < 2:
        raise TooFewExamplesError("Two emotions at least are needed to learn from, whichever speakers are left out.")
    classifier = recipe.make(seed)
    if settings:
        classifier.set_params(**settings)
    features = dataset.features[:, rows].reshape(-1, dataset.features.shape[2])
    labels = np.tile(dataset.labels[rows], len(dataset.features))
    weights = _weights(dataset, rows, recipe)
    options = {}
    if weights is not None:
        options["sample_weight"] = with_copies(weights, len(dataset.features), recipe.copy_weight)
    with warnings.catch_warnings(action="ignore", category=ConvergenceWarning):
        # The classic recipe's batches are larger than a tiny corpus; scikit-learn makes them fit.
        warnings.filterwarnings("ignore", "Got `batch_size`", UserWarning)
        return classifier.fit(features, labels, **options)


def fit_domain(
    dataset: Dataset,
    rows: NDArray[np.intp],
    recipe: Recipe,
    heads: Any,  # noqa: ANN401
) -> DomainDetector | None:
    """Learn what the recipe's home corpus sounds like, augmented copies included; None if it has none."""
    if recipe.home is None:
        return None
    corpora = np.array([dataset.utterances[row].corpus for row in rows])
    is_home = corpora == recipe.home
    weights = balanced_weights(corpora.tolist(), is_home.astype(str), {})
    scaled = heads.scale(dataset.features[:, rows].reshape(-1, dataset.features.shape[2]))
    n_tables = len(dataset.features)
    return DomainDetector().fit(scaled, np.tile(is_home, n_tables), np.tile(weights, n_tables))


def _weights(dataset: Dataset, rows: NDArray[np.intp], recipe: Recipe) -> NDArray[np.float64] | None:
    if recipe.corpus_weights is None:
        return None
    corpora = [dataset.utterances[row].corpus for row in rows]
    return balanced_weights(corpora, dataset.labels[rows], recipe.corpus_weights)


def balanced_weights(
    corpora: Sequence[str], labels: Sequence[str] | NDArray[np.str_], corpus_weights: Mapping[str, float]
) -> NDArray[np.float64]:
    """Weigh utterances so that all labels count alike, and within a label the corpora as `corpus_weights` says.

    Parameters
    ----------
    corpora, labels : sequence of str, shape=(n_utterances,)
    corpus_weights : mapping
        Those that are not named have a weight of 1.

    Returns
    -------
    ndarray of float, shape=(n_utterances,)
        Their mean is 1.
    """
    cells = list(zip(corpora, map(str, labels), strict=True))
    counts = Counter(cells)
    total = Counter[str]()
    for corpus, label in counts:
        total[label] += corpus_weights.get(corpus, 1.0)  # type: ignore[assignment]
    weights = np.array([corpus_weights.get(c, 1.0) / counts[c, label] / total[label] for c, label in cells])
    return np.asarray(weights / weights.mean())


def with_copies(weights: NDArray[np.float64], n_tables: int, copy_weight: float) -> NDArray[np.float64]:
    """Weigh utterances, then their augmented copies, each of which counts `copy_weight` as much; the mean stays.

    Parameters
    ----------
    weights : ndarray of float, shape=(n_utterances,)
    n_tables : int
        The utterances, and their copies.
    copy_weight : float

    Returns
    -------
    ndarray of float, shape=(n_tables * n_utterances,)
    """
    shares = np.array([1.0, *[copy_weight] * (n_tables - 1)])
    return np.outer(shares / shares.mean(), weights).ravel()


def pretrain(
    dataset: Dataset,
    splits: Sequence[Split],
    recipe: Recipe,
    *,
    seed: int,
    n_jobs: int = 1,
    progress: Progress | None = None,
) -> Start:
    """Train networks on the corpora other than the home corpus, as far as they train in every fold.

    Returns
    -------
    sequence of Network
        One for each of the recipe's networks; empty if it has none, or there is nothing to train on.
    """
    plan = recipe.network
    if plan is None:
        return ()
    rows = np.arange(len(dataset.utterances))
    for split in splits:
        rows = np.intersect1d(rows, split.train)
    return fit_pretrained(dataset, rows, plan, seed=seed, n_jobs=n_jobs, progress=progress)


def fit_pretrained(
    dataset: Dataset,
    rows: NDArray[np.intp],
    plan: NetworkPlan,
    *,
    seed: int,
    n_jobs: int = 1,
    progress: Progress | None = None,
) -> Start:
    """Train the plan's networks on those of the rows that are of other corpora than the home corpus."""
    away = np.array([i for i in rows if dataset.utterances[i].corpus != plan.home], dtype=np.intp)
    if not len(away):
        return ()
    fit = _training().fit_stage
    work = (
        delayed(fit)(dataset, away, plan, stage="pretraining", seed=seed + 1000 * k, view=k % N_VIEWS)
        for k in range(plan.n_networks)
    )
    networks = in_processes(work, n_jobs=min(n_jobs, plan.n_networks))
    return list(networks if progress is None else progress(networks, plan.n_networks, "networks, first stage"))


def fit_second_expert(
    dataset: Dataset,
    rows: NDArray[np.intp],
    recipe: Recipe,
    *,
    seed: int,
    start: Start = (),
    n_jobs: int = 1,
    progress: Progress | None = None,
) -> list[Any]:
    """Train the recipe's networks on utterances, from where `pretrain` left them; nothing if it has none."""
    plan = recipe.network
    if plan is None:
        return []
    if not start:
        start = fit_pretrained(dataset, rows, plan, seed=seed, n_jobs=n_jobs)
    if all(dataset.utterances[i].corpus != plan.home for i in rows):
        return list(start)
    begun: list[Any] = list(start) or [None] * plan.n_networks
    fit = _training().fit_stage
    work = (
        delayed(fit)(dataset, rows, plan, stage="training", seed=seed + 1000 * k + 1, start=network, view=k % N_VIEWS)
        for k, network in enumerate(begun)
    )
    networks = in_processes(work, n_jobs=min(n_jobs, len(begun)))
    return list(networks if progress is None else progress(networks, len(begun), "networks"))


def run_second_expert(networks: Sequence[Any], spectra: Sequence[NDArray[Any]], labels: Sequence[str]) -> Scores:
    """Return the mean of the networks' log-probabilities over some labels, shape=(n_utterances, n_labels)."""
    run = _training().run_network
    columns = columns_of(labels)
    scores = [run(network, spectra)[0][:, columns].astype(np.float64) for network in networks]
    return np.asarray(np.mean([log_softmax(each, axis=1) for each in scores], axis=0))


def export_networks(networks: Sequence[Any], labels: Sequence[str]) -> bytes:
    """Export networks for `emotify_core.encoder.Encoder`, whose scores have the order of the labels."""
    return bytes(_training().to_onnx(networks, columns_of(labels)))


def columns_of(labels: Sequence[str]) -> list[int]:
    """Find the columns of labels in the networks, which have one for each `Emotion`."""
    order = [emotion.value for emotion in Emotion]
    return [order.index(label) for label in labels]


def require_training(recipe: Recipe) -> None:
    """Fail now rather than after the features are extracted, if what trains the recipe is not installed.

    Raises
    ------
    MissingExtraError
    """
    if recipe.uses_network:
        _training()


def _training() -> Any:  # noqa: ANN401  (a module)
    """Import what needs PyTorch, and what its exporter needs."""
    try:
        from emotify_core.network import training  # noqa: PLC0415
    except ModuleNotFoundError as error:
        package = {"torch": "PyTorch", "onnx": "The package onnx"}.get(error.name or "")
        if package is None:
            raise
        raise MissingExtraError(package, "train") from error
    return training
