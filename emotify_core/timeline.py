"""How a voice changes over a note: windows, what is heard in each, and the stretches that they make up."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, islice
from typing import Final

import numpy as np
from numpy.typing import NDArray

from emotify_core.conditioning import condition
from emotify_core.emotions import Emotion
from emotify_core.errors import AudioTooShortError, NoSpeechError
from emotify_core.sparklines import sparkline
from emotify_core.trimming import is_silent
from emotify_core.windows import HOP_SECONDS, WINDOW_SECONDS, plan_windows

FLOOR_DB: Final = -80.0  # silence, under the loudest window
_BACKGROUND_DB: Final = -40.0  # from a mumble to a shout there is less; what is softer is behind the voice
_DRAWN_DB: Final = -40.0  # bottom of the curve of loudness
_SAME_TIME: Final = 1e-9  # seconds: rounding errors
_LABEL_WIDTH: Final = 10
_PERCENT_WIDTH: Final = 5

Signal = NDArray[np.float32]
Table = NDArray[np.float64]


@dataclass(frozen=True)
class Segment:
    """A stretch of a note in which one emotion leads.

    Parameters
    ----------
    start, stop : float
        Seconds from the beginning of the recording.
    emotion : Emotion or None
        None where there is no speech.
    confidence : float
        Mean probability of the emotion over the stretch; 0 where there is no speech.
    """

    start: float
    stop: float
    emotion: Emotion | None
    confidence: float

    def __str__(self) -> str:
        return f"{clock(self.start)}-{clock(self.stop)} {self.emotion.value if self.emotion else 'no speech'}"

    def to_dict(self) -> dict[str, object]:
        """Return the segment as JSON can hold it."""
        emotion = self.emotion.value if self.emotion else None
        return {"start": self.start, "stop": self.stop, "emotion": emotion, "confidence": self.confidence}


@dataclass(frozen=True, eq=False)
class Timeline:
    """What is heard in each of a note's windows, which overlap.

    Parameters
    ----------
    times : ndarray of float64, shape=(n_windows,)
        Middle of each window, in seconds from the beginning of the recording; rising.
    durations : ndarray of float64, shape=(n_windows,)
        Seconds of each window.
    probabilities : ndarray of float64, shape=(n_windows, n_emotions)
        Calibrated probability of each emotion; rows sum to 1. Where there is no speech all emotions are equally
        probable.
    valence, arousal : ndarray of float64, shape=(n_windows,)
        Expected pleasantness and activation, from -1 to 1; 0 where there is no speech.
    loudness_db : ndarray of float64, shape=(n_windows,)
        Level in decibels relative to the loudest window of the note, from `FLOOR_DB` to 0.
    emotions : tuple of Emotion
        Columns of `probabilities`.
    is_speech : ndarray of bool, shape=(n_windows,)
        Whether a voice was heard in the window. Where not, only time and loudness say something.

    Raises
    ------
    ValueError
        If there is no window, shapes do not fit, or rows of `probabilities` are not distributions.
    """

    times: Table
    durations: Table
    probabilities: Table
    valence: Table
    arousal: Table
    loudness_db: Table
    emotions: tuple[Emotion, ...]
    is_speech: NDArray[np.bool_]

    def __post_init__(self) -> None:
        n = len(self.times)
        columns = (self.times, self.durations, self.valence, self.arousal, self.loudness_db, self.is_speech)
        if not n or any(column.shape != (n,) for column in columns):
            raise ValueError("a timeline needs at least one window, and one value a window")
        if self.probabilities.shape != (n, len(self.emotions)) or not self.emotions:
            raise ValueError("probabilities must have a row a window and a column an emotion")
        if not all(np.isfinite(column).all() for column in (*columns, self.probabilities)):
            raise ValueError("values must be finite")
        if (self.probabilities < 0).any() or np.abs(self.probabilities.sum(axis=1) - 1).max() > 1e-3:
            raise ValueError("probabilities must not be negative, and sum to 1")

    @property
    def duration(self) -> float:
        """Seconds of the recording."""
        return float(np.max(self.times + self.durations / 2))

    @property
    def smoothed(self) -> Table:
        """Probabilities at the middle of each window, shape=(n_windows, n_emotions).

        The mean over all windows with speech that hold this moment: a single window of three seconds is often mistaken.
        Where there is no speech all emotions are equally probable.
        """
        half = self.durations / 2 - _SAME_TIME
        first = np.searchsorted(self.times, self.times - half)
        stop = np.searchsorted(self.times, self.times + half)
        rows = self.probabilities.copy()
        for i in np.flatnonzero(self.is_speech):
            around = slice(first[i], stop[i])
            rows[i] = self.probabilities[around][self.is_speech[around]].mean(axis=0)
        return rows

    @property
    def leading(self) -> tuple[Emotion | None, ...]:
        """The most probable emotion at the middle of each window, by `smoothed`; None where there is no speech."""
        best = self.smoothed.argmax(axis=1)
        return tuple(self.emotions[i] if speech else None for i, speech in zip(best, self.is_speech, strict=True))

    def segments(self) -> tuple[Segment, ...]:
        """Join neighbouring moments at which the same emotion leads.

        Returns
        -------
        tuple of Segment
            Without gaps from the beginning of the recording to its end. The border of two segments is half-way between
            the middles of the windows at both sides.
        """
        borders = [0.0, *((self.times[:-1] + self.times[1:]) / 2).tolist(), self.duration]
        segments, smoothed = [], self.smoothed
        for emotion, run in groupby(enumerate(self.leading), key=lambda pair: pair[1]):
            windows = [i for i, _ in run]
            start, stop = borders[windows[0]], borders[windows[-1] + 1]
            confidence = float(smoothed[windows, self.emotions.index(emotion)].mean()) if emotion else 0.0
            segments.append(Segment(start, stop, emotion, confidence))
        return tuple(segments)

    def as_text(self, width: int = 80) -> str:
        """Draw the timeline for a terminal.

        Parameters
        ----------
        width : int, default=80
            Columns of the terminal, at least 32.

        Returns
        -------
        str
            One line for each emotion that ever leads, strongest first, with its highest probability; smoothed, blank
            where there is no speech. Below them the loudness down to 40 dB under the loudest window, and the time.

        Raises
        ------
        ValueError
            If the width is less than 32.
        """
        if width < 32:
            raise ValueError("a timeline needs at least 32 columns")
        n_columns = width - _LABEL_WIDTH - _PERCENT_WIDTH
        leading = set(self.leading)
        led = [i for i, emotion in enumerate(self.emotions) if emotion in leading]
        lines, smoothed = [], self.smoothed
        for i in sorted(led, key=lambda i: -float(smoothed[self.is_speech, i].sum())):
            values = smoothed[:, i]
            curve = sparkline(values, width=n_columns, low=0, high=1, shown=self.is_speech)
            highest = float(values[self.is_speech].max())
            lines.append(f"{self.emotions[i].value:<{_LABEL_WIDTH}}{curve}{highest:>{_PERCENT_WIDTH}.0%}")
        curve = sparkline(self.loudness_db, width=n_columns, low=_DRAWN_DB, high=0)
        lines.append(f"{'loudness':<{_LABEL_WIDTH}}{curve}")
        end = clock(self.duration)
        lines.append(f"{'':<{_LABEL_WIDTH}}{clock(0):<{n_columns - len(end)}}{end}")
        return "\n".join(lines)

    def to_dict(self) -> dict[str, object]:
        """Return the timeline as JSON can hold it; what is unknown without speech is None."""
        points = []
        for i, speech in enumerate(self.is_speech.tolist()):
            shares = dict(zip((e.value for e in self.emotions), self.probabilities[i].tolist(), strict=True))
            points.append(
                {
                    "time": float(self.times[i]),
                    "duration": float(self.durations[i]),
                    "is_speech": speech,
                    "loudness_db": float(self.loudness_db[i]),
                    "probabilities": shares if speech else None,
                    "valence": float(self.valence[i]) if speech else None,
                    "arousal": float(self.arousal[i]) if speech else None,
                }
            )
        return {
            "duration": self.duration,
            "emotions": [emotion.value for emotion in self.emotions],
            "windows": points,
            "segments": [segment.to_dict() for segment in self.segments()],
        }


def timeline(
    y: Signal,
    sr: int,
    predict: Callable[[Sequence[Signal]], Table],
    emotions: Sequence[Emotion],
    has_speech: Callable[[Signal], bool],
    *,
    seconds: float = WINDOW_SECONDS,
    hop: float = HOP_SECONDS,
    batch: int = 16,
) -> Timeline:
    """Listen to a note window by window.

    Parameters
    ----------
    y : ndarray of float32, shape=(n_samples,)
        Mono signal as it came: not trimmed, so that times are those of the recording.
    sr : int
        Sampling rate in Hz.
    predict : callable
        Takes a list of conditioned signals, each float32 of shape (n_samples,), and returns their probabilities,
        float64 of shape (n_signals, n_emotions).
    emotions : sequence of Emotion
        Columns of what `predict` returns.
    has_speech : callable
        Tells whether there is a voice in a conditioned signal.
    seconds : float, default=3.0
        Length of a window.
    hop : float, default=1.0
        Seconds from one window to the next.
    batch : int, default=16
        Windows that are predicted together; no more than these are in memory besides `y`.

    Returns
    -------
    Timeline

    Raises
    ------
    AudioTooShortError
        If the note is a single window with too little sound.
    NoSpeechError
        If there is no voice in any window.
    ValueError
        If a length or count is not positive, or `predict` returns another shape.
    """
    if batch < 1:
        raise ValueError("batch must be positive")
    windows = plan_windows(len(y), sr, seconds=seconds, hop=hop)
    loudness_db = _loudness_db(y, windows)
    probabilities = np.full((len(windows), len(emotions)), 1 / len(emotions))
    is_speech = np.zeros(len(windows), dtype=bool)
    candidates = [i for i, level in enumerate(loudness_db) if level >= _BACKGROUND_DB]
    spoken = ((i, signal) for i, signal in _conditioned(y, sr, windows, candidates) if has_speech(signal))
    for indices, signals in _batches(spoken, batch):
        predicted = np.asarray(predict(signals), dtype=np.float64)
        if predicted.shape != (len(signals), len(emotions)):
            raise ValueError("predict must return a row a signal and a column an emotion")
        probabilities[indices] = predicted
        is_speech[indices] = True
    if not is_speech.any():
        raise NoSpeechError if is_silent(y) else NoSpeechError(NoSpeechError.OTHER_SOUNDS)
    valence, arousal = np.array([(emotion.valence, emotion.arousal) for emotion in emotions]).T
    edges = np.array(windows) / sr
    return Timeline(
        times=edges.mean(axis=1),
        durations=edges[:, 1] - edges[:, 0],
        probabilities=probabilities,
        valence=np.where(is_speech, probabilities @ valence, 0),
        arousal=np.where(is_speech, probabilities @ arousal, 0),
        loudness_db=loudness_db,
        emotions=tuple(emotions),
        is_speech=is_speech,
    )


def clock(seconds: float) -> str:
    """Write a time as minutes and seconds.

    Examples
    --------
    >>> clock(83.6)
    '1:24'
    """
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}"


def _loudness_db(y: Signal, windows: list[tuple[int, int]]) -> Table:
    levels = np.array([float(np.std(y[start:stop], dtype=np.float64)) for start, stop in windows])  # without the offset
    floor = 10 ** (FLOOR_DB / 20)
    return np.asarray(20 * np.log10(np.maximum(levels / max(levels.max(), np.finfo(float).tiny), floor)))


def _conditioned(
    y: Signal, sr: int, windows: list[tuple[int, int]], candidates: Iterable[int]
) -> Iterator[tuple[int, Signal]]:
    """Condition windows one after the other, leaving out those with too little sound."""
    for i in candidates:
        start, stop = windows[i]
        try:
            yield i, condition(y[start:stop], sr)
        except (AudioTooShortError, NoSpeechError):
            if len(windows) == 1:
                raise


def _batches(items: Iterator[tuple[int, Signal]], size: int) -> Iterator[tuple[list[int], list[Signal]]]:
    while chunk := list(islice(items, size)):
        yield [i for i, _ in chunk], [signal for _, signal in chunk]
