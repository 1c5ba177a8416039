"""Readers of speech corpora: which recording, who speaks, which emotion, under which licence."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final, Literal

from emotify_core.emotions import Emotion
from emotify_core.errors import CorpusError

_RAVDESS_EMOTIONS: Final = {
    "01": Emotion.NEUTRAL,
    "02": Emotion.CALM,
    "03": Emotion.HAPPY,
    "04": Emotion.SAD,
    "05": Emotion.ANGRY,
    "06": Emotion.FEARFUL,
    "07": Emotion.DISGUST,
    "08": Emotion.SURPRISED,
}
_RAVDESS_KINDS: Final[Mapping[str, Literal["speech", "song"]]] = {"01": "speech", "02": "song"}


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
    """

    path: Path
    corpus: str
    speaker: str
    label: Emotion
    kind: Literal["speech", "song"] = "speech"


@dataclass(frozen=True)
class Corpus:
    """A corpus that can be read.

    Attributes
    ----------
    name, title, licence, citation, url : str
        For the command line and the model card.
    read : callable
        Folder -> utterances; see `read_corpus`.
    """

    name: str
    title: str
    licence: str
    citation: str
    url: str
    read: Callable[[Path], tuple[Utterance, ...]]


def read_corpus(name: str, root: Path) -> tuple[Utterance, ...]:
    """List the utterances of a corpus, sorted by speaker and file name.

    Parameters
    ----------
    name : str
        A key of `CORPORA`.
    root : Path
        Folder of the download.

    Raises
    ------
    CorpusError
        If the name is unknown, or the folder is missing or holds no utterance of that corpus.
    """
    if name not in CORPORA:
        raise CorpusError(f"There is no reader for a corpus {name!r}; there is one for: {', '.join(CORPORA)}.")
    if not root.is_dir():
        raise CorpusError(f"The folder of the corpus {name} is missing: {root}")
    utterances = CORPORA[name].read(root)
    if not utterances:
        raise CorpusError(f"No recording of {CORPORA[name].title} was found under {root}")
    return utterances


def read_ravdess(root: Path) -> tuple[Utterance, ...]:
    """List the utterances of RAVDESS.

    The original download (WAV, ``Audio_Speech_Actors_01-24/Actor_NN``) and any re-encoding or other folders that keep
    the file names are read. A recording that lies there twice, as in a well-known copy of the data set, counts once:
    otherwise it could stand on both sides of a random split.
    """
    found: dict[str, Utterance] = {}
    for path in sorted(root.rglob("03-0[12]-*")):
        utterance = _parse_ravdess(path)
        if utterance is not None and path.is_file():
            found.setdefault(path.stem, utterance)
    return tuple(sorted(found.values(), key=lambda u: (u.speaker, u.path.stem)))


def _parse_ravdess(path: Path) -> Utterance | None:
    """Read a name such as ``03-01-06-01-02-01-12``: audio, speech, fearful, normal, sentence 2, take 1, actor 12."""
    parts = path.stem.split("-")
    if len(parts) != 7 or path.suffix.lower() not in {".wav", ".flac"} or not all(len(part) == 2 for part in parts):
        return None
    kind, emotion, actor = _RAVDESS_KINDS.get(parts[1]), _RAVDESS_EMOTIONS.get(parts[2]), parts[6]
    if kind is None or emotion is None or not actor.isdigit():
        return None
    return Utterance(path=path, corpus="ravdess", speaker=actor, label=emotion, kind=kind)


CORPORA: Final[Mapping[str, Corpus]] = MappingProxyType(
    {
        "ravdess": Corpus(
            name="ravdess",
            title="RAVDESS, the Ryerson Audio-Visual Database of Emotional Speech and Song",
            licence="CC BY-NC-SA 4.0",
            citation=(
                "Livingstone SR, Russo FA (2018). The Ryerson Audio-Visual Database of Emotional Speech and Song "
                "(RAVDESS): A dynamic, multimodal set of facial and vocal expressions in North American English. "
                "PLoS ONE 13(5): e0196391."
            ),
            url="https://zenodo.org/records/1188976",
            read=read_ravdess,
        )
    }
)
