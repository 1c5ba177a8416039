from __future__ import annotations

import argparse
import io
from pathlib import Path

from rich.console import Console

from emotify_core.cli.corpus import load_dataset
from emotify_core.corpora import read_ravdess
from emotify_core.emotions import Emotion
from tests.emotify_core.voices import write_corpus


def test_what_cannot_be_read_is_left_out_and_said(tmp_path: Path) -> None:
    utterances = read_ravdess(write_corpus(tmp_path, ("01", "04"), (Emotion.SAD, Emotion.ANGRY)))
    for utterance in utterances[:4]:
        utterance.path.write_bytes(b"half a download")
    arguments = argparse.Namespace(recipe="functionals", seed=0, jobs=1, cache=None, noise=None, rooms=None)
    errors = Console(file=io.StringIO(), width=80)

    dataset = load_dataset(utterances, arguments, errors)

    assert dataset.utterances == utterances[4:]
    assert isinstance(errors.file, io.StringIO)
    names = ", ".join(utterance.path.name for utterance in utterances[:3])
    assert errors.file.getvalue().splitlines() == [
        "5 utterances of 2 speakers",
        f"4 of them left out, unreadable or without sound: {names} and 1 more",
    ]
