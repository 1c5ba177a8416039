"""A tiny corpus of synthesised voices, in files named and laid out like those of RAVDESS."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final, Literal

import numpy as np
import soundfile
from numpy.typing import NDArray

from emotify_core.emotions import Emotion
from emotify_core.synthesis import synthesize_voice

ACTORS: Final = ("01", "11", "04")  # of two EmoBox folds
SUNG: Final = (Emotion.CALM, Emotion.SAD)
_CODES: Final = {emotion: f"{code:02d}" for code, emotion in enumerate(Emotion, start=1)}
_KINDS: Final = {"speech": "01", "song": "02"}
_FOLDERS: Final = {
    ("original", "speech"): "Audio_Speech_Actors_01-24",
    ("original", "song"): "Audio_Song_Actors_01-24",
    ("shared", "speech"): "speech",
    ("shared", "song"): "song",
}
# How much higher than the speaker's own pitch, semitones of intonation, syllables a second, loudness. Not how people
# sound, but different enough to be told apart.
_STYLES: Final = {
    Emotion.NEUTRAL: (1.0, 3, 4.5, 0.05),
    Emotion.CALM: (0.9, 2, 3.5, 0.03),
    Emotion.HAPPY: (1.4, 8, 5.5, 0.08),
    Emotion.SAD: (0.85, 1, 3.0, 0.02),
    Emotion.ANGRY: (1.3, 5, 6.0, 0.2),
    Emotion.FEARFUL: (1.7, 4, 6.5, 0.06),
    Emotion.DISGUST: (0.8, 6, 4.0, 0.1),
    Emotion.SURPRISED: (1.6, 12, 5.0, 0.12),
}

Kind = Literal["speech", "song"]
Layout = Literal["original", "shared"]


def voice(emotion: Emotion, speaker: str, *, take: int = 1, duration: float = 0.8) -> NDArray[np.float32]:
    """Let a speaker, whose number is their pitch, say something at 16 kHz."""
    higher, pitch_range, tempo, loudness = _STYLES[emotion]
    f0 = (110 if int(speaker) % 2 else 200) * 1.01 ** int(speaker) * higher
    seed = 1000 * int(speaker) + 10 * int(_CODES[emotion]) + take
    return synthesize_voice(duration, f0=f0, pitch_range=pitch_range, tempo=tempo, loudness=loudness, seed=seed)


def ravdess_path(
    root: Path,
    emotion: Emotion,
    speaker: str,
    *,
    kind: Kind = "speech",
    take: int = 1,
    layout: Layout = "shared",
    suffix: str = ".flac",
) -> Path:
    """Say where RAVDESS has a recording: in its own download, or in the data that the project shares."""
    name = f"03-{_KINDS[kind]}-{_CODES[emotion]}-01-01-{take:02d}-{speaker}{suffix}"
    return root / _FOLDERS[layout, kind] / f"Actor_{speaker}" / name


def write_recording(path: Path, y: NDArray[np.float32], sr: int = 16000) -> Path:
    """Write a recording, whose suffix names its format."""
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, y, sr)
    return path


def write_corpus(root: Path, actors: Sequence[str] = ACTORS, emotions: Sequence[Emotion] = tuple(Emotion)) -> Path:
    """Let every actor express everything once, and the first of them sing."""
    for actor in actors:
        for emotion in emotions:
            write_recording(ravdess_path(root, emotion, actor), voice(emotion, actor))
    for emotion in set(SUNG) & set(emotions):
        write_recording(ravdess_path(root, emotion, actors[0], kind="song"), voice(emotion, actors[0], take=2))
    return root
