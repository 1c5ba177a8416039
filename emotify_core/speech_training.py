"""Fit the detector of speech, and measure it on speakers and on kinds of sound that it was not fitted on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from joblib import delayed
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from emotify_core.audio import decode
from emotify_core.corpora import Utterance
from emotify_core.errors import AudioError
from emotify_core.fitting import Progress
from emotify_core.non_speech import KINDS
from emotify_core.parallel import in_processes
from emotify_core.speech_detection import SpeechDetector, fit_speech_detector, speech_descriptors
from emotify_core.speech_examples import non_speech_examples, speech_examples, synthetic_speech_examples

_N_OF_CORPUS: Final = 350  # utterances of each corpus: more change nothing
N_OF_KIND: Final = 60
_HARD: Final = frozenset(
    {"song", "drums", "effects", "cough", "sneeze", "legato", "ensemble", "glide"}
)  # kinds that need twice as many
_SHARE_SYNTHETIC: Final = 2.5  # synthetic voices for each sound of a kind: the demonstration must not be refused
_SHARE_MIXED: Final = 4.0  # sounds of any kind, some of them of two
_N_FOLDS: Final = 3

Matrix = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class _Sound:
    """One utterance, or one sound without a voice.

    Attributes
    ----------
    group : str
        Speaker or kind: what must not be on both sides of a fold.
    name : str
        Corpus or kind, for the figures.
    rows : ndarray of float32, shape=(n_parts, n_descriptors)
        What the detector learns from.
    tested : ndarray of float32, shape=(n_parts, n_descriptors)
        What it is tested on: the sound as it came.
    """

    group: str
    name: str
    rows: Matrix
    tested: Matrix


def train_speech_detector(
    utterances: Sequence[Utterance], *, seed: int, n_jobs: int, progress: Progress, n_of_kind: int = N_OF_KIND
) -> tuple[SpeechDetector, dict[str, Any]]:
    """Fit a detector to utterances of some corpora and to synthetic sounds without a voice.

    Parameters
    ----------
    utterances : sequence of Utterance
    seed : int
    n_jobs : int
        Processes.
    progress : callable
        Wraps an iterable of known length to show how far it is.
    n_of_kind : int, default=60
        Sounds of each kind without a voice.

    Returns
    -------
    detector : SpeechDetector
        Fitted to everything.
    figures : dict
        ``refused``: share of the sounds of each kind that a detector refuses which was fitted to other kinds;
        ``false_refusals``: share of the utterances of each corpus, by detectors fitted to other speakers.
    """
    chosen = _spread_over_corpora(utterances)
    voices = (delayed(_utterance)(u, (seed, 1, i)) for i, u in enumerate(chosen))
    kinds = [kind for kind in KINDS for _ in range(2 * n_of_kind if kind in _HARD else n_of_kind)]
    others = (delayed(_other)(kind, (seed, 2, i)) for i, kind in enumerate(kinds))
    speech = [s for s in progress(in_processes(voices, n_jobs=n_jobs, batch_size=8), len(chosen), "speech") if s]
    sounds = [s for s in progress(in_processes(others, n_jobs=n_jobs, batch_size=8), len(kinds), "other sounds") if s]
    with threadpool_limits(limits=1):  # so that the result does not depend on the number of cores
        refused, false_refusals = _cross_validated(speech, sounds, seed)
        speech += [_synthetic((seed, 3, i)) for i in range(round(_SHARE_SYNTHETIC * n_of_kind))]
        sounds += [_mixed((seed, 4, i)) for i in range(round(_SHARE_MIXED * n_of_kind))]
        return _fit(speech, sounds, seed), {"refused": refused, "false_refusals": false_refusals}


def _spread_over_corpora(utterances: Sequence[Utterance]) -> list[Utterance]:
    """Choose as many of each corpus, spread over its speakers and emotions."""
    chosen: list[Utterance] = []
    for corpus in sorted({u.corpus for u in utterances}):
        own = [u for u in utterances if u.corpus == corpus]
        chosen += [own[i] for i in np.unique(np.linspace(0, len(own) - 1, min(len(own), _N_OF_CORPUS)).astype(int))]
    return chosen


def _utterance(utterance: Utterance, seed: tuple[int, ...]) -> _Sound | None:
    rng = np.random.default_rng(seed)
    try:
        with threadpool_limits(limits=1):  # other processes have other numbers of threads
            rows = speech_examples(decode(utterance.path, trim=False, normalize=False).y, rng)
            tested = speech_descriptors(decode(utterance.path).y)
    except AudioError:  # there is no sound in it
        return None
    return _Sound(f"{utterance.corpus}/{utterance.speaker}", utterance.corpus, rows, tested) if len(rows) else None


def _other(kind: str, seed: tuple[int, ...]) -> _Sound | None:
    with threadpool_limits(limits=1):
        rows = non_speech_examples(np.random.default_rng((*seed, KINDS.index(kind))), kind=kind)
    return _Sound(kind, kind, rows, rows) if len(rows) else None


def _synthetic(seed: tuple[int, ...]) -> _Sound:
    rows = synthetic_speech_examples(np.random.default_rng(seed))
    return _Sound("synthetic", "synthetic", rows, rows)


def _mixed(seed: tuple[int, ...]) -> _Sound:
    rows = non_speech_examples(np.random.default_rng(seed))
    return _Sound("mixed", "mixed", rows, rows)


def _fit(speech: Sequence[_Sound], others: Sequence[_Sound], seed: int) -> SpeechDetector:
    return fit_speech_detector(
        np.concatenate([s.rows for s in speech]), np.concatenate([s.rows for s in others]), seed=seed
    )


def _cross_validated(
    speech: Sequence[_Sound], others: Sequence[_Sound], seed: int
) -> tuple[dict[str, float], dict[str, float]]:
    """Test every sound by a detector that was fitted to other speakers and other kinds; share of refusals by name."""
    folds = {**_folds(speech), **_folds(others)}
    refused: dict[str, list[bool]] = {}
    for fold in range(_N_FOLDS):
        known = [[s for s in sounds if folds[s.group] != fold] for sounds in (speech, others)]
        if not all(known):
            continue
        detector = _fit(known[0], known[1], seed)
        for sound in (*speech, *others):
            if folds[sound.group] == fold:
                is_refused = bool(detector.speech_probability(sound.tested).max() < detector.threshold)
                refused.setdefault(sound.name, []).append(is_refused)
    shares = {name: float(np.mean(each)) for name, each in sorted(refused.items())}
    return {n: s for n, s in shares.items() if n in KINDS}, {n: s for n, s in shares.items() if n not in KINDS}


def _folds(sounds: Sequence[_Sound]) -> dict[str, int]:
    return {group: i % _N_FOLDS for i, group in enumerate(sorted({sound.group for sound in sounds}))}
