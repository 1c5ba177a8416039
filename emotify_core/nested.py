"""The choice of settings inside each fold, so that no figure flatters for having chosen them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np
from joblib import delayed
from numpy.typing import NDArray
from sklearn.model_selection import GroupKFold
from threadpoolctl import threadpool_limits

from emotify_core.dataset import Dataset
from emotify_core.errors import TooFewExamplesError
from emotify_core.experts import head_scores
from emotify_core.fitting import fit_heads, ordered_labels
from emotify_core.metrics import confusion_matrix, unweighted_average_recall
from emotify_core.parallel import in_processes
from emotify_core.recipes import Recipe
from emotify_core.splits import Split

Settings = Mapping[str, Any]
Progress = Callable[[Iterable[Any], int, str], Iterable[Any]]
_N_INNER_FOLDS: Final = 3


def choose_settings(
    dataset: Dataset,
    splits: Sequence[Split],
    recipe: Recipe,
    *,
    seed: int = 0,
    n_jobs: int = 1,
    progress: Progress | None = None,
) -> list[Settings]:
    """Choose the first expert's settings for each fold from its training speakers alone.

    Each of the recipe's choices is fitted and tested on three inner folds by speaker; the one with the highest
    unweighted average recall is taken, the first of several. Only speech of the corpora that the outer fold tests is
    tested in the inner ones; all other utterances train.

    Parameters
    ----------
    dataset : Dataset
    splits : sequence of Split
    recipe : Recipe
        With `choices`.
    seed : int
    n_jobs : int
        Fits at once.
    progress : callable, optional
        Wraps the fits to show how far they are.

    Returns
    -------
    list of mapping
        For each split, settings for `emotify_core.evaluation.cross_validate`.

    Raises
    ------
    TooFewExamplesError
        If a fold trains on fewer than two speakers of the corpora that it tests.

    References
    ----------
    Cawley & Talbot (2010), "On over-fitting in model selection and subsequent selection bias in performance
    evaluation", Journal of Machine Learning Research 11.
    """
    inner = [_inner_folds(dataset, split) for split in splits]
    work = [
        delayed(_hear)(dataset, train, test, recipe, settings, seed=seed)
        for folds in inner
        for settings in recipe.choices
        for train, test in folds
    ]
    found = in_processes(work, n_jobs=n_jobs)
    heard = iter(found if progress is None else progress(found, len(work), "settings"))
    chosen, labels = [], ordered_labels(dataset.labels.tolist())
    for folds in inner:
        truth = np.concatenate([dataset.labels[test] for _, test in folds])
        verdicts = [np.concatenate([next(heard) for _ in folds]) for _ in recipe.choices]
        recalls = [unweighted_average_recall(confusion_matrix(truth, each, labels)) for each in verdicts]
        chosen.append(recipe.choices[int(np.argmax(recalls))])
    return chosen


def _inner_folds(dataset: Dataset, split: Split) -> list[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Split a fold's training utterances again by speaker: what trains and what is tested."""
    tested = {dataset.utterances[i].corpus for i in split.test}
    corpora = np.array([dataset.utterances[i].corpus for i in split.train])
    at_home = split.train[np.isin(corpora, sorted(tested)) & dataset.is_speech[split.train]]
    speakers = dataset.speakers[at_home]
    n_folds = min(_N_INNER_FOLDS, len(set(speakers.tolist())))
    if n_folds < 2:
        raise TooFewExamplesError(f"When {split.name} are tested, too few speakers are left to choose settings on.")
    folds = []
    for _, inner in GroupKFold(n_folds).split(at_home, groups=speakers):
        left_out = np.isin(dataset.speakers[split.train], np.unique(speakers[inner]))  # what they sing, too
        folds.append((split.train[~left_out], at_home[inner]))
    return folds


def _hear(
    dataset: Dataset,
    train: NDArray[np.intp],
    test: NDArray[np.intp],
    recipe: Recipe,
    settings: Settings,
    *,
    seed: int,
) -> NDArray[np.str_]:
    with threadpool_limits(limits=1):
        heads = fit_heads(dataset, train, recipe, seed=seed, settings=settings)
        return np.asarray(heads.classes_[head_scores(heads, dataset.features[0][test]).argmax(axis=1)])
