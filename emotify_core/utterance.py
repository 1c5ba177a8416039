"""A labelled recording of a corpus."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from pathlib import Path
from typing import Literal

from emotify_core.emotions import Emotion

Gender = Literal["female", "male"]
Intensity = Literal["normal", "strong"]


@dataclass(frozen=True)
class Utterance:
    """One labelled recording of a corpus.

    Attributes
    ----------
    path : Path
        Where the recording lies.
    corpus, speaker : str
        Name of the corpus, and of the speaker within it.
    label : Emotion
        What the speaker was asked to express.
    kind : {"speech", "song"}
        Song is only ever trained on, never tested on.
    gender : {"female", "male"}, optional
        Of the speaker, as the corpus states it; None where it does not.
    intensity : {"normal", "strong"}, optional
        How strongly the emotion was to be expressed.
    sentence : str, optional
        The corpus's own code of what was said, so that recordings of the same words can be compared; RAVDESS's holds
        statement and repetition.
    licence : str, optional
        As a manifest states it; that of a corpus with a reader of its own stands in `emotify_core.corpora.CORPORA`.
    in_folders : bool
        Whether files of one name in two folders are two recordings, as in a manifest, rather than two copies of one.
    """

    path: Path
    corpus: str
    speaker: str
    label: Emotion
    kind: Literal["speech", "song"] = "speech"
    _: KW_ONLY
    gender: Gender | None = None
    intensity: Intensity | None = None
    sentence: str | None = None
    licence: str | None = None
    in_folders: bool = False

    @property
    def name(self) -> str:
        """What tells the recording from all others of its corpus: the name of its file, with its folders if need be."""
        return str(self.path.with_suffix("")) if self.in_folders else self.path.stem
