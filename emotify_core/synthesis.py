"""Speech-like sounds made from nothing: for demonstrations, warm-up and tests, where no recording of a person fits.

A source of glottal pulses and noise goes through moving formants, as in Klatt (1980), "Software for a cascade/parallel
formant synthesizer", J. Acoust. Soc. Am. 67(3). The syllables mean nothing.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import soxr
from numpy.typing import NDArray

_SR: Final = 16000  # of the synthesis
_STEP: Final = 80  # samples from one point of the tracks to the next: 5 ms
_RATE: Final = _SR / _STEP  # points a second

# F1 to F3 of men in Hz: Peterson & Barney (1952), "Control methods used in a study of the vowels", table II.
_VOWELS: Final = (
    (270, 2290, 3010),
    (530, 1840, 2480),
    (660, 1720, 2410),
    (730, 1090, 2440),
    (570, 840, 2410),
    (300, 870, 2240),
    (640, 1190, 2390),
)
_NASAL: Final = (250, 1100, 2300)
_HIGHER: Final = (3500, 4500, 5500, 6500)  # F4 to F7: they hardly move
_BANDWIDTHS: Final = np.array([60.0, 90.0, 120.0, 180.0, 250.0, 300.0, 350.0])
_HISS: Final = np.array([5000.0, 1500.0])  # centre and width of the noise of fricatives in Hz

_Consonant = Literal["stop", "fricative", "nasal"]
_CONSONANTS: Final[tuple[_Consonant, ...]] = ("stop", "fricative", "nasal")
_Track = NDArray[np.float64]


@dataclass(frozen=True)
class _Syllable:
    start: float
    stop: float
    consonant: _Consonant
    vowel: tuple[int, int, int]
    semitones: float  # above the speaker's mean

    @property
    def vowel_start(self) -> float:
        return self.start + 0.3 * (self.stop - self.start)


@dataclass(frozen=True)
class _Tracks:
    """What the voice does over time, a point every 5 ms."""

    f0: _Track
    voicing: _Track
    friction: _Track
    formants: _Track  # shape (n_points, 7)


def synthesize_voice(
    duration: float = 3.0,
    *,
    sr: int = 16000,
    f0: float = 140.0,
    pitch_range: float = 4.0,
    tempo: float = 4.5,
    loudness: float = 0.05,
    seed: int = 0,
) -> NDArray[np.float32]:
    """Synthesise something like speech: syllables in phrases, with intonation, consonants and pauses.

    Parameters
    ----------
    duration : float, default=3.0
        Seconds.
    sr : int, default=16000
        Sampling rate in Hz.
    f0 : float, default=140.0
        Mean pitch of the voice in Hz; higher voices get a shorter vocal tract.
    pitch_range : float, default=4.0
        Semitones that the intonation moves up and down; 0 is monotonous.
    tempo : float, default=4.5
        Syllables a second.
    loudness : float, default=0.05
        Root mean square; loud voices are also brighter.
    seed : int, default=0
        The same arguments and seed give the same sound.

    Returns
    -------
    ndarray of float32, shape=(round(duration * sr),)
        Mono signal within full scale.

    Raises
    ------
    ValueError
        If a parameter other than `pitch_range` and `seed` is not positive.

    Examples
    --------
    >>> sad = synthesize_voice(2.0, f0=110, pitch_range=1, tempo=2.5, loudness=0.02)
    >>> sad.shape
    (32000,)
    """
    if not (duration > 0 and sr > 0 and f0 > 0 and tempo > 0 and loudness > 0):
        raise ValueError("duration, sr, f0, tempo and loudness must be positive")
    rng = np.random.default_rng(seed)
    tracks = _tracks(_syllables(duration, tempo, pitch_range, rng), duration, f0, rng)
    y = _voice(tracks, loudness, rng)
    y = soxr.resample(y, _SR, sr) if sr != _SR else y
    y = y[: round(duration * sr)]
    fade = round(0.03 * sr)
    y[-fade:] *= np.linspace(1, 0, len(y[-fade:]))
    y *= loudness / max(float(np.sqrt(np.mean(np.square(y)))), 1e-9)
    return (y / max(1.0, float(np.abs(y).max()) / 0.99)).astype(np.float32)


def demonstration_note(*, duration: float = 4.0, seed: int = 7) -> bytes:
    """Make a voice message as Discord's clients record it: Ogg Opus, 48 kHz mono, about 32 kbit/s.

    Parameters
    ----------
    duration : float, default=4.0
        Seconds of voice; half a second of near-silence comes before and after it.
    seed : int, default=7
        The same arguments and seed give the same bytes.

    Returns
    -------
    bytes
        An Ogg file.
    """
    voice = synthesize_voice(duration, sr=48000, f0=190.0, pitch_range=6.0, tempo=5.0, loudness=0.08, seed=seed)
    noise = np.random.default_rng(seed).standard_normal(len(voice) + 48000).astype(np.float32)
    note = np.pad(voice, 24000) + np.float32(2e-4) * noise
    return _encode_opus(note, 48000)


def _syllables(duration: float, tempo: float, pitch_range: float, rng: np.random.Generator) -> list[_Syllable]:
    """Plan phrases of syllables, with pauses between them."""
    syllables: list[_Syllable] = []
    start = min(0.05, duration / 4)
    while start < duration:
        n = int(rng.integers(4, 8))
        for i in range(n):
            lengthening = 1.4 if i == n - 1 else 1.0  # at the end of a phrase
            stop = start + lengthening * rng.uniform(0.75, 1.25) / tempo
            accent = rng.uniform(0.5, 1.0) if rng.random() < 0.4 else 0.0
            semitones = pitch_range * (0.4 - 0.9 * i / n + accent)  # falling through the phrase
            vowel = _VOWELS[rng.integers(len(_VOWELS))]
            syllables.append(_Syllable(start, stop, _CONSONANTS[rng.integers(3)], vowel, semitones))
            start = stop
        start += rng.uniform(0.15, 0.4)
    return [syllable for syllable in syllables if syllable.vowel_start < duration - 0.1] or syllables[:1]


def _tracks(syllables: list[_Syllable], duration: float, f0: float, rng: np.random.Generator) -> _Tracks:
    """Let the plan become movements."""
    t = np.arange(int(duration * _RATE) + 2) / _RATE
    voicing, friction = np.zeros(len(t)), np.zeros(len(t))
    formants = np.tile(np.array(_VOWELS[-1], float), (len(t), 1))
    for syllable in syllables:
        is_vowel = (t >= syllable.vowel_start) & (t < syllable.stop)
        voicing[is_vowel] = _vowel_level(t[is_vowel], syllable)
        formants[is_vowel] = syllable.vowel
        is_consonant = (t >= syllable.start) & (t < syllable.vowel_start)
        match syllable.consonant:
            case "nasal":
                voicing[is_consonant] = 0.4
                formants[is_consonant] = _NASAL
            case "fricative":
                friction[is_consonant] = 0.25
            case "stop":  # silence, then a burst
                friction[is_consonant & (t >= syllable.vowel_start - 0.015)] = 0.4
    voicing = np.maximum(voicing, 0) * (1 + 0.04 * rng.standard_normal(len(t)))  # shimmer
    formants = np.column_stack([_smooth(formants, 9), np.tile(_HIGHER, (len(t), 1))])
    tract = np.clip(f0 / 130, 0.7, 2.5) ** 0.25  # women's formants are some 15 % higher, at nearly twice the pitch
    return _Tracks(_pitch(syllables, t, f0, rng), _smooth(voicing, 7), _smooth(friction, 3), formants * tract)


def _vowel_level(t: _Track, syllable: _Syllable) -> _Track:
    """Rise quickly, fall slowly; accented syllables are louder."""
    progress = (t - syllable.vowel_start) / (syllable.stop - syllable.vowel_start)
    return (1 + 0.05 * syllable.semitones) * (1 - 0.6 * progress**2)


def _pitch(syllables: list[_Syllable], t: _Track, f0: float, rng: np.random.Generator) -> _Track:
    """Return the fundamental frequency in Hz: one target a syllable, jitter of 0.7 % on top."""
    middles = [(syllable.vowel_start + syllable.stop) / 2 for syllable in syllables]
    semitones = np.interp(t, middles, [syllable.semitones for syllable in syllables])
    return f0 * 2 ** (_smooth(semitones, 15) / 12) * (1 + 0.007 * rng.standard_normal(len(t)))


def _smooth(track: _Track, n: int) -> _Track:
    """Average over `n` (odd) points in time."""
    padded = np.pad(track, [(n // 2, n // 2), *[(0, 0)] * (track.ndim - 1)], mode="edge")
    return np.asarray(np.lib.stride_tricks.sliding_window_view(padded, n, axis=0).mean(axis=-1))


def _voice(tracks: _Tracks, loudness: float, rng: np.random.Generator) -> _Track:
    """Send pulses and noise through the formants."""
    points = np.arange((len(tracks.f0) - 1) * _STEP) / _STEP
    sources = (tracks.f0, tracks.voicing, tracks.friction)
    f0, voicing, friction = (np.interp(points, np.arange(len(track)), track) for track in sources)
    noise = rng.standard_normal(len(points))
    effort = float(np.clip(np.log2(loudness / 0.05) / 6 + 0.5, 0, 1))
    pulses = _glottal_pulses(f0, effort)
    breath = 0.005 * noise * (pulses > 0)
    hiss = np.fft.irfft(np.fft.rfft(noise) * _response(_HISS[:1], _HISS[1:], len(noise)), len(noise))
    voiced = _through_formants(voicing * (pulses + breath), tracks.formants, 600 * 10**effort)
    return voiced + 0.04 * friction * hiss + 2e-4 * noise


def _glottal_pulses(f0: _Track, effort: float) -> _Track:
    """Return the derivative of the glottal flow, after Rosenberg (1971), J. Acoust. Soc. Am. 49(2), shape C.

    With effort, the glottis is open for a smaller part of the period and closes faster.
    """
    phase = np.cumsum(f0 / _SR) % 1
    opening, closing = 0.45, 0.35 - 0.25 * effort
    rise = 0.5 * (1 - np.cos(np.pi * np.minimum(phase / opening, 1)))
    fall = np.cos(np.pi / 2 * np.clip((phase - opening) / closing, 0, 1))
    pulses = np.diff(rise * fall, prepend=0.0)
    return 0.1 * pulses / max(float(pulses.std()), 1e-9)


def _through_formants(source: _Track, formants: _Track, cutoff: float) -> _Track:
    """Filter by a cascade of moving resonators: overlapping frames of 20 ms, so that nothing clicks where they move.

    Beyond `cutoff` in Hz, the voice is 6 dB an octave softer.
    """
    hop, width, n_fft = 2 * _STEP, 4 * _STEP, 1024  # the frames ring for less than 40 ms
    window = np.hanning(width + 1)[:-1]
    tilt = 1 / np.hypot(1, np.fft.rfftfreq(n_fft, 1 / _SR) / cutoff)
    padded = np.pad(source, (hop, n_fft))
    y = np.zeros(len(padded))
    for start in range(0, len(source) + hop, hop):
        response = tilt * _response(formants[min(start // _STEP, len(formants) - 1)], _BANDWIDTHS, n_fft)
        y[start : start + n_fft] += np.fft.irfft(np.fft.rfft(padded[start : start + width] * window, n_fft) * response)
    return y[hop : hop + len(source)]


def _response(frequencies: _Track, bandwidths: _Track, n_fft: int) -> NDArray[np.complex128]:
    """Return the frequency response of resonators in cascade, with a gain of 1 at 0 Hz."""
    delay = np.exp(-2j * np.pi * np.arange(n_fft // 2 + 1) / n_fft)
    radius = np.exp(-np.pi * bandwidths / _SR)
    b1, b2 = 2 * radius * np.cos(2 * np.pi * frequencies / _SR), -(radius**2)
    poles = np.outer(-b2, delay**2) - np.outer(b1, delay) + 1
    return np.asarray(np.prod(1 - b1 - b2) / np.prod(poles, axis=0))


def _encode_opus(y: NDArray[np.float32], sr: int) -> bytes:
    """Encode a mono signal as Ogg Opus, the same bytes each time."""
    import av  # noqa: PLC0415 (a quarter of a second that only this function needs)

    file = io.BytesIO()
    with av.open(file, "w", format="ogg", options={"fflags": "bitexact", "serial_offset": "1"}) as container:
        stream = container.add_stream("libopus", rate=sr, options={"application": "voip"})
        stream.layout = "mono"
        stream.bit_rate = 32000
        frame = av.AudioFrame.from_ndarray(y[np.newaxis], format="flt", layout="mono")
        frame.sample_rate = sr
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            container.mux(packet)
    return file.getvalue()
