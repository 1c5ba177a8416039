"""Readers of speech corpora: which recording, who speaks, which emotion, under which licence.

Four corpora are read by how their files are named; a table in its folder describes any other, see
`emotify_core.manifest`.
"""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Final, Literal

from emotify_core.emotions import Emotion
from emotify_core.errors import CorpusError
from emotify_core.manifest import MANIFEST, read_manifest
from emotify_core.utterance import Gender, Intensity, Utterance

__all__ = ["CORPORA", "Corpus", "Utterance", "read_corpus", "read_emodb", "read_emospeech", "read_nemo", "read_ravdess"]

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
_NEMO_EMOTIONS: Final = {
    "anger": Emotion.ANGRY,
    "fear": Emotion.FEARFUL,
    "happiness": Emotion.HAPPY,
    "neutral": Emotion.NEUTRAL,
    "sadness": Emotion.SAD,
    "surprised": Emotion.SURPRISED,
}
_EMODB_EMOTIONS: Final = {  # the initials of the German words; L, boredom, is none of ours
    "W": Emotion.ANGRY,
    "E": Emotion.DISGUST,
    "A": Emotion.FEARFUL,
    "F": Emotion.HAPPY,
    "T": Emotion.SAD,
    "N": Emotion.NEUTRAL,
}
# The speakers as the database's documentation lists them (emodb.bilderbar.info).
_EMODB_MEN: Final = frozenset({"03", "10", "11", "12", "15"})
_EMODB_WOMEN: Final = frozenset({"08", "09", "13", "14", "16"})
_RECORDINGS: Final = (".wav", ".flac", ".ogg", ".opus", ".m4a", ".mp3")  # of two files of one name the first counts
_RAVDESS_KINDS: Final[Mapping[str, Literal["speech", "song"]]] = {"01": "speech", "02": "song"}
_GENDERS: Final[Mapping[str, Gender]] = {"female": "female", "male": "male"}
_RAVDESS_INTENSITIES: Final[Mapping[str, Intensity]] = {"01": "normal", "02": "strong"}


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


def read_corpus(name: str, root: Path, *, tell: Callable[[str], object] = lambda _: None) -> tuple[Utterance, ...]:
    """List the utterances of a corpus, sorted by speaker and file name.

    Parameters
    ----------
    name : str
        A key of `CORPORA`, or any other of letters, digits, ``-``, ``_`` and ``.`` if there is a manifest.
    root : Path
        Folder of the download, or of the manifest.
    tell : callable, optional
        Gets a sentence about what is left out of a manifest.

    Raises
    ------
    CorpusError
        If the folder is missing or holds no utterance of that corpus, or the name is unknown and there is no manifest,
        or something is wrong in it.
    """
    if not re.fullmatch(r"[\w.-]+", name):
        raise CorpusError(f"The name of a corpus is made of letters, digits, - _ and . only: {name!r}")
    if not root.is_dir():
        raise CorpusError(f"The folder of the corpus {name} is missing: {root}")
    if name not in CORPORA:
        if not (root / MANIFEST).is_file():
            raise CorpusError(
                f"There is no reader for a corpus {name!r}; there is one for: {', '.join(CORPORA)}. Any other needs a "
                f"table {MANIFEST} in its folder: {root}"
            )
        return read_manifest(name, root, tell=tell)
    utterances = CORPORA[name].read(root)
    if not utterances:
        raise CorpusError(f"There is no recording under {root} of {CORPORA[name].title}")
    return utterances


def read_ravdess(root: Path) -> tuple[Utterance, ...]:
    """List the utterances of RAVDESS.

    The original download (WAV, ``Audio_Speech_Actors_01-24/Actor_NN``) and any re-encoding or other folders that keep
    the file names are read. A recording that lies there twice, as in a well-known copy of the data set, counts once:
    otherwise it could stand on both sides of a random split.
    """
    return _read(root, _parse_ravdess)


def read_nemo(root: Path) -> tuple[Utterance, ...]:
    """List the utterances of nEMO, whose files are named like ``WR0_surprised_64``: speaker, emotion, sentence.

    Where the corpus's table ``data.tsv`` lies in the folder or beside it, it tells the speakers' genders.
    """
    genders = _read_nemo_genders(root)
    return tuple(replace(u, gender=genders.get(u.speaker)) for u in _read(root, _parse_nemo))


def read_emodb(root: Path) -> tuple[Utterance, ...]:
    """List the utterances of EMO-DB, whose files are named like ``03a01Fa``: speaker, text, emotion, version."""
    return _read(root, _parse_emodb)


def read_emospeech(root: Path) -> tuple[Utterance, ...]:
    """List the utterances of EmoSpeech, whose files are named like ``9dd2014c-calm-go-1563256807101``."""
    return _read(root, _parse_emospeech)


