"""`emotify predict`: the emotion in each recording, why, and how it changes."""

from __future__ import annotations

import argparse
import json
import textwrap
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

from rich.console import Console

from emotify_core.audio import read
from emotify_core.classifier import EmotionClassifier
from emotify_core.cli.terminal import Bars, printable
from emotify_core.errors import AudioError
from emotify_core.explanation import Explanation
from emotify_core.prediction import Prediction
from emotify_core.timeline import Timeline

Status = Callable[[], AbstractContextManager[object]]
_BAR = 30
_WIDTH = 80  # columns
_INDENT = "  "
_OVER_TIME = "Over time, in windows of three seconds that are heard by themselves:"


@dataclass(frozen=True)
class Verdict:
    """What was heard in a recording, and what else was asked for."""

    prediction: Prediction
    explanation: Explanation | None = None
    timeline: Timeline | None = None


Heard = tuple[str, Verdict | AudioError]


def run(arguments: argparse.Namespace, out: Console, errors: Console) -> int:
    """Classify the files and print what was heard."""
    with _status(errors, "loading the model"):
        classifier = EmotionClassifier.load(arguments.model)
    if arguments.explain:
        classifier.require_explainable()
    if len(arguments.files) > 10 and not out.is_terminal:
        heard = Bars(errors)(_listen(classifier, arguments, nullcontext), len(arguments.files), "listening")
    else:  # no bar between results, but a note of twenty minutes takes seconds
        heard = _listen(classifier, arguments, lambda: _status(errors, "listening"))
    failed = False
    for name, result in heard:
        failed |= isinstance(result, AudioError)
        if arguments.json:
            out.print(_as_json(name, result), soft_wrap=True)
        elif isinstance(result, AudioError):
            errors.print(printable(f"{name}: {result}"), soft_wrap=True)
        else:
            out.print(_as_text(name, result), soft_wrap=True)
    return int(failed)


def _status(errors: Console, text: str) -> AbstractContextManager[object]:
    return errors.status(text) if errors.is_terminal else nullcontext()


def _listen(classifier: EmotionClassifier, arguments: argparse.Namespace, status: Status) -> Iterator[Heard]:
    for name in arguments.files:
        with status():
            result = _hear(classifier, name, explain=arguments.explain, timeline=arguments.timeline)
        yield name, result


def _hear(classifier: EmotionClassifier, name: str, *, explain: bool, timeline: bool) -> Verdict | AudioError:
    try:
        recording = read(name)
        heard = classifier.listen(recording)
        return Verdict(
            heard.prediction,
            classifier.explain_heard(heard) if explain else None,
            classifier.timeline(recording) if timeline else None,
        )
    except AudioError as error:
        return error


def _as_json(name: str, result: Verdict | AudioError) -> str:
    facts: dict[str, object] = {"file": name}
    if isinstance(result, AudioError):
        facts["error"] = str(result)
    else:
        facts |= result.prediction.to_dict()
        if result.explanation is not None:
            facts["explanation"] = result.explanation.to_dict()
        if result.timeline is not None:
            facts["timeline"] = result.timeline.to_dict()
    return json.dumps(facts)


def _as_text(name: str, verdict: Verdict) -> str:
    prediction = verdict.prediction
    lines = [f"{printable(name)}: {prediction.emotion} {prediction.emotion.emoji}  {prediction.confidence:.0%} sure"]
    for emotion in prediction.ranked:
        probability = prediction.probabilities[emotion]
        lines.append(f"{_INDENT}{emotion:<10} {probability:>4.0%}  {'█' * round(_BAR * probability)}".rstrip())
    lines.append(f"{_INDENT}valence {prediction.valence:+.2f}, arousal {prediction.arousal:+.2f} (from -1 to 1)")
    if verdict.explanation is not None:
        text = verdict.explanation.text
        lines.append(textwrap.fill(text, _WIDTH, initial_indent=_INDENT, subsequent_indent=_INDENT))
    if verdict.timeline is not None:
        lines += [_OVER_TIME, verdict.timeline.as_text(_WIDTH)]
    return "\n".join(lines)
