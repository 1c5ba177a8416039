from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from emotify_core.adaptation import Adaptation
from emotify_core.calibration import Calibration
from emotify_core.domain import DomainDetector
from emotify_core.emotions import Emotion
from emotify_core.experts import FUNCTIONALS, NETWORK, STRANGE_SAY, Experts, evidence_of, fuse, say_of
from emotify_core.files import sha256_of
from emotify_core.heads import FusedHeads, softmax
from emotify_core.model_files import load_model, save_model

N = len(Emotion)
Scores = NDArray[np.float64]


def accented(n: int, *, seed: int = 0) -> tuple[dict[str, Scores], NDArray[np.intp]]:
    """Let the network say the next emotion for each of them, and the functionals nothing."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(N, size=n)
    network = rng.normal(size=(n, N))
    network[np.arange(n), (truth + 1) % N] += 4
    return {FUNCTIONALS: rng.normal(scale=0.1, size=(n, N)), NETWORK: network}, truth


def fitted(n: int = 400, *, penalty: float = 1.0, weight: float = 1.0, gain: float = 1.0) -> Adaptation:
    opinions, truth = accented(n)
    return Adaptation(penalty=penalty).fit(
        evidence_of(opinions), fuse(opinions), truth, gain=np.full(n, gain), weight=np.full(n, weight)
    )


def accuracy(scores: Scores, truth: NDArray[np.intp]) -> float:
    return float((scores.argmax(axis=1) == truth).mean())


def test_an_expert_that_takes_one_emotion_for_another_is_read_rightly() -> None:
    opinions, truth = accented(300, seed=1)
    plain = fuse(opinions)

    adapted = fitted().adapt(plain, evidence_of(opinions), np.ones(300))

    assert accuracy(plain, truth) < 0.1
    assert accuracy(adapted, truth) > 0.9


def test_what_is_not_strange_is_left_alone_and_half_strange_by_half() -> None:
    opinions, _ = accented(50, seed=2)
    plain, evidence, adaptation = fuse(opinions), evidence_of(opinions), fitted()

    whole = adaptation.adapt(plain, evidence, np.ones(50))

    np.testing.assert_array_equal(adaptation.adapt(plain, evidence, np.zeros(50)), plain)
    np.testing.assert_allclose(adaptation.adapt(plain, evidence, np.full(50, 0.5)), (plain + whole) / 2, atol=1e-12)


def test_the_less_was_said_the_less_is_added() -> None:
    sizes = [np.abs(fitted(weight=weight, penalty=20.0).weights_).sum() for weight in (0.0, 0.01, 0.1, 1.0)]

    assert sizes[0] == pytest.approx(0, abs=1e-9)
    assert sizes == sorted(sizes)
    assert sizes[-1] > 3 * sizes[1]


def test_examples_that_are_not_strange_teach_nothing() -> None:
    np.testing.assert_allclose(fitted(gain=0.0).weights_, 0, atol=1e-9)


def test_the_likelihood_is_that_of_what_would_be_heard() -> None:
    """Where a calibration flattens all of it, as it does for strange notes, more has to be added."""
    opinions, truth = accented(400)
    evidence, plain, ones = evidence_of(opinions), fuse(opinions), np.ones(400)

    flat = Adaptation(penalty=0.1).fit(evidence, plain / 2, truth, gain=ones / 2, weight=ones)

    logits = (plain + evidence @ flat.weights_) / 2
    sharp = Adaptation(penalty=0.1).fit(evidence, plain, truth, gain=ones, weight=ones)
    one, two = softmax(logits), softmax(plain + evidence @ sharp.weights_)
    rows = np.arange(400)
    assert np.log(one[rows, truth]).mean() == pytest.approx(np.log(two[rows, truth]).mean(), abs=0.05)
    assert np.abs(flat.weights_).sum() > 1.2 * np.abs(sharp.weights_).sum()


def test_the_gradient_leads_to_the_minimum() -> None:
    opinions, truth = accented(60, seed=3)
    evidence, plain, weight = evidence_of(opinions), fuse(opinions), np.linspace(0.1, 1, 60)
    gain = np.linspace(0, 1, 60)

    def loss(weights: Scores) -> float:
        p = softmax(plain + gain[:, None] * (evidence @ weights))
        return float(2 * np.square(weights).sum() - weight @ np.log(p[np.arange(60), truth]))

    fit = Adaptation(penalty=2.0, say_penalty=1e9).fit  # no say goes anywhere
    found = fit(evidence, plain, truth, gain=gain, weight=weight).weights_

    rng = np.random.default_rng(0)
    assert all(loss(found) <= loss(found + 0.01 * rng.normal(size=found.shape)) for _ in range(20))


@pytest.mark.parametrize(("knows", "sign"), [(FUNCTIONALS, -1), (NETWORK, 1)])
def test_the_expert_that_knows_more_gets_more_of_the_say(knows: str, sign: int) -> None:
    rng = np.random.default_rng(0)
    truth = rng.integers(N, size=200)
    opinions = {name: rng.normal(size=(200, N)) for name in (FUNCTIONALS, NETWORK)}
    opinions[knows][np.arange(200), truth] += 2

    found = Adaptation(penalty=1e9).fit(
        evidence_of(opinions), fuse(opinions), truth, gain=np.ones(200), weight=np.full(200, 0.3)
    )

    say = found.weights_[N, 0]
    assert sign * say > 0.1
    np.testing.assert_allclose(found.weights_, say * np.vstack([-np.eye(N), np.eye(N), np.zeros((1, N))]), atol=1e-6)


class TestExperts:
    def experts(self, adaptation: Adaptation | None, domain: DomainDetector | None) -> Experts:
        return Experts(FusedHeads(), calibration=Calibration(), domain=domain, adaptation=adaptation)

    def test_the_last_column_of_the_quality_tells_what_is_strange(self) -> None:
        opinions, truth = accented(40, seed=4)
        quality = np.zeros((40, 3), dtype=np.float32)
        quality[:20, -1] = 1

        scores = self.experts(fitted(), DomainDetector()).fuse(opinions, quality)

        plain = fuse(opinions, network_say=say_of(quality[:, -1]))
        np.testing.assert_array_equal(scores[20:], plain[20:])
        assert accuracy(scores[:20], truth[:20]) > accuracy(plain[:20], truth[:20]) + 0.5

    def test_without_what_tells_strange_recordings_nothing_is_added(self) -> None:
        opinions, _ = accented(10)
        quality = np.ones((10, 3), dtype=np.float32)

        without_domain, plain = self.experts(fitted(), None), self.experts(None, DomainDetector())
        np.testing.assert_array_equal(without_domain.fuse(opinions, quality), fuse(opinions))
        np.testing.assert_array_equal(plain.fuse(opinions, quality), fuse(opinions, network_say=STRANGE_SAY))

    def test_it_outlives_the_model_file(self, tmp_path: Path) -> None:
        adaptation, path = fitted(), tmp_path / "model.skops"

        save_model(self.experts(adaptation, None), path)

        again = load_model(path, sha256_of(path.read_bytes()))
        np.testing.assert_array_equal(again.adaptation.weights_, adaptation.weights_)
