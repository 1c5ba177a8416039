from __future__ import annotations

import json
import tracemalloc
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from emotify_core.emotions import Emotion
from emotify_core.errors import AudioTooShortError, NoSpeechError
from emotify_core.synthesis import synthesize_voice
from emotify_core.timeline import FLOOR_DB, Segment, Timeline, clock, timeline

SR = 16000
EMOTIONS = (Emotion.CALM, Emotion.SAD, Emotion.ANGRY)
Signal = NDArray[np.float32]
Table = NDArray[np.float64]

HIGH = synthesize_voice(6.0, f0=320, loudness=0.1, seed=1)
LOW = synthesize_voice(6.0, f0=90, loudness=0.1, seed=2)
PAUSE = np.zeros(6 * SR, dtype=np.float32)


def by_pitch(signals: Sequence[Signal]) -> Table:
    """Call high voices angry and low ones sad, by the strongest frequency under 500 Hz."""
    rows = []
    for y in signals:
        spectrum = np.abs(np.fft.rfft(y))[: int(500 * len(y) / SR)]
        strongest = float(np.argmax(spectrum)) * SR / len(y)
        rows.append([0.1, 0.2, 0.7] if strongest > 200 else [0.1, 0.8, 0.1])
    return np.array(rows)


def everything(y: Signal) -> bool:
    return True


def made(leaders: Sequence[Emotion | None], *, duration: float = 1.0) -> Timeline:
    """Make a timeline of windows a second apart in which the given emotions lead, or there is no speech."""
    n = len(leaders)
    probabilities = np.full((n, 3), 1 / 3)
    for i, leader in enumerate(leaders):
        if leader is not None:
            probabilities[i] = 0.1
            probabilities[i, EMOTIONS.index(leader)] = 0.8
    return Timeline(
        times=duration / 2 + np.arange(n, dtype=np.float64),
        durations=np.full(n, duration),
        probabilities=probabilities,
        valence=np.zeros(n),
        arousal=np.zeros(n),
        loudness_db=np.linspace(-40, 0, n),
        emotions=EMOTIONS,
        is_speech=np.array([leader is not None for leader in leaders]),
    )


leaders = st.lists(st.sampled_from([None, *EMOTIONS]), min_size=1, max_size=60)


def test_a_change_of_voice_is_found_where_it_is() -> None:
    note = np.concatenate([HIGH, LOW])

    heard = timeline(note, SR, by_pitch, EMOTIONS, everything)

    first, last = heard.segments()
    assert (first.emotion, last.emotion) == (Emotion.ANGRY, Emotion.SAD)
    assert first.stop == last.start == pytest.approx(6, abs=1.6)
    assert (first.start, last.stop) == (0, 12)


def test_times_are_those_of_the_recording_though_its_ends_are_silent() -> None:
    note = np.concatenate([PAUSE, HIGH, PAUSE])

    heard = timeline(note, SR, by_pitch, EMOTIONS, everything)

    before, voice, after = heard.segments()
    assert (before.emotion, voice.emotion, after.emotion) == (None, Emotion.ANGRY, None)
    assert voice.start == pytest.approx(6, abs=2)
    assert voice.stop == pytest.approx(12, abs=2)
    assert heard.duration == 18


def test_windows_are_described_by_their_middle_and_length() -> None:
    heard = timeline(HIGH, SR, by_pitch, EMOTIONS, everything, seconds=2.0, hop=1.5)

    assert heard.times.tolist() == [1, 2.5, 4, 5]
    assert heard.durations.tolist() == [2, 2, 2, 2]


def test_a_note_shorter_than_a_window_is_one_point() -> None:
    heard = timeline(HIGH[:SR], SR, by_pitch, EMOTIONS, everything)

    assert (heard.times.tolist(), heard.durations.tolist(), heard.leading) == ([0.5], [1.0], (Emotion.ANGRY,))


def test_windows_without_speech_are_flagged_and_say_nothing() -> None:
    note = np.concatenate([HIGH, PAUSE, LOW])

    heard = timeline(note, SR, by_pitch, EMOTIONS, everything)

    silent = ~heard.is_speech
    assert silent[7:9].all()
    assert np.allclose(heard.probabilities[silent], 1 / 3)
    assert not heard.valence[silent].any()
    assert not heard.arousal[silent].any()
    assert (heard.loudness_db[7:9] == FLOOR_DB).all()


def test_windows_in_which_no_voice_is_heard_are_never_predicted() -> None:
    note = np.concatenate([HIGH, LOW])
    predicted: list[Signal] = []

    def predict(signals: Sequence[Signal]) -> Table:
        predicted.extend(signals)
        return by_pitch(signals)

    heard = timeline(note, SR, predict, EMOTIONS, lambda y: by_pitch([y])[0, 1] > 0.5)

    assert len(predicted) == heard.is_speech.sum() > 0
    assert set(heard.leading) == {None, Emotion.SAD}


