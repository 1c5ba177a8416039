"""All that needs `librosa.feature`: importing it compiles for half a minute in a fresh environment."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from emotify_core.classifier import EmotionClassifier
from emotify_core.cli import main
from emotify_core.corpora import read_ravdess
from emotify_core.features.classic import CLASSIC_FEATURE_SET, extract_classic
from emotify_core.features.descriptors import N_MFCC, mfcc
from emotify_core.features.spectra import N_BARKS, N_FFT, N_MELS, SR, chroma_filters, mel_filters, spectra
from emotify_core.synthesis import synthesize_voice
from emotify_core.waveform import Waveform

VOICE = synthesize_voice(1.5, seed=6)


@pytest.fixture(scope="module")
def librosa() -> Any:
    import librosa
    import librosa.feature
    import librosa.filters

    return librosa


class TestSameAsLibrosa:
    def test_mfcc(self, librosa: Any) -> None:
        mel_db = spectra(VOICE).mel_db

        np.testing.assert_allclose(mfcc(mel_db), librosa.feature.mfcc(S=mel_db, n_mfcc=N_MFCC), atol=1e-3)

    def test_chroma_filters(self, librosa: Any) -> None:
        expected = librosa.filters.chroma(sr=SR, n_fft=N_FFT, n_chroma=12, tuning=0.0)

        np.testing.assert_allclose(chroma_filters(), expected, atol=2e-5)

    @pytest.mark.parametrize("n_mels", [N_MELS, N_BARKS])
    def test_mel_filters(self, librosa: Any, n_mels: int) -> None:
        expected = librosa.filters.mel(
            sr=SR, n_fft=N_FFT, n_mels=n_mels, fmin=20, fmax=SR / 2, htk=True, norm=None, dtype=np.float64
        )

        np.testing.assert_allclose(mel_filters(n_mels), expected / expected.sum(axis=1, keepdims=True), atol=1e-5)


class TestClassic:
    def test_it_is_what_librosa_gives_by_default(self, librosa: Any) -> None:
        stft = np.abs(librosa.stft(VOICE))
        expected = [
            librosa.feature.mfcc(y=VOICE, sr=SR, n_mfcc=40).mean(axis=1),
            librosa.feature.chroma_stft(S=stft, sr=SR, tuning=0.0).mean(axis=1),
            librosa.feature.melspectrogram(y=VOICE, sr=SR).mean(axis=1),
        ]

        features = extract_classic(Waveform(VOICE, SR, 1.5))

        assert features.feature_set == CLASSIC_FEATURE_SET
        np.testing.assert_allclose(features.values, np.concatenate(expected), rtol=1e-3, atol=1e-4)

    @pytest.mark.parametrize("n_samples", [1, 600, 3200])
    def test_short_notes_have_features_too(self, n_samples: int) -> None:
        assert extract_classic(Waveform(VOICE[:n_samples], SR, 1.5)).values.shape == (180,)

    def test_silence_has_finite_features(self) -> None:
        values = extract_classic(Waveform(np.zeros(3200, np.float32), SR, 0.2)).values

        assert np.isfinite(values).all()


@pytest.mark.filterwarnings("ignore:Got `batch_size`:UserWarning")  # its batches are larger than the tiny corpus
class TestRecipe:
    def test_it_is_evaluated_without_song_or_copies(self, corpus: Path, capsys: pytest.CaptureFixture[str]) -> None:
        options = ["--corpus", f"ravdess={corpus}", "--recipe", "classic", "--jobs", "1", "--json"]

        assert main(["evaluate", *options]) == 0

        report = json.loads(capsys.readouterr().out)
        assert report["recipe"] == "classic"
        assert report["figures"]["clean"]["n_utterances"] == 24

    def test_its_model_has_no_temperature_and_hears_recordings_as_they_are(self, corpus: Path, tmp_path: Path) -> None:
        options = ["--corpus", f"ravdess={corpus}", "--recipe", "classic", "--jobs", "1", "--no-evaluate"]

        assert main(["train", *options, "--out", str(tmp_path)]) == 0

        classifier = EmotionClassifier.load(tmp_path)
        spoken = [u for u in read_ravdess(corpus) if u.kind == "speech"]
        assert classifier.feature_set == CLASSIC_FEATURE_SET
        assert np.mean([classifier.predict(u.path).emotion is u.label for u in spoken]) > 0.7
