"""`emotify evaluate --model`: a published model as it is, on corpora that it did not learn from."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

import numpy as np
from rich.console import Console

from emotify_core.classifier import EmotionClassifier
from emotify_core.cli.terminal import Bars
from emotify_core.corpora import Utterance
from emotify_core.emotions import Emotion
from emotify_core.errors import AudioError, NoSpeechError, TooFewExamplesError, TrainingError
from emotify_core.outcomes import Outcome, figures, uar_by_group
from emotify_core.wording import counted


def judge(utterances: Sequence[Utterance], arguments: argparse.Namespace, errors: Console) -> dict[str, Any]:
    """Let a model hear recordings as it hears notes, each by itself; the verdict is among all its emotions.

    An emotion that the model does not know, it never hears.

    Raises
    ------
    TrainingError
        If it learned from one of the corpora.
    TooFewExamplesError
        If it hears a voice in none of the recordings.
    """
    classifier = EmotionClassifier.load(arguments.model or None)
    learned = {corpus["name"] for corpus in classifier.header.corpora}
    if met := sorted({u.corpus for u in utterances} & learned):
        raise TrainingError(f"{classifier.version} learned from {', '.join(met)}: figures on that would flatter it.")
    emotions = [e for e in Emotion if e in classifier.header.labels or any(u.label is e for u in utterances)]
    heard, probabilities, no_voice, unreadable = [], [], 0, 0
    for utterance in Bars(errors)(utterances, len(utterances), "listening"):
        try:
            found = classifier.predict(utterance.path).probabilities
        except NoSpeechError:
            no_voice += 1
        except AudioError:
            unreadable += 1
        else:
            heard.append(utterance)
            probabilities.append([found.get(emotion, 0.0) for emotion in emotions])
    if not heard:
        broken = f", {unreadable} of which cannot be read" if unreadable else ""
        recordings = counted(len(utterances), "recording")
        raise TooFewExamplesError(f"{classifier.version} heard no voice in {recordings}{broken}.")
    table = np.array(probabilities)
    outcome = Outcome(
        labels=tuple(emotion.value for emotion in emotions),
        truth=np.array([u.label.value for u in heard]),
        speakers=np.array([f"{u.corpus}/{u.speaker}" for u in heard]),
        probabilities=table,
        scores=np.log(np.maximum(table, 1e-12)),
    )
    genders = {f"{u.corpus}/{u.speaker}": u.gender for u in heard}
    return {
        "model": classifier.version,
        "corpora": [name for name, _ in arguments.corpus],
        "figures": {"clean": {**figures(outcome), "uar_by_gender": uar_by_group(outcome, genders)}},
        "no_voice": no_voice,
        "unreadable": unreadable,
    }