def test_what_is_far_softer_than_the_voice_is_background() -> None:
    note = np.concatenate([HIGH, np.float32(0.003) * LOW])

    heard = timeline(note, SR, by_pitch, EMOTIONS, everything)

    assert set(heard.leading) == {None, Emotion.ANGRY}


def test_a_click_in_a_pause_is_no_speech() -> None:
    clicked = PAUSE.copy()
    clicked[3 * SR : 3 * SR + 100] = 0.9
    note = np.concatenate([HIGH, clicked])

    heard = timeline(note, SR, by_pitch, EMOTIONS, everything)

    assert heard.loudness_db[-2] > -40
    assert not heard.is_speech[-2:].any()


def test_valence_and_arousal_are_expected_values() -> None:
    heard = timeline(LOW, SR, by_pitch, EMOTIONS, everything)

    expected = [sum(p * e.valence for p, e in zip(row, EMOTIONS, strict=True)) for row in heard.probabilities]
    activation = [sum(p * e.arousal for p, e in zip(row, EMOTIONS, strict=True)) for row in heard.probabilities]
    np.testing.assert_allclose(heard.valence, expected)
    np.testing.assert_allclose(heard.arousal, activation)


@pytest.mark.parametrize("offset", [0.0, 0.2])
def test_loudness_is_relative_to_the_loudest_window_whatever_the_volume_and_offset(offset: float) -> None:
    note = np.concatenate([HIGH, np.float32(0.1) * HIGH])

    softer = np.float32(0.1) * note + np.float32(offset)
    heard = timeline(softer, SR, by_pitch, EMOTIONS, everything, seconds=6.0, hop=6.0)

    assert heard.loudness_db.tolist() == pytest.approx([0, -20], abs=0.01)


def test_windows_are_predicted_in_batches_in_their_order() -> None:
    sizes: list[int] = []

    def predict(signals: Sequence[Signal]) -> Table:
        sizes.append(len(signals))
        return by_pitch(signals)

    note = np.concatenate([HIGH, LOW])
    heard = timeline(note, SR, predict, EMOTIONS, everything, batch=4)

    assert sizes == [4, 4, 2]
    whole = timeline(note, SR, by_pitch, EMOTIONS, everything, batch=100)
    np.testing.assert_array_equal(heard.probabilities, whole.probabilities)


def test_a_note_of_twenty_minutes_needs_little_more_memory_than_a_batch() -> None:
    note = np.tile(HIGH, 200)

    def predict(signals: Sequence[Signal]) -> Table:
        return np.tile([0.2, 0.5, 0.3], (len(signals), 1))

    tracemalloc.start()
    try:
        heard = timeline(note, SR, predict, EMOTIONS, everything, hop=3.0)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert len(heard.times) == 400
    assert peak < note.nbytes / 4


def test_a_note_without_a_voice_is_refused() -> None:
    with pytest.raises(NoSpeechError):
        timeline(HIGH, SR, by_pitch, EMOTIONS, lambda y: False)
    with pytest.raises(NoSpeechError, match="silent"):
        timeline(PAUSE, SR, by_pitch, EMOTIONS, everything)
    with pytest.raises(NoSpeechError, match="silent"):
        timeline(PAUSE[:SR], SR, by_pitch, EMOTIONS, everything)


