from __future__ import annotations

import dataclasses
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

import responses
from emotify_core.emotions import Emotion
from emotify_core.prediction import Prediction
from responses import Band, Reply, UnknownLanguageError, compose, confidence_band
from responses.catalogue import Template, load_catalogue
from responses.replies import SECOND_FROM, _choose
from tests.responses.predictions import predict_that

moods = st.builds(
    lambda emotion, band, second: predict_that(emotion, band, second=second if second is not emotion else None),
    st.sampled_from(Emotion),
    st.sampled_from(Band),
    st.none() | st.sampled_from(Emotion),
)


def _fitting(prediction: Prediction) -> set[str]:
    """List the templates that fit a prediction, straight from the catalogue."""
    catalogue, second = load_catalogue("en"), prediction.second_emotion
    named = second in catalogue.second_words and prediction.probabilities[second] >= SECOND_FROM if second else False
    pool = catalogue.pools[prediction.emotion, confidence_band(prediction.confidence)]
    return {template.id for template in pool if named or not template.needs_second}


def test_the_public_names_are_these() -> None:
    assert set(responses.__all__) == {
        *("Band", "Reply", "compose", "confidence_band", "languages"),
        *("ResponsesError", "TemplateError", "UnknownLanguageError"),
    }


@pytest.mark.parametrize("emotion", Emotion)
@pytest.mark.parametrize("band", Band)
def test_the_reply_comes_from_the_pool_of_emotion_and_band(emotion: Emotion, band: Band) -> None:
    reply = compose(predict_that(emotion, band))
    assert reply.band is band
    assert reply.template.startswith(f"en/{emotion}/{band}/")
    assert reply.text in {t.text for t in load_catalogue("en").pools[emotion, band]}


def test_a_reply_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        compose(predict_that(Emotion.SAD)).text = "You sound sad!"  # type: ignore[misc]


def test_an_unknown_language_is_an_error_not_english() -> None:
    with pytest.raises(UnknownLanguageError):
        compose(predict_that(Emotion.SAD), language="xx")


@given(
    st.lists(moods, min_size=1, max_size=3).flatmap(lambda few: st.lists(st.sampled_from(few), max_size=80)),
    st.integers(),
)
def test_nothing_comes_again_before_everything_else_that_fits(notes: list[Prediction], seed: int) -> None:
    used: list[str] = []
    for prediction in notes:
        reply = compose(prediction, seed=seed, used=used)
        if reply.template in used:
            since = used[len(used) - used[::-1].index(reply.template) :]
            assert _fitting(prediction) - {reply.template} <= set(since)
        used.append(reply.template)
    assert all(one != other for one, other in itertools.pairwise(used))


@given(
    moods,
    st.integers(),
    st.lists(st.text(max_size=20) | st.sampled_from(["en/sad/high/1", "en/calm/low/2"]), max_size=20),
)
def test_the_same_arguments_give_the_same_reply(prediction: Prediction, seed: int, used: list[str]) -> None:
    assert compose(prediction, seed=seed, used=used) == compose(prediction, seed=seed, used=tuple(used))


@given(moods, st.lists(st.text(max_size=20), max_size=20))
def test_unknown_ids_in_the_history_change_nothing(prediction: Prediction, unknown: list[str]) -> None:
    first = compose(prediction)
    known = [first.template]
    assert compose(prediction, used=unknown) == first
    assert compose(prediction, used=[*unknown, *known, *unknown]) == compose(prediction, used=known)


def test_a_history_that_was_cut_short_never_brings_the_last_reply_again() -> None:
    prediction = predict_that(Emotion.SAD)
    used: list[str] = []
    for _ in range(40):
        reply = compose(prediction, used=used[-3:])
        assert reply.template not in used[-3:]
        used.append(reply.template)


def test_seeds_give_people_different_orders() -> None:
    assert len({compose(predict_that(Emotion.HAPPY), seed=seed).template for seed in range(100)}) == len(
        load_catalogue("en").pools[Emotion.HAPPY, Band.HIGH]
    )


def test_the_order_of_the_file_does_not_matter() -> None:
    pool = [Template(f"en/sad/high/{key}", "Text.") for key in range(10)]
    for seed in range(20):
        assert _choose(pool, seed=seed, used=()) == _choose(pool[::-1], seed=seed, used=())


def _second_replies(prediction: Prediction) -> list[Reply]:
    """Compose every reply that fits, and keep those that name a second emotion."""
    gaps = {t.id for pool in load_catalogue("en").pools.values() for t in pool if t.needs_second}
    return [reply for seed in range(100) if (reply := compose(prediction, seed=seed)).template in gaps]


@pytest.mark.parametrize("second", [e for e in Emotion if e not in {Emotion.SAD, Emotion.NEUTRAL}])
def test_a_second_emotion_is_named(second: Emotion) -> None:
    replies = _second_replies(predict_that(Emotion.SAD, Band.MEDIUM, second=second))
    assert replies
    assert all(load_catalogue("en").second_words[second] in reply.text for reply in replies)


def test_a_second_emotion_that_is_improbable_is_not_named() -> None:
    below = predict_that(Emotion.SAD, Band.MEDIUM, second=Emotion.ANGRY, second_probability=SECOND_FROM - 0.01)
    assert _second_replies(below) == []


def test_a_second_emotion_that_is_just_probable_enough_is_named() -> None:
    prediction = predict_that(Emotion.SAD, Band.MEDIUM, second=Emotion.ANGRY, second_probability=SECOND_FROM)
    assert _second_replies(prediction) != []


def test_neutral_is_never_named_second() -> None:
    assert _second_replies(predict_that(Emotion.SAD, Band.MEDIUM, second=Emotion.NEUTRAL)) == []


def test_a_model_that_knows_one_emotion_gets_a_reply_too() -> None:
    reply = compose(Prediction({Emotion.CALM: 1.0}, duration=1.0, model="test"))
    assert reply.template.startswith("en/calm/high/")
