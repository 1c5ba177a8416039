"""`emotify predict`: the emotion in each recording."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext

from rich.console import Console

from emotify_core.classifier import EmotionClassifier
from emotify_core.cli.terminal import Bars, printable
from emotify_core.errors import AudioError
from emotify_core.prediction import Prediction

Heard = tuple[str, Prediction | AudioError]
Status = Callable[[], AbstractContextManager[object]]
_BAR = 30


def run(arguments: argparse.Namespace, out: Console, errors: Console) -> int:
    """Classify the files and print what was heard."""
    with _status(errors, "loading the model"):
        classifier = EmotionClassifier.load(arguments.model)
    if len(arguments.files) > 10 and not out.is_terminal:
        heard = Bars(errors)(_listen(classifier, arguments.files, nullcontext), len(arguments.files), "listening")
    else:  # no bar between results, but a note of twenty minutes takes seconds
        heard = _listen(classifier, arguments.files, lambda: _status(errors, "listening"))
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


def _listen(classifier: EmotionClassifier, files: Iterable[str], status: Status) -> Iterator[Heard]:
    for name in files:
        with status():
            result = _hear(classifier, name)
        yield name, result


def _hear(classifier: EmotionClassifier, name: str) -> Prediction | AudioError:
    try:
        return classifier.predict(name)
    except AudioError as error:
        return error


def _as_json(name: str, result: Prediction | AudioError) -> str:
    facts = {"error": str(result)} if isinstance(result, AudioError) else result.to_dict()
    return json.dumps({"file": name, **facts})


def _as_text(name: str, prediction: Prediction) -> str:
    lines = [f"{printable(name)}: {prediction.emotion} {prediction.emotion.emoji}  {prediction.confidence:.0%} sure"]
    for emotion in prediction.ranked:
        probability = prediction.probabilities[emotion]
        lines.append(f"  {emotion:<10} {probability:>4.0%}  {'█' * round(_BAR * probability)}".rstrip())
    return "\n".join(lines)
