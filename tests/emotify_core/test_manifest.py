from __future__ import annotations

from pathlib import Path

import pytest

from emotify_core.corpora import Utterance, read_corpus
from emotify_core.emotions import Emotion
from emotify_core.errors import CorpusError
from emotify_core.leaks import find_leaks
from emotify_core.manifest import MANIFEST
from emotify_core.splits import leave_one_speaker_out

HEAD = "file,emotion,speaker\n"


def write_manifest(root: Path, text: str | bytes, *files: str) -> Path:
    for name in files:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (root / MANIFEST).write_bytes(text if isinstance(text, bytes) else text.encode())
    return root


class TestRead:
    def test_a_line_says_who_speaks_which_emotion_and_what_else_is_known(self, tmp_path: Path) -> None:
        text = (
            "Speaker,file,emotion,age,gender,intensity,sentence,licence\n"
            'anna,"a, b/1.wav",Sad,31,female,strong,kids,CC BY 4.0\n'
            "\n"
            " ben , 2.mp3,anger,,,,,\n"
        )
        root = write_manifest(tmp_path, b"\xef\xbb\xbf" + text.encode(), "a, b/1.wav", "2.mp3")

        first, second = read_corpus("mine", root)

        assert first == Utterance(
            root / "a, b" / "1.wav",
            "mine",
            "anna",
            Emotion.SAD,
            gender="female",
            intensity="strong",
            sentence="kids",
            licence="CC BY 4.0",
            in_folders=True,
        )
        assert second == Utterance(root / "2.mp3", "mine", "ben", Emotion.ANGRY, in_folders=True)

    @pytest.mark.parametrize(
        "text",
        [
            b"\xef\xbb\xbffile;emotion;speaker;;\r\n1, 2.wav;sad;a;;\r\n;;;;\r\n",
            b'file, emotion, speaker\n"1, 2.wav", "sad", "a"\n  \n',
        ],
        ids=["a spreadsheet where the comma is the decimal sign", "blanks after the commas"],
    )
    def test_what_other_programs_write_is_read(self, tmp_path: Path, text: bytes) -> None:
        root = write_manifest(tmp_path, text, "1, 2.wav")

        assert read_corpus("mine", root) == (Utterance(root / "1, 2.wav", "mine", "a", Emotion.SAD, in_folders=True),)

    @pytest.mark.parametrize("emotion", Emotion)
    def test_all_eight_emotions_are_known(self, tmp_path: Path, emotion: Emotion) -> None:
        root = write_manifest(tmp_path, f"{HEAD}1.wav,{emotion},a\n", "1.wav")

        assert [u.label for u in read_corpus("mine", root)] == [emotion]

    def test_lines_with_other_emotions_are_left_out_and_told(self, tmp_path: Path) -> None:
        lines = "1.wav,boredom,a\n2.wav,happy,a\n3.wav,contempt,a\n4.wav,boredom,b\n"
        root = write_manifest(tmp_path, HEAD + lines, "1.wav", "2.wav", "3.wav", "4.wav")
        told: list[str] = []

        assert [u.path.name for u in read_corpus("mine", root, tell=told.append)] == ["2.wav"]
        (sentence,) = told
        assert sentence.endswith(
            "is none of neutral, calm, happy, sad, angry, fearful, disgust, surprised: boredom (2), contempt (1)"
        )

    def test_what_stands_there_is_told_too_where_nothing_fits_but_no_more_than_ten(self, tmp_path: Path) -> None:
        root = write_manifest(tmp_path, HEAD + "".join(f"1.wav,code {i},a\n" for i in range(12)), "1.wav")
        told: list[str] = []

        with pytest.raises(CorpusError, match="No line of"):
            read_corpus("mine", root, tell=told.append)

        assert told[0].endswith(
            ": code 0 (1), code 1 (1), code 2 (1), code 3 (1), code 4 (1), code 5 (1), code 6 (1), "
            "code 7 (1), code 8 (1), code 9 (1) and 2 more"
        )

    def test_one_name_in_two_folders_is_of_two_recordings_but_with_an_addition_of_a_copy(self, tmp_path: Path) -> None:
        files = ("anna/1.wav", "ben/1.wav", "ben/1-noise.wav")
        root = write_manifest(tmp_path, f"{HEAD}{files[0]},sad,anna\n{files[1]},sad,ben\n", *files)
        utterances = read_corpus("mine", root)
        assert not find_leaks(utterances, leave_one_speaker_out(utterances))

        write_manifest(root, f"{HEAD}{files[1]},sad,ben\n{files[2]},sad,anna\n")
        utterances = read_corpus("mine", root)
        assert {leak.kind for leak in find_leaks(utterances, leave_one_speaker_out(utterances))} == {"augmented copy"}


