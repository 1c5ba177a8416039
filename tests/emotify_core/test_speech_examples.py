"""What the speech detector is trained on."""

from __future__ import annotations

import numpy as np
import pytest

from emotify_core.non_speech import KINDS
from emotify_core.speech_detection import speech_descriptor_names, speech_descriptors
from emotify_core.speech_examples import (
    non_speech_examples,
    speech_examples,
    synthetic_speech_examples,
    whisper,
)
from emotify_core.synthesis import synthesize_voice

N = len(speech_descriptor_names())


def voiced_share(y: np.ndarray) -> float:
    return float(speech_descriptors(y)[:, speech_descriptor_names().index("voiced_share")].mean())


def test_an_utterance_gives_itself_and_changed_copies() -> None:
    y = synthesize_voice(1.5)
    rows = [speech_examples(y, np.random.default_rng(seed)) for seed in range(30)]

    assert {len(r) for r in rows} >= {3, 4}  # whispered now and then; of a short piece nothing may be left
    assert all(r.shape[1] == N and np.isfinite(r).all() for r in rows)
    assert np.array_equal(rows[0][0], rows[1][0])
    assert not np.array_equal(rows[0][1], rows[1][1])


def test_the_same_seed_gives_the_same_examples() -> None:
    y = synthesize_voice(2.0)
    first, again = (speech_examples(y, np.random.default_rng(4)) for _ in range(2))

    assert np.array_equal(first, again)


def test_short_utterances_are_taken_whole() -> None:
    for seed in range(10):
        assert len(speech_examples(synthesize_voice(0.9), np.random.default_rng(seed))) >= 1


def test_silence_gives_no_examples() -> None:
    assert speech_examples(np.zeros(16_000, dtype=np.float32), np.random.default_rng(0)).shape == (0, N)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_gives_examples(kind: str) -> None:
    rng = np.random.default_rng(1)
    rows = np.concatenate([non_speech_examples(rng, kind=kind) for _ in range(6)])

    assert len(rows) >= 4
    assert rows.shape[1] == N
    assert np.isfinite(rows).all()


def test_a_whisper_keeps_the_syllables_and_loses_the_voice() -> None:
    y = synthesize_voice(3.0)
    whispered = whisper(y, np.random.default_rng(0))
    loudness = [np.sqrt(np.square(x[: 16_000 * 3].reshape(-1, 800)).mean(axis=1)) for x in (y, whispered)]

    assert len(whispered) == len(y)
    assert voiced_share(y) > 0.6
    assert voiced_share(whispered) < 0.4
    assert np.corrcoef(loudness)[0, 1] > 0.8


def test_synthetic_voices_and_mixed_sounds_give_examples() -> None:
    rng = np.random.default_rng(2)
    voices = np.concatenate([synthetic_speech_examples(rng) for _ in range(5)])
    sounds = np.concatenate([non_speech_examples(rng) for _ in range(12)])

    assert len(voices) >= 10
    assert len(sounds) >= 10
    assert np.isfinite(voices).all()
    assert np.isfinite(sounds).all()
