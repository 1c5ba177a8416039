"""How the English replies speak: checklists of words.

They catch slips; they do not replace reading the replies aloud.
"""

from __future__ import annotations

import itertools
import re

import pytest

from emotify_core.emotions import Emotion
from responses import Band
from responses.catalogue import load_catalogue

EMOTION_WORDS = {
    Emotion.NEUTRAL: (r"neutral|even(ly)?(?! if)|level|matter-of-fact|steady|balanced|ordinary|everyday|flat|unmoved"),
    Emotion.CALM: (
        r"calm(ly)?|peace(ful)?|(at|some) ease|settled|relaxed|unhurried|serene|content|gentle|comfortable|quiet"
        r"|soft|sooth\w+|tranquil"
    ),
    Emotion.HAPPY: (
        r"happy|happ(ily|iness)|glad|joy(ful)?|smil\w+|laugh\w*|cheer\w*|bright\w*|delight\w*|bounce|light"
        r"|good mood|something good|went well|good moment|excite\w*|pleased|elated|upbeat|fun"
    ),
    Emotion.SAD: (
        r"sad\w*|sorrow\w*|(?<!pin )down|low|heavy|weigh\w*|hurt\w*|tears?|cry\w*|grie\w+|lonely|(?<!the )blue"
        r"|miserabl\w+|unhappy|gloom\w*"
    ),
    Emotion.ANGRY: (
        r"ang(er|r)\w*|annoy\w+|irritat\w+|frustrat\w+|fur(y|ious\w*)|mad|cross|heat(ed)?|fed up|edge|rage|upset"
        r"|had enough|resent\w*"
    ),
    Emotion.FEARFUL: (
        r"fear\w*|afraid|scar(e|ed|es|y)|worr\w+|nerv\w+|anxi\w+|uneas\w+|fright\w+|alarm\w*|trembl\w+|shak[iy]\w*"
        r"|dread\w*|terrif\w+|tense"
    ),
    Emotion.DISGUST: (
        r"disgust\w*|distaste|put (you )?off|ugh|aversion|revulsion|repel\w+|unpleasant|nasty|stomach"
        r"|wrinkled nose|no thanks|sit well|shudder|arm's length|gross|revolt\w+"
    ),
    Emotion.SURPRISED: (
        r"surpris\w*|off guard|astonish\w*|amaz\w+|startl\w+|(un)?expected|out of the blue|wait, what"
        r"|see (that|something) coming|'oh'|shock\w*|stunn\w+|sudden\w*"
    ),
}
HEDGES = (
    r"(you|it|that|this|what|so it|from the) sound(s|ed)?|sound(s|ed)? to me|I hear|I'm hearing"
    r"|I'd (guess|say|call|lean|reach)|I (just )?think|I (might|may)|perhaps|maybe|might|could|may have|as if"
    r"|if (I|I'm|I've|I'd|that|it)|seems?|c[ao]mes? (across|over)|my (guess|word|impression)|to (me|my ear)"
    r"|as far as|unless|something like|comes to mind|from (the|your) tone|by the sound|going by"
    r"|can't (decide|choose|tell)|torn between|fairly sure"
)
UNSURE = (
    r"(not|isn't|wasn't) (sure|certain|clear)|unsure|unclear|undecided|hard (to say|for me)"
    r"|no (clear|good|reading)|guess(ing)?"
    r"|(can't|couldn't|can) (quite )?(tell|say|put|read|place|make|pin|decide|choose|hear|work)|wrong"
    r"|(don't|didn't) (quite )?(know|have|hear|think|agree|trust|want|recognise|catch|get)|to be sure"
    r"|wrong one|more than I can|open question|two minds|past me|a handle|making it up|didn't, at least"
    r"|wasn't enough|doesn't give it|changing my mind|shot in the dark"
)
INVITATIONS = (
    r"tell me|I'd like to know|let me know|say|go ahead|please do|you (can|name|did)|hear from you|if you"
    r"|set me straight|yours|your (d\w+|word)"
)
ADVICE = (
    r"you (really )?(should|must|ought|need to|have to|could|might want|had better)"
    r"|(?<!won't )try(ing)? (to|and)|why not|why don't you|make sure|remember to|have you (tried|considered)"
    r"|breath\w*|calm down|cheer up|relax|get some|reach out|talk to someone|seek\w*|don't (worry|be)"
    r"|take care|let it (out|go)|stay (calm|strong|positive)|look on|at least you|hang in|it'll be|it will"
    r"|take your time|recommend|suggest\w*|advice|help line"
)
DIAGNOSES = (
    r"depress\w*|disorder|anxi\w+|symptoms?|diagnos\w+|therap\w+|trauma\w*|clinical\w*|mental\w*|panic\w*"
    r"|stress\w*|burn-?out|burnt out|suicid\w*|bipolar|manic|neurotic|unstable|patient|health\w*|hysteri\w+"
    r"|crisis"
)
ASSERTIONS = (
    r"(?<!how )you (feel|felt|are)|you're (?!welcome|still|willing)\w+"
    r"|your (own )?(anger|sadness|fear|joy|disgust|surprise)|clearly you|obviously"
)
CLICHES = (
    r"sorry|here for you|it's (ok|okay|all right|alright) to|valid\w*|hold(ing)? space|sit(ting)? with"
    r"|that must|must be|I understand|I know how|been there|how does that make|feelings?|hugs?|journey"
    r"|not alone|safe space|brave|be strong|proud|unpack\w*|process\w*|I hear you"
    r"|carry on|how much"
)
HUMAN_CLAIMS = (
    r"as a (human|person|friend)|I (feel|felt|care|love|cry|remember)|I'd love|my (heart|life|own experience)"
    r"|love you"
)
WORDS_UNDERSTOOD = r"what you said|you (said|mentioned|talked|told)|your words|you were saying|your story|understood"
GENDERS = (
    r"he|she|his|hers?|him|man|men|woman|women|guys?|girls?|boys?|dude|bro|sis|sir|madam|ma'am|king|queen|lady"
    r"|ladies|mate"
)


