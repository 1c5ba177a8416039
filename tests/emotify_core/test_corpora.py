from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from emotify_core.audio import decode
from emotify_core.corpora import CORPORA, Utterance, read_corpus, read_ravdess
from emotify_core.emotions import Emotion
from emotify_core.errors import CorpusError
from tests.emotify_core.voices import Kind, Layout, ravdess_path, write_recording

SILENCE = np.zeros(16, np.float32)
DATA = Path(__file__).parents[3] / "shared" / "data"
RAVDESS = DATA / "ravdess"


def touch(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path


class TestRavdess:
    @pytest.mark.parametrize("layout", ["original", "shared"])
    @pytest.mark.parametrize("suffix", [".wav", ".flac", ".WAV"])
    def test_both_layouts_are_read_in_wav_and_flac(self, tmp_path: Path, layout: Layout, suffix: str) -> None:
        paths = [
            touch(ravdess_path(tmp_path, emotion, actor, kind=kind, layout=layout, suffix=suffix))
            for actor in ("02", "01")
            for kind in ("song", "speech")
            for emotion in Emotion
        ]

        utterances = read_ravdess(tmp_path)

        assert sorted(u.path for u in utterances) == sorted(paths)
        assert Counter((u.speaker, u.kind, u.label) for u in utterances) == {
            (actor, kind, emotion): 1 for actor in ("01", "02") for kind in ("song", "speech") for emotion in Emotion
        }

    @pytest.mark.parametrize(("kind", "code"), [("speech", "01"), ("song", "02")])
    def test_the_name_says_what_a_recording_is(self, tmp_path: Path, kind: Kind, code: str) -> None:
        path = touch(tmp_path / "Actor_12" / f"03-{code}-06-02-01-02-12.wav")

        assert read_ravdess(tmp_path) == (
            Utterance(
                path, "ravdess", "12", Emotion.FEARFUL, kind, gender="female", intensity="strong", sentence="01-02"
            ),
        )

    @pytest.mark.parametrize(("actor", "gender"), [("01", "male"), ("02", "female"), ("23", "male"), ("24", "female")])
    def test_actors_of_odd_number_are_men(self, tmp_path: Path, actor: str, gender: str) -> None:
        touch(tmp_path / f"03-02-04-01-02-01-{actor}.wav")

        assert [u.gender for u in read_ravdess(tmp_path)] == [gender]

    @pytest.mark.parametrize(("code", "intensity"), [("01", "normal"), ("02", "strong"), ("03", None)])
    def test_the_name_tells_the_intensity(self, tmp_path: Path, code: str, intensity: str | None) -> None:
        touch(tmp_path / f"03-01-04-{code}-02-01-01.wav")

        assert [u.intensity for u in read_ravdess(tmp_path)] == [intensity]

    def test_utterances_are_sorted_by_speaker_and_name_whatever_the_folders(self, tmp_path: Path) -> None:
        for name in ("b/03-01-01-01-01-01-02.wav", "a/03-01-01-01-01-02-02.wav", "c/03-01-08-01-01-01-01.wav"):
            touch(tmp_path / name)

        assert [u.path.name for u in read_ravdess(tmp_path)] == [
            "03-01-08-01-01-01-01.wav",
            "03-01-01-01-01-01-02.wav",
            "03-01-01-01-01-02-02.wav",
        ]

    def test_a_recording_that_lies_there_twice_counts_once(self, tmp_path: Path) -> None:
        # Kaggle's copy of the data set holds every file again in a folder below.
        for folder in (tmp_path, tmp_path / "audio_speech_actors_01-24"):
            for suffix in (".wav", ".flac"):
                touch(folder / "Actor_01" / f"03-01-05-01-01-01-01{suffix}")

        assert len(read_ravdess(tmp_path)) == 1

    @pytest.mark.parametrize("suffix", [".ogg", ".opus", ".m4a", ".MP3"])
    def test_so_does_a_lossy_copy_which_is_read_where_it_is_all_there_is(self, tmp_path: Path, suffix: str) -> None:
        whole = touch(tmp_path / "wav" / "03-01-05-01-01-01-01.wav")
        for name in ("03-01-05-01-01-01-01", "03-01-05-01-01-02-01"):
            touch(tmp_path / "copies" / f"{name}{suffix}")

        assert [u.path for u in read_ravdess(tmp_path)] == [
            whole,
            tmp_path / "copies" / f"03-01-05-01-01-02-01{suffix}",
        ]

    def test_folders_behind_links_are_read_and_links_in_a_circle_end(self, tmp_path: Path) -> None:
        path = touch(tmp_path / "disk" / "Actor_01" / "03-01-05-01-01-01-01.wav")
        corpus = tmp_path / "ravdess"
        corpus.mkdir()
        (corpus / "speech").symlink_to(path.parents[1])
        (path.parent / "again").symlink_to(corpus)

        assert [u.path.resolve() for u in read_ravdess(corpus)] == [path]

    @pytest.mark.parametrize(
        "name",
        [
            "03-01-05-01-01-01-01.mp4",
            "03-01-05-01-01-01-01.txt",
            "03-01-05-01-01-01-01",
            "03-01-05-01-01-01.wav",
            "03-01-05-01-01-01-01-01.wav",
            "03-01-09-01-01-01-01.wav",
            "03-01-00-01-01-01-01.wav",
            "03-01-05-01-01-01-xx.wav",
            "03-01-5-01-01-001-01.wav",
            "02-01-05-01-01-01-01.wav",
            "03-03-05-01-01-01-01.wav",
            "._03-01-05-01-01-01-01.wav",
            "notes.wav",
        ],
    )
    def test_other_files_are_passed_over(self, tmp_path: Path, name: str) -> None:
        touch(tmp_path / "Actor_01" / name)

        assert read_ravdess(tmp_path) == ()

    def test_a_folder_that_is_named_like_a_recording_is_passed_over(self, tmp_path: Path) -> None:
        (tmp_path / "03-01-05-01-01-01-01.wav").mkdir()

        assert read_ravdess(tmp_path) == ()


class TestReadCorpus:
    def test_it_reads_by_name(self, tmp_path: Path) -> None:
        path = write_recording(ravdess_path(tmp_path, Emotion.SAD, "01"), SILENCE)

        assert [u.path for u in read_corpus("ravdess", tmp_path)] == [path]

    def test_an_unknown_corpus_is_named_with_those_that_are_known(self, tmp_path: Path) -> None:
        with pytest.raises(CorpusError, match=r"no reader for a corpus 'iemocap'; there is one for: ravdess"):
            read_corpus("iemocap", tmp_path)

    def test_a_missing_folder_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(CorpusError, match=r"folder of the corpus ravdess is missing: .*nowhere"):
            read_corpus("ravdess", tmp_path / "nowhere")

    def test_a_file_is_no_folder(self, tmp_path: Path) -> None:
        with pytest.raises(CorpusError, match="missing"):
            read_corpus("ravdess", touch(tmp_path / "ravdess.zip"))

    def test_a_folder_without_its_recordings_is_named(self, tmp_path: Path) -> None:
        touch(tmp_path / "song.mp3")

        with pytest.raises(CorpusError, match=r"There is no recording under .* of RAVDESS, the .* Speech and Song$"):
            read_corpus("ravdess", tmp_path)

    @pytest.mark.parametrize("name", CORPORA)
    def test_every_corpus_names_its_licence_and_source(self, name: str) -> None:
        corpus = CORPORA[name]

        assert corpus.name == name
        assert corpus.title
        assert corpus.licence
        assert corpus.citation
        assert corpus.url.startswith("https://")


@pytest.mark.corpus
@pytest.mark.skipif(not RAVDESS.is_dir(), reason="RAVDESS does not lie in ../shared/data/ravdess")
class TestRealRavdess:
    def test_all_of_it_is_read(self) -> None:
        utterances = read_corpus("ravdess", RAVDESS)

        assert Counter(u.kind for u in utterances) == {"speech": 1440, "song": 1012}
        assert {u.speaker for u in utterances} == {f"{actor:02d}" for actor in range(1, 25)}
        spoken = Counter((u.speaker, u.label) for u in utterances if u.kind == "speech")
        assert set(spoken.values()) == {4, 8}  # neutral has no strong intensity
        assert {label for (_, label), n in spoken.items() if n == 4} == {Emotion.NEUTRAL}
        sung = {u.speaker for u in utterances if u.kind == "song"}
        assert {f"{actor:02d}" for actor in range(1, 25)} - sung == {"18"}

    def test_half_of_it_is_by_women_and_what_is_not_neutral_has_both_intensities(self) -> None:
        utterances = read_corpus("ravdess", RAVDESS)

        spoken = [u for u in utterances if u.kind == "speech"]
        assert Counter(u.gender for u in spoken) == {"male": 720, "female": 720}
        assert Counter(u.intensity for u in spoken) == {"normal": 768, "strong": 672}
        assert {u.label for u in utterances} - {u.label for u in utterances if u.intensity == "strong"} == {
            Emotion.NEUTRAL
        }
        told_apart = {(u.speaker, u.kind, u.label, u.intensity, u.sentence) for u in utterances}
        assert len(told_apart) == len(utterances)

    def test_its_recordings_can_be_decoded(self) -> None:
        for utterance in read_corpus("ravdess", RAVDESS)[::613]:
            waveform = decode(utterance.path)

            assert 2 < waveform.note_duration < 8
            assert 0.5 < waveform.duration < waveform.note_duration


class TestOtherCorpora:
    @pytest.mark.parametrize(
        ("corpus", "name", "speaker", "label"),
        [
            ("nemo", "WR0_surprised_64.wav", "WR0", Emotion.SURPRISED),
            ("nemo", "EB0_sadness_1.ogg", "EB0", Emotion.SAD),
            ("emodb", "03a01Fa.wav", "03", Emotion.HAPPY),
            ("emodb", "16b10Wb.flac", "16", Emotion.ANGRY),
            ("emospeech", "9dd2014c-calm-go-1563256807101.ogg", "9dd2014c", Emotion.CALM),
        ],
    )
    def test_names_tell_speaker_and_emotion(
        self, tmp_path: Path, corpus: str, name: str, speaker: str, label: Emotion
    ) -> None:
        (tmp_path / "samples").mkdir()
        (tmp_path / "samples" / name).touch()
        [utterance] = read_corpus(corpus, tmp_path)
        assert (utterance.corpus, utterance.speaker, utterance.label) == (corpus, speaker, label)
        assert utterance.kind == "speech"

    @pytest.mark.parametrize(
        ("corpus", "name"),
        [
            ("nemo", "WR0_joy_64.wav"),
            ("nemo", "WR0_anger.wav"),
            ("nemo", "WR0_anger_1.txt"),
            ("emodb", "03a01La.wav"),  # boredom is none of the eight
            ("emodb", "notes.wav"),
            ("emospeech", "9dd2014c-bored-go-1563256807101.ogg"),
            ("emospeech", "readme.ogg"),
            ("emospeech", "._9dd2014c-calm-go-1563256807101.ogg"),  # left there by macOS, without a sound
        ],
    )
    def test_other_files_are_passed_over(self, tmp_path: Path, corpus: str, name: str) -> None:
        (tmp_path / name).touch()
        with pytest.raises(CorpusError, match="There is no recording"):
            read_corpus(corpus, tmp_path)


class TestWhoSpeaksAndWhat:
    @pytest.mark.parametrize(
        ("corpus", "name", "gender", "sentence"),
        [
            ("emodb", "03a01Fa.wav", "male", "a01"),
            ("emodb", "16b10Wb.flac", "female", "b10"),
            ("emodb", "17b10Wb.flac", None, "b10"),  # nobody of the original ten
            ("nemo", "WR0_surprised_64.wav", None, "64"),
            ("emospeech", "9dd2014c-calm-go-1563256807101.ogg", None, "go"),
        ],
    )
    def test_names_tell_gender_and_sentence_where_the_corpus_does(
        self, tmp_path: Path, corpus: str, name: str, gender: str | None, sentence: str
    ) -> None:
        touch(tmp_path / name)

        [utterance] = read_corpus(corpus, tmp_path)

        assert (utterance.gender, utterance.intensity, utterance.sentence) == (gender, None, sentence)

    @pytest.mark.parametrize("root", [".", "samples"])
    def test_the_table_of_nemo_tells_gender(self, tmp_path: Path, root: str) -> None:
        for name in ("WR0_anger_1.ogg", "EB0_anger_1.ogg", "ZZ9_anger_1.ogg"):
            touch(tmp_path / "samples" / name)
        rows = ("file_id\tspeaker_id\tgender\tage", "x.wav\t        WR0\tmale\t23", "y.wav\tEB0\tfemale \t27")
        (tmp_path / "data.tsv").write_text("\n".join(rows), encoding="utf-8")

        genders = {u.speaker: u.gender for u in read_corpus("nemo", tmp_path / root)}

        assert genders == {"WR0": "male", "EB0": "female", "ZZ9": None}

    @pytest.mark.parametrize(
        "table",
        [
            b"",
            b"gender\nmale\n",
            b"speaker_id\tgender\nWR0\tunknown\nWR0\n",
            b"\xff\xfe\x00\t\n\n",
            b"speaker_id\nWR0\tmale\n",
            b"speaker_id\tgender\n" + 200_000 * b"x",
        ],
        ids=["empty", "no speaker", "no gender stated", "no text", "too many columns", "no end"],
    )
    def test_another_table_tells_nothing(self, tmp_path: Path, table: bytes) -> None:
        touch(tmp_path / "WR0_anger_1.ogg")
        (tmp_path / "data.tsv").write_bytes(table)

        assert [u.gender for u in read_corpus("nemo", tmp_path)] == [None]


@pytest.mark.corpus
@pytest.mark.skipif(not (DATA / "nemo").is_dir(), reason="nEMO does not lie in ../shared/data/nemo")
def test_real_nemo_tells_the_gender_of_all_nine_speakers() -> None:
    utterances = read_corpus("nemo", DATA / "nemo")

    assert len(utterances) == 4481
    genders = {(u.speaker, u.gender) for u in utterances}
    assert Counter(gender for _, gender in genders) == {"female": 4, "male": 5}
    assert len({u.sentence for u in utterances}) == 90


@pytest.mark.corpus
@pytest.mark.skipif(not (DATA / "emodb").is_dir(), reason="EMO-DB does not lie in ../shared/data/emodb")
def test_real_emodb_is_by_five_men_and_five_women_who_say_ten_sentences() -> None:
    utterances = read_corpus("emodb", DATA / "emodb")

    assert Counter(gender for _, gender in {(u.speaker, u.gender) for u in utterances}) == {"female": 5, "male": 5}
    assert len({u.sentence for u in utterances}) == 10