class TestWhatIsWrong:
    @pytest.mark.parametrize(
        ("text", "sentence"),
        [
            ("", "the first line must name the columns file, emotion and speaker, separated by commas or semicolons; "),
            ("file,label\n1.wav,sad\n", "separated by commas or semicolons; it lacks: emotion, speaker"),
            ("file\temotion\tspeaker\n1.wav\tsad\ta\n", "or semicolons; it lacks: file, emotion, speaker"),
            ("file,emotion,speaker,Emotion\n1.wav,sad,a,happy\n", "the first line names the column emotion twice"),
            (f"{HEAD}1.wav,sad,a\n1.wav,sad,b\n", "line 3: the file 1.wav stands in a line before, too"),
            (f"{HEAD}1.wav,sad,a\n./1.wav,sad,b\n", "line 3: the file ./1.wav stands in a line before, too"),
            (f"{HEAD}1.wav,sad,a\n2/../1.wav,sad,b\n", "line 3: the file 2/../1.wav stands in a line before, too"),
            (f"{HEAD}\n3.wav,sad,a\n", "line 3: there is no file "),
            (f"{HEAD}1.wav,sad\n", "line 2: nothing stands in the column speaker"),
            (f"{HEAD}1.wav, ,a\n", "line 2: nothing stands in the column emotion"),
            (f"{HEAD}1.wav,sad,a,31\n", "line 2: there are more cells than columns; is one to stand in quotes?"),
            (f"{HEAD}1.wav,boredom,a\n", "has one of these emotions: neutral, calm, happy"),
            (HEAD, "has one of these emotions: neutral, calm, happy"),
            (f'{HEAD}"1.wav,sad,a\n', "line 2: unexpected end of data"),
            (f"{HEAD}1.wav,sad,{200_000 * 'a'}\n", "line 2: field larger than field limit"),
            ("file,emotion,speaker,gender\n1.wav,sad,a,f\n", "line 2: gender must be female or male, or empty: 'f'"),
            (
                "file,emotion,speaker,intensity\n1.wav,sad,a,2\n",
                "line 2: intensity must be normal or strong, or empty: '2'",
            ),
            (f"{HEAD}1.wav,sad,a\n".encode("utf-16"), "is not text in UTF-8"),
        ],
    )
    def test_it_is_one_sentence(self, tmp_path: Path, text: str | bytes, sentence: str) -> None:
        root = write_manifest(tmp_path, text, "1.wav", "2/2.wav")

        with pytest.raises(CorpusError) as caught:
            read_corpus("mine", root)

        assert sentence in str(caught.value)
        assert str(root / MANIFEST) in str(caught.value)
        assert "\n" not in str(caught.value)

    def test_without_it_a_name_is_unknown(self, tmp_path: Path) -> None:
        with pytest.raises(
            CorpusError, match=r"no reader for a corpus 'mine'; .* Any other needs a table emotify.csv in"
        ):
            read_corpus("mine", tmp_path)

    @pytest.mark.parametrize("name", ["a/b", "a b", "a|b", ""])
    def test_a_name_that_would_be_taken_for_another_one_is_refused(self, tmp_path: Path, name: str) -> None:
        root = write_manifest(tmp_path, f"{HEAD}1.wav,sad,a\n", "1.wav")

        with pytest.raises(CorpusError, match=r"made of letters, digits, - _ and [.] only"):
            read_corpus(name, root)