def _texts(*bands: Band, emotion: Emotion | None = None) -> list[str]:
    """List the templates of the bands (all if none is named) and the emotion (all if none is named)."""
    pools = load_catalogue("en").pools
    return [
        template.text
        for (of, band), pool in pools.items()
        for template in pool
        if (not bands or band in bands) and emotion in {None, of}
    ]


def _has(pattern: str, text: str) -> bool:
    """Say whether a text has one of the words."""
    return re.search(rf"(?<!\w)(?:{pattern})(?!\w)", text, re.IGNORECASE) is not None


@pytest.mark.parametrize("named", Emotion)
def test_the_lowest_band_names_no_emotion(named: Emotion) -> None:
    assert [text for text in _texts(Band.LOW) if _has(EMOTION_WORDS[named], text)] == []


def test_the_lowest_band_says_that_it_is_not_sure() -> None:
    assert [text for text in _texts(Band.LOW) if not _has(UNSURE, text)] == []


def test_the_lowest_band_invites_the_person_to_tell() -> None:
    assert [text for text in _texts(Band.LOW) if "?" not in text and not _has(INVITATIONS, text)] == []


@pytest.mark.parametrize("emotion", Emotion)
def test_the_upper_bands_let_the_person_see_what_was_heard(emotion: Emotion) -> None:
    texts = _texts(Band.MEDIUM, Band.HIGH, emotion=emotion)
    assert [text for text in texts if not _has(EMOTION_WORDS[emotion], text)] == []


@pytest.mark.parametrize(("emotion", "other"), list(itertools.permutations(Emotion, 2)))
def test_the_highest_band_names_no_other_emotion(emotion: Emotion, other: Emotion) -> None:
    assert [text for text in _texts(Band.HIGH, emotion=emotion) if _has(EMOTION_WORDS[other], text)] == []


def test_the_upper_bands_are_tentative() -> None:
    assert [text for text in _texts(Band.MEDIUM, Band.HIGH) if not _has(HEDGES, text)] == []


@pytest.mark.parametrize(
    "forbidden",
    [ADVICE, DIAGNOSES, ASSERTIONS, CLICHES, HUMAN_CLAIMS, WORDS_UNDERSTOOD, GENDERS],
    ids=["advice", "diagnoses", "assertions", "cliches", "human claims", "words understood", "genders"],
)
def test_no_reply_has_phrases_that_are_out_of_place(forbidden: str) -> None:
    assert [text for text in _texts() if _has(forbidden, text)] == []


@pytest.mark.parametrize("emotion", Emotion)
@pytest.mark.parametrize("band", Band)
def test_no_two_replies_of_a_pool_start_with_the_same_four_words(emotion: Emotion, band: Band) -> None:
    starts = [tuple(re.findall(r"[\w']+", text.lower())[:4]) for text in _texts(band, emotion=emotion)]
    assert len(set(starts)) == len(starts)


def test_no_two_replies_are_nearly_the_same() -> None:
    words = {text: set(re.findall(r"[\w']+", text.lower())) for text in _texts()}
    alike = [
        (one, other)
        for one, other in itertools.combinations(words, 2)
        if len(words[one] & words[other]) > 0.6 * len(words[one] | words[other])
    ]
    assert alike == []


def test_replies_have_one_or_two_sentences() -> None:
    assert [text for text in _texts() if not 1 <= len(re.findall(r"[.?!](?=\s|$)", text)) <= 2] == []


def test_no_closing_question_is_worn_out() -> None:
    closings = [re.split(r"(?<=[.?:;])\s", text)[-1] for text in _texts()]
    assert [closing for closing in set(closings) if closings.count(closing) > 5] == []
