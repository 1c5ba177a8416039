"""Every sentence that a user may read and that is not a reply template."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from bot.records import Origin
from bot.troubles import Trouble
from emotify_core.wording import counted

_SORRY: Final[Mapping[Trouble, str]] = MappingProxyType(
    {
        Trouble.COOLDOWN: "One at a time, please: give me a few seconds before the next voice note.",
        Trouble.TOO_SHORT: "There was too little sound in that for me; a second or two of speech is enough.",
        Trouble.UNDECODABLE: "I couldn't read that as audio, maybe it is broken; an intact OGG, MP3, WAV or M4A works.",
        Trouble.NO_SPEECH: "I couldn't hear a voice in that one; maybe the microphone was muted or far away.",
        Trouble.TOO_SLOW: "That recording took me too long to read; a shorter one should work.",
        Trouble.BUSY: "A lot of voice notes are coming in just now; please send yours again in a minute.",
        Trouble.UNREACHABLE: "I couldn't download that recording; please send it again.",
        Trouble.FAILED: "Something went wrong on my side while I was listening; please try again in a little while.",
    }
)

NOTICE: Final = (
    "This is the first time that I hear your voice, so you know: I am a machine guessing from how it sounds, and I am "
    "often wrong. I don't keep your audio. I do keep when and where you sent a note, the emotion I guessed and your "
    "reactions, under a pseudonym, and more of your voice only with your yes. /privacy shows and changes what is kept, "
    "/forget-me deletes it."
)
"""Told once to each person, with the first guess."""
NOTICE_TRY: Final = (
    "This is the first time that I hear your voice, so you know: I am a machine guessing from how it sounds, and I am "
    "often wrong. I don't keep your audio. I do keep when a recording came, the emotion I guessed, your feedback, and, "
    "to learn from recordings of yours, numbers that describe how your voice sounds, encrypted: all of it under a "
    "pseudonym, on this machine. "
    "python -m bot try --forget, with your name as --user if you gave one, deletes it."
)
"""The same on a terminal."""

ALREADY_HEARD: Final = "I have already listened to that voice note."
OPTED_OUT: Final = "You asked me not to listen to your voice notes; you can change that with /privacy."
WITHDRAWN: Final = "That voice note was deleted, so I let it be."

NO_SUCH_FILE: Final = "There is no such file."
UNREADABLE_FILE: Final = "I may not read that file, or it cannot be opened."
NO_REGULAR_FILE: Final = "That is a folder or a device, and not a file with a voice note in it."

LISTENING_ON: Final = "I'll listen to your voice notes again. /privacy shows what is kept about you."
LISTENING_OFF: Final = (
    "I won't listen to your voice notes any more. What was kept so far stays until you use /forget-me."
)

LEARNING_QUESTION: Final = (
    "May I learn from your voice notes, so that I get better at hearing you and others? With your yes I keep numbers "
    "that describe how each note sounds, and how your voice usually does, encrypted and under a pseudonym; never the "
    "audio, never your words. "
    "/privacy changes your answer at any time: the numbers are then deleted at once, and the next model that I make at "
    "night is made without them."
)
LEARNING_ON: Final = "Thank you: I'll learn from your voice notes. /privacy shows and changes that at any time."
LEARNING_OFF: Final = (
    "All right: I don't learn from your voice notes, and keep no numbers of how they sound. If I had kept any, they "
    "are deleted, and the next model that I make at night is made without them. /privacy changes that at any time."
)
LEARNING_SWITCHED_OFF: Final = "My operator has switched learning off, so nothing is learned from anybody's notes."


def sorry(trouble: Trouble, *, max_seconds: float, max_bytes: int) -> str:
    """Say in one friendly sentence why a note gets no guess.

    Parameters
    ----------
    trouble : Trouble
        What went wrong.
    max_seconds, max_bytes : float, int
        The limits, for the sentences that name them.
    """
    if trouble is Trouble.TOO_LONG:
        return f"That recording is too long for me: I can listen to {spell_duration(max_seconds)} at most."
    if trouble is Trouble.TOO_LARGE:
        return f"That file is too large for me: I can take {spell_size(max_bytes)} at most."
    return _SORRY[trouble]


def notice(origin: Origin) -> str:
    """Return the first-use notice of a front end."""
    return NOTICE_TRY if origin == "try" else NOTICE


def spell_duration(seconds: float) -> str:
    """Write seconds as people say them.

    Examples
    --------
    >>> spell_duration(1200), spell_duration(60), spell_duration(90), spell_duration(2.5)
    ('20 minutes', '1 minute', '90 seconds', '2.5 seconds')
    """
    n, unit = (seconds / 60, "minute") if seconds >= 60 and seconds % 60 == 0 else (seconds, "second")
    return f"{n:g} {unit}" if n == 1 else f"{n:g} {unit}s"


def spell_size(n_bytes: int) -> str:
    """Write a number of bytes as people say it.

    Examples
    --------
    >>> spell_size(26214400), spell_size(1536)
    ('25 MiB', '1.5 KiB')
    """
    return f"{n_bytes / 2**20:.3g} MiB" if n_bytes >= 2**20 else f"{n_bytes / 2**10:.3g} KiB"


def privacy_summary(export: Mapping[str, Any], *, listening: bool, learning: bool | None) -> str:
    """Sum up what is kept about a person, as `/privacy` shows it.

    Parameters
    ----------
    export : Mapping[str, Any]
        What `Store.export` returns.
    listening : bool
        Whether the person lets the bot listen.
    learning : bool or None
        Whether the person lets the bot learn from their notes; None where the operator has switched that off.
    """
    notes = export["notes"]
    n_guesses = sum(note["prediction"] is not None for note in notes)
    n_verdicts = sum(note["verdict"] is not None for note in notes)
    n_damaged = export["n_damaged"]
    lost = f" {counted(n_damaged, 'more guess', 'more guesses')} of mine cannot be read any more." if n_damaged else ""
    who = "I listen to your voice notes." if listening else "I do not listen to your voice notes, as you asked."
    return (
        f"{who}\n"
        f"Kept about you, under a pseudonym: {counted(len(notes), 'voice note')} (when and where, never the audio), "
        f"{counted(n_guesses, 'guess', 'guesses')} of mine, {counted(n_verdicts, 'verdict')} of yours.{lost}\n"
        f"{_about_learning(export, learning=learning)}\n"
        "/forget-me deletes all of it at once."
    )


def _about_learning(export: Mapping[str, Any], *, learning: bool | None) -> str:
    """Say what is learned from a person, and what is kept for it."""
    kept = _vectors_kept(export)
    if learning is None:
        told = "Nothing is learned from your voice: my operator has switched that off."
        return f"{told} Still kept from before: {kept}." if kept else told
    if learning:
        told = "I learn from your voice notes, as you allowed."
        return f"{told} Kept for that, encrypted: {kept}." if kept else f"{told} No numbers of them are kept yet."
    if export["consents"].get("learning"):
        return "I do not learn from your voice notes, as you asked, and keep no numbers of how they sound."
    return "Nothing is learned from your voice without your yes, and no numbers of how it sounds are kept."


def _vectors_kept(export: Mapping[str, Any]) -> str:
    """Name the vectors and the baseline that are kept of a person; nothing if there are none."""
    n_vectors = sum(note["vector_kept"] for note in export["notes"])
    vectors = [f"numbers that describe the sound of {counted(n_vectors, 'note')}"] if n_vectors else []
    baseline = export["baseline"]
    means = [f"how your voice usually sounds, from {counted(baseline['n_notes'], 'note')}"] if baseline else []
    return " and ".join(vectors + means)


def forgotten(n_notes: int, *, had_opted_out: bool, origin: Origin = "discord") -> str:
    """Confirm that everything about a person is deleted."""
    note = "recording" if origin == "try" else "voice note"  # any file may be tried, also one with no voice in it
    what = "it" if n_notes == 1 else "them"
    told = f"Done: everything about you is deleted, {counted(n_notes, note)} with all that belonged to {what}."
    if n_notes == 0:
        told = f"Done: there was no {note} of yours, and nothing about you is kept now."
    if had_opted_out:
        told += " That includes your wish that I don't listen: if you want to keep it, say so again with /privacy."
    return told