def test_a_note_that_is_too_short_is_refused() -> None:
    with pytest.raises(AudioTooShortError):
        timeline(HIGH[: SR // 10], SR, by_pitch, EMOTIONS, everything)


def test_wrong_arguments_are_refused() -> None:
    with pytest.raises(ValueError, match="batch"):
        timeline(HIGH, SR, by_pitch, EMOTIONS, everything, batch=0)
    with pytest.raises(ValueError, match="predict must return"):
        timeline(HIGH, SR, by_pitch, EMOTIONS[:2], everything)
    with pytest.raises(ValueError, match="window"):
        timeline(HIGH, SR, by_pitch, EMOTIONS, everything, hop=0)


@given(leaders)
def test_segments_follow_each_other_from_beginning_to_end(heads: list[Emotion | None]) -> None:
    line = made(heads)
    segments = line.segments()

    assert (segments[0].start, segments[-1].stop) == (0, line.duration)
    assert all(a.stop == b.start and a.emotion != b.emotion for a, b in pairwise(segments))
    assert all(segment.start < segment.stop for segment in segments)


def test_one_mistaken_window_among_those_that_overlap_it_does_not_break_a_segment() -> None:
    heads = [Emotion.CALM] * 5 + [Emotion.ANGRY] + [Emotion.CALM] * 5

    assert len(made(heads, duration=3.0).segments()) == 1
    assert len(made(heads, duration=2.0).segments()) == 3  # windows that only touch a moment do not hold it


def test_smoothing_averages_the_windows_with_speech_that_hold_a_moment() -> None:
    line = made([Emotion.CALM, Emotion.ANGRY, None, Emotion.SAD], duration=3.0)

    np.testing.assert_allclose(
        line.smoothed, [[0.45, 0.1, 0.45], [0.45, 0.1, 0.45], [1 / 3, 1 / 3, 1 / 3], [0.1, 0.8, 0.1]]
    )


@given(leaders, st.sampled_from([1.0, 3.0, 6.0]))
def test_smoothed_probabilities_are_distributions(heads: list[Emotion | None], duration: float) -> None:
    smoothed = made(heads, duration=duration).smoothed

    assert (smoothed >= 0).all()
    np.testing.assert_allclose(smoothed.sum(axis=1), 1)


def test_segments_read_as_times_and_emotions() -> None:
    line = made([Emotion.CALM] * 11 + [Emotion.SAD] * 18 + [None] * 3)

    assert [str(segment) for segment in line.segments()] == ["0:00-0:11 calm", "0:11-0:29 sad", "0:29-0:32 no speech"]
    assert [segment.confidence for segment in line.segments()] == pytest.approx([0.8, 0.8, 0])


@given(leaders, st.integers(32, 120))
def test_text_has_a_line_for_each_emotion_that_led_and_fits(heads: list[Emotion | None], width: int) -> None:
    *curves, loudness, axis = made(heads).as_text(width).splitlines()

    assert {line.split()[0] for line in curves} == {head.value for head in heads if head}
    assert loudness.startswith("loudness")
    assert axis.split() == ["0:00", clock(len(heads))]
    assert all(len(line) <= width for line in [*curves, loudness, axis])


def test_text_draws_the_strongest_emotion_first_and_pauses_blank() -> None:
    text = made([Emotion.SAD] * 6 + [None] * 6 + [Emotion.ANGRY] * 12).as_text(39)

    assert text.splitlines() == [
        "angry     ▁▁▁▁▁▁      ▇▇▇▇▇▇▇▇▇▇▇▇  80%",
        "sad       ▇▇▇▇▇▇      ▁▁▁▁▁▁▁▁▁▁▁▁  80%",
        "loudness  ▁▁▁▂▂▂▃▃▃▄▄▄▅▅▅▆▆▆▇▇▇███",
        "          0:00                0:24",
    ]


def test_text_needs_some_room() -> None:
    with pytest.raises(ValueError, match="32 columns"):
        made([Emotion.SAD]).as_text(31)


@given(leaders)
def test_to_dict_is_json_and_leaves_unknown_what_was_not_heard(heads: list[Emotion | None]) -> None:
    line = made(heads)

    facts = json.loads(json.dumps(line.to_dict(), allow_nan=False))

    assert facts["duration"] == line.duration
    assert facts["emotions"] == ["calm", "sad", "angry"]
    assert [window["time"] for window in facts["windows"]] == line.times.tolist()
    for window, head in zip(facts["windows"], heads, strict=True):
        shares = window["probabilities"]
        assert window["is_speech"] == (head is not None)
        assert max(shares, key=shares.get) == head if head else shares is window["valence"] is window["arousal"] is None
    assert [s["emotion"] for s in facts["segments"]] == [s.emotion for s in line.segments()]


def test_segments_are_ready_for_json() -> None:
    assert Segment(0, 2.5, Emotion.SAD, 0.75).to_dict() == {
        "start": 0,
        "stop": 2.5,
        "emotion": "sad",
        "confidence": 0.75,
    }


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"times": np.zeros(3)}, "one value a window"),
        ({"is_speech": np.ones((2, 1), dtype=bool)}, "one value a window"),
        ({"emotions": EMOTIONS[:2]}, "column an emotion"),
        ({"emotions": (), "probabilities": np.zeros((2, 0))}, "column an emotion"),
        ({"valence": np.array([0, np.nan])}, "finite"),
        ({"probabilities": np.full((2, 3), np.nan)}, "finite"),
        ({"probabilities": np.full((2, 3), 0.5)}, "sum to 1"),
        ({"probabilities": np.tile([1.5, -0.5, 0.0], (2, 1))}, "not be negative"),
    ],
)
def test_what_is_no_timeline_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(made([Emotion.SAD, None]), **changes)


def test_a_timeline_without_windows_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one window"):
        made([])
