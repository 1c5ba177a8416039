"""The reader of any corpus: a table in its folder says which recording, who speaks, which emotion."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final, TypeVar

from emotify_core.emotions import Emotion
from emotify_core.errors import CorpusError
from emotify_core.utterance import Gender, Intensity, Utterance

MANIFEST: Final = "emotify.csv"
_NEEDED: Final = ("file", "emotion", "speaker")  # columns
_READ: Final = (*_NEEDED, "gender", "intensity", "sentence", "licence")
_N_LISTED: Final = 10  # emotions that are not known
_EMOTIONS: Final[Mapping[str, Emotion]] = {
    **{emotion.value: emotion for emotion in Emotion},
    "anger": Emotion.ANGRY,
    "fear": Emotion.FEARFUL,
    "happiness": Emotion.HAPPY,
    "joy": Emotion.HAPPY,
    "sadness": Emotion.SAD,
    "surprise": Emotion.SURPRISED,
}
_GENDERS: Final[Mapping[str, Gender]] = {"female": "female", "male": "male"}
_INTENSITIES: Final[Mapping[str, Intensity]] = {"normal": "normal", "strong": "strong"}
Choice = TypeVar("Choice")


def read_manifest(name: str, root: Path, *, tell: Callable[[str], object] = lambda _: None) -> tuple[Utterance, ...]:
    """List the utterances of any corpus, which a table in its folder describes.

    ``emotify.csv`` is text in UTF-8. Its first line names the columns, in any order, separated by commas or semicolons,
    as the lines after it are: ``file`` (its path from the folder), ``emotion`` (one of the eight, or its noun, such as
    *anger*), ``speaker``, and if they are known ``gender`` (*female* or *male*), ``intensity`` (*normal* or *strong*),
    ``sentence`` and ``licence``. Other columns are passed over. Lines with other emotions are left out, and told.

    Parameters
    ----------
    name : str
        What the corpus is to be called.
    root : Path
        Folder of the table.
    tell : callable, optional
        Gets a sentence about the lines that are left out.

    Raises
    ------
    CorpusError
        If something is wrong in the table, or no line has one of the emotions.
    """
    path = root / MANIFEST
    found: dict[Path, Utterance] = {}  # by where the file lies, however that is spelled
    others = Counter[str]()
    for where, row in _lines(path):
        recording = root / row["file"]
        if not recording.is_file():
            raise CorpusError(f"{where}: there is no file {recording}")
        if (file := recording.resolve()) in found:
            raise CorpusError(f"{where}: the file {row['file']} stands in a line before, too")
        if (label := _EMOTIONS.get(row["emotion"].lower())) is None:
            others[row["emotion"]] += 1
            continue
        found[file] = Utterance(
            path=recording,
            corpus=name,
            speaker=row["speaker"],
            label=label,
            gender=_choice(row, "gender", _GENDERS, where),
            intensity=_choice(row, "intensity", _INTENSITIES, where),
            sentence=row.get("sentence") or None,
            licence=row.get("licence") or None,
            in_folders=True,
        )
    if others:
        tell(f"Lines of {path} left out, as their emotion is none of {', '.join(Emotion)}: {_listed(others)}")
    if not found:
        raise CorpusError(f"No line of {path} has one of these emotions: {', '.join(Emotion)}")
    return tuple(sorted(found.values(), key=lambda u: (u.speaker, u.name)))


def _lines(path: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """Read the lines of a manifest: where each stands, for a sentence about it, and its cells by column."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            separator = max(",;", key=file.readline().count)
            file.seek(0)
            reader = csv.reader(file, delimiter=separator, skipinitialspace=True, strict=True)
            columns = [column.strip().lower() for column in next(reader, [])]
            if lacking := [column for column in _NEEDED if column not in columns]:
                raise CorpusError(
                    f"{path}: the first line must name the columns file, emotion and speaker, separated by commas or "
                    f"semicolons; it lacks: {', '.join(lacking)}"
                )
            if twice := [column for column in columns if column in _READ and columns.count(column) > 1]:
                raise CorpusError(f"{path}: the first line names the column {twice[0]} twice")
            for line in reader:
                where, cells = f"{path}, line {reader.line_num}", [cell.strip() for cell in line]
                if not any(cells):  # spreadsheets write empty lines as separators alone
                    continue
                if len(cells) > len(columns):
                    raise CorpusError(f"{where}: there are more cells than columns; is one to stand in quotes?")
                row = dict(zip(columns, cells, strict=False))
                if empty := [column for column in _NEEDED if not row.get(column)]:
                    raise CorpusError(f"{where}: nothing stands in the column {empty[0]}")
                yield where, row
    except UnicodeDecodeError as error:
        raise CorpusError(f"{path} is not text in UTF-8") from error
    except csv.Error as error:
        raise CorpusError(f"{path}, line {reader.line_num}: {error}") from error


def _listed(emotions: Counter[str]) -> str:
    """Name the most frequent emotions that are left out."""
    more = f" and {len(emotions) - _N_LISTED} more" if len(emotions) > _N_LISTED else ""
    return ", ".join(f"{emotion} ({n})" for emotion, n in emotions.most_common(_N_LISTED)) + more


def _choice(row: Mapping[str, str], column: str, choices: Mapping[str, Choice], where: str) -> Choice | None:
    """Return what stands in a column that few words may stand in; None where nothing does."""
    word = row.get(column) or ""
    if word and word.lower() not in choices:
        raise CorpusError(f"{where}: {column} must be {' or '.join(choices)}, or empty: {word!r}")
    return choices.get(word.lower())
