"""In how many recordings a voice is heard: `python -m tests.benchmarks.voices FOLDER… [--seconds S]`.

Name folders of music, noise or animals, where none should be heard, and of speech, where all should. The corpora that
the detector of speech was trained on tell nothing; its figures for kinds and speakers that it did not meet are in the
card.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from rich.console import Console
from rich.table import Table

from emotify_core import EmotionClassifier
from emotify_core.audio import decode
from emotify_core.errors import AudioError, NoSpeechError
from tests.emotify_core.encoding import wav

SR: Final = 16_000
_ENDINGS: Final = frozenset({".flac", ".m4a", ".mp3", ".oga", ".ogg", ".opus", ".wav"})


def main(argv: Sequence[str] | None = None) -> int:
    """Listen to each folder, and print a row for each."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.voices", description=__doc__)
    parser.add_argument("folders", type=Path, nargs="+", metavar="FOLDER", help="recordings, in folders within, too")
    parser.add_argument("--seconds", type=float, help="a piece of each as long as this, drawn at random, not all of it")
    arguments = parser.parse_args(argv)
    console, classifier = Console(), EmotionClassifier.load()
    table = Table("folder", "recordings", "a voice is heard", "other sounds", "not usable", box=None)
    for folder in arguments.folders:
        with console.status(f"listening to {folder}"):
            heard = list(listen(classifier, folder, arguments.seconds))
        counts = [heard.count(outcome) for outcome in ("voice", "other", "unusable")]
        table.add_row(str(folder), str(len(heard)), *map(str, counts))
    console.print(table)
    return 0


def listen(classifier: EmotionClassifier, folder: Path, seconds: float | None) -> Iterator[str]:
    """Tell of each recording whether there is a voice in it, other sounds, or nothing that can be used."""
    rng = np.random.default_rng(0)
    for path in sorted(path for path in folder.rglob("*") if path.suffix.lower() in _ENDINGS and path.is_file()):
        try:
            y = decode(path, trim=False, normalize=False).y
            n = len(y) if seconds is None else round(seconds * SR)
            start = int(rng.integers(max(1, len(y) - n + 1)))
            classifier.predict(wav(y[start : start + n], SR, "FLOAT"))
            yield "voice"
        except NoSpeechError:
            yield "other"
        except AudioError:
            yield "unusable"


if __name__ == "__main__":
    sys.exit(main())