def _read(root: Path, parse: Callable[[Path], Utterance | None]) -> tuple[Utterance, ...]:
    """List the recordings under a folder whose names a parser understands, each name once.

    What macOS leaves beside a recording on other systems' disks, ``._`` and its name, holds no sound.
    """
    found: dict[str, Utterance] = {}
    for path in sorted(_recordings(root), key=lambda path: (_RECORDINGS.index(path.suffix.lower()), path)):
        if (utterance := parse(path)) is not None and path.is_file():
            found.setdefault(path.stem, utterance)
    return tuple(sorted(found.values(), key=lambda u: (u.speaker, u.path.stem)))


def _recordings(root: Path) -> Iterator[Path]:
    """List what is named like a recording under a folder, also behind links to folders, each of which counts once."""
    seen: set[str] = set()
    for folder, below, names in os.walk(root, followlinks=True):
        if (real := os.path.realpath(folder)) in seen:
            below.clear()
            continue
        seen.add(real)
        below.sort()
        paths = (Path(folder, name) for name in names if not name.startswith("."))
        yield from (path for path in paths if path.suffix.lower() in _RECORDINGS)


def _read_nemo_genders(root: Path) -> dict[str, Gender]:
    """Read gender by speaker from nEMO's table; nothing where it is missing or is another table."""
    genders: dict[str, Gender] = {}
    for path in (root.parent / "data.tsv", root / "data.tsv"):
        if path.is_file():
            with path.open(encoding="utf-8-sig", errors="replace", newline="") as file, suppress(csv.Error):
                for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE):
                    # The table pads its names with blanks.
                    gender = _GENDERS.get((row.get("gender") or "").strip())
                    if gender is not None:
                        genders[(row.get("speaker_id") or "").strip()] = gender
    return genders


def _parse_ravdess(path: Path) -> Utterance | None:
    """Read a name such as ``03-01-06-01-02-01-12``: audio, speech, fearful, normal, sentence 2, take 1, actor 12.

    Actors of odd number are men, those of even number are women.
    """
    parts = path.stem.split("-")
    if len(parts) != 7 or parts[0] != "03" or not all(len(part) == 2 for part in parts):
        return None
    kind, emotion, actor = _RAVDESS_KINDS.get(parts[1]), _RAVDESS_EMOTIONS.get(parts[2]), parts[6]
    if kind is None or emotion is None or not actor.isdigit():
        return None
    return Utterance(
        path=path,
        corpus="ravdess",
        speaker=actor,
        label=emotion,
        kind=kind,
        gender="male" if int(actor) % 2 else "female",
        intensity=_RAVDESS_INTENSITIES.get(parts[3]),
        sentence=f"{parts[4]}-{parts[5]}",
    )


def _parse_nemo(path: Path) -> Utterance | None:
    parts = path.stem.split("_")
    emotion = _NEMO_EMOTIONS.get(parts[1]) if len(parts) == 3 else None
    if emotion is None:
        return None
    return Utterance(path=path, corpus="nemo", speaker=parts[0], label=emotion, sentence=parts[2])


def _parse_emodb(path: Path) -> Utterance | None:
    name = path.stem
    emotion = _EMODB_EMOTIONS.get(name[5]) if len(name) == 7 and name[:2].isdigit() else None
    if emotion is None:
        return None
    speaker = name[:2]
    gender: Gender | None = "male" if speaker in _EMODB_MEN else "female" if speaker in _EMODB_WOMEN else None
    return Utterance(path=path, corpus="emodb", speaker=speaker, label=emotion, gender=gender, sentence=name[2:5])


def _parse_emospeech(path: Path) -> Utterance | None:
    parts = path.stem.split("-")
    if len(parts) != 4 or parts[1] not in set(Emotion):
        return None
    return Utterance(path=path, corpus="emospeech", speaker=parts[0], label=Emotion(parts[1]), sentence=parts[2])


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
        ),
        "nemo": Corpus(
            name="nemo",
            title="nEMO, emotional speech in Polish",
            licence="CC BY-NC-SA 4.0",
            citation="Christop I (2024). nEMO: Dataset of Emotional Speech in Polish. LREC-COLING.",
            url="https://github.com/amu-cai/nEMO",
            read=read_nemo,
        ),
        "emodb": Corpus(
            name="emodb",
            title="EMO-DB, the Berlin database of emotional speech, in German",
            licence="CC0 1.0",
            citation=(
                "Burkhardt F, Paeschke A, Rolfes M, Sendlmeier W, Weiss B (2005). A database of German "
                "emotional speech. Interspeech."
            ),
            url="https://audeering.github.io/datasets/datasets/emodb.html",
            read=read_emodb,
        ),
        "emospeech": Corpus(
            name="emospeech",
            title="Indian EmoSpeech Command Dataset, one-word commands on consumer phones",
            licence="CC BY-NC-SA 4.0",
            citation="Banga S et al. (2019). Indian EmoSpeech Command Dataset. arXiv:1910.13801.",
            url="https://arxiv.org/abs/1910.13801",
            read=read_emospeech,
        ),
    }
)
