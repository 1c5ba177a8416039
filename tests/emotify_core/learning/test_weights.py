from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from emotify_core.learning.examples import Examples, Kind
from emotify_core.learning.weights import DAYS_TO_TRUST, first_weights, reliabilities, weigh

N = 8  # emotions
BASE = 10_000.0


def table(persons: Sequence[str], verdicts: Sequence[Kind] | None = None, **columns: Any) -> Examples:
    n = len(persons)
    described: dict[str, Any] = {
        "persons": np.array(persons),
        "servers": np.array([""] * n),
        "days_known": np.full(n, 30.0),
        "verdicts": np.array(verdicts or ["correction"] * n),
        "emotions": np.arange(n) % N,
        "heard": (np.arange(n) + 1) % N,
        "rows": np.zeros((n, 3), dtype=np.float32),
        "network_scores": np.zeros((n, N)),
        "serving_scores": np.zeros((n, N)),
        "quality": np.zeros((n, 2), dtype=np.float32),
        "strangeness": np.zeros(n, dtype=np.float32),
    }
    return Examples(**(described | columns))


def believing(examples: Examples, share: float = 0.5) -> np.ndarray:
    """Let a model give the named emotion a share, and the others the same of what is left."""
    posteriors = np.full((len(examples), N), (1 - share) / (N - 1))
    posteriors[np.arange(len(examples)), examples.emotions] = share
    return posteriors


class TestReliabilities:
    def test_who_names_what_the_voice_says_is_trusted(self) -> None:
        examples = table(["ada"] * 40)

        assert reliabilities(examples, believing(examples), seed=0)["ada"].earned > 0.8

    def test_who_always_names_the_same_is_not(self) -> None:
        examples = table(["mallory"] * 40, emotions=np.zeros(40, dtype=int), heard=np.ones(40, dtype=int))

        assert reliabilities(examples, np.full((40, N), 1 / N), seed=0) == {"mallory": (0.0, 0.0)}

    def test_who_names_the_opposite_of_what_the_voice_says_is_not(self) -> None:
        examples = table(["mallory"] * 40)
        says = believing(table(["mallory"] * 40, emotions=(np.arange(40) + 3) % N))

        assert sum(reliabilities(examples, says, seed=0)["mallory"]) < 0.15

    def test_of_few_corrections_nothing_is_concluded(self) -> None:
        examples = table(["ada"] * 5)

        assert reliabilities(examples, believing(examples), seed=0) == {"ada": (0.0, 0.5)}

    def test_with_more_corrections_more_is_concluded(self) -> None:
        few, more, many = (table(["ada"] * n) for n in (6, 12, 24))

        trust = [sum(reliabilities(each, believing(each), seed=0)["ada"]) for each in (few, more, many)]

        assert trust == pytest.approx([0.5, 0.75, 0.875])

    def test_what_was_heard_is_no_candidate_once_it_was_corrected(self) -> None:
        examples = table(["ada"] * 40)
        posteriors = np.full((40, N), 0.0005)
        posteriors[np.arange(40), examples.emotions] = 0.006
        posteriors[np.arange(40), examples.heard] = 0.991

        assert reliabilities(examples, posteriors, seed=0)["ada"].earned > 0.8

    def test_who_names_random_emotions_is_not_trusted_for_leaving_out_what_was_heard(self) -> None:
        rng, n = np.random.default_rng(0), 100
        posteriors = rng.dirichlet(np.full(N, 0.5), size=40 * n)
        heard = posteriors.argmax(axis=1)
        named = (heard + rng.integers(1, N, size=40 * n)) % N
        examples = table([f"mallory {i // n}" for i in range(40 * n)], emotions=named, heard=heard)

        trust = np.array(list(reliabilities(examples, posteriors, seed=0).values())).sum(axis=1)

        assert trust.mean() < 0.3
        assert np.mean(trust < 0.15) > 0.3

    def test_of_names_that_could_not_be_dealt_otherwise_nothing_is_concluded(self) -> None:
        two_moods = np.arange(40) % 2
        examples = table(["ada"] * 40, emotions=two_moods, heard=1 - two_moods)

        assert reliabilities(examples, believing(examples), seed=0) == {"ada": (0.0, 0.5)}

    def test_confirmations_prove_nothing(self) -> None:
        examples = table(["ada"] * 40, ["confirmation"] * 40)

        assert reliabilities(examples, believing(examples), seed=0) == {"ada": (0.0, 0.5)}


class TestWeigh:
    def test_a_correction_says_more_than_a_click(self) -> None:
        examples = table(["a", "b", "c"], ["correction", "confirmation", "rejection"], emotions=np.array([0, 0, 0]))
        flat = np.full((3, N), 1 / N)

        correction, confirmation, rejection = weigh(examples, flat, BASE, seed=0).weights

        assert correction > 2 * confirmation
        assert correction > 2 * rejection

    def test_a_newcomer_says_less(self) -> None:
        examples = table(["old", "new"], days_known=np.array([30.0, 0.0]), emotions=np.array([0, 0]))

        old, new = first_weights(examples, BASE)

        assert new == pytest.approx(old / 4)

    def test_from_so_many_days_on_nobody_counts_for_more(self) -> None:
        days = np.array([DAYS_TO_TRUST - 1, DAYS_TO_TRUST, DAYS_TO_TRUST + 30])
        examples = table(["new", "trusted", "old"], days_known=days, emotions=np.zeros(3, dtype=int))

        new, trusted, old = first_weights(examples, BASE)

        assert new < trusted
        assert trusted == pytest.approx(old)

    def test_one_enthusiast_counts_no_more_than_forty_corrections(self) -> None:
        people = [f"person {i}" for i in range(200)]
        one, many = table(["ada"] * 200), table(people, servers=np.array(people))

        assert first_weights(one, 1e9).sum() < first_weights(many, 1e9).sum() / 2
        assert first_weights(one, 1e9).sum() == pytest.approx(40 * 20)

    def test_a_server_counts_for_half_of_what_all_come_to_without_this_limit(self) -> None:
        persons, servers = [f"person {i // 60}" for i in range(360)], np.array(["big"] * 300 + ["small"] * 60)
        examples = table(persons, servers=servers, emotions=np.zeros(360, dtype=int))

        weights = first_weights(examples, 1e9)

        assert weights[:300].sum() == pytest.approx(0.5 * 360 * 0.5 * 20)
        assert weights[300:].sum() == pytest.approx(60 * 0.5 * 20)

    @pytest.mark.parametrize("verdict", ["correction", "confirmation", "rejection"])
    @pytest.mark.parametrize("server", ["only", ""])
    def test_a_crowd_that_corrects_little_counts_for_twenty_corrections(self, verdict: Kind, server: str) -> None:
        persons = sorted(f"newcomer {i % 300}" for i in range(1500))
        emotions = np.zeros(1500, dtype=int)
        examples = table(persons, [verdict] * 1500, servers=np.array([server] * 1500), emotions=emotions)

        for weights in (first_weights(examples, 1e9), weigh(examples, np.full((1500, N), 1 / N), 1e9, seed=0).weights):
            assert weights.sum() == pytest.approx(20 * 20)

    def test_who_is_known_counts_as_before_beside_a_crowd(self) -> None:
        ada, crowd = ["ada"] * 40, [f"newcomer {i}" for i in range(300)]
        both = table(ada + crowd, servers=np.array(["only"] * 340))

        known = weigh(both, believing(both), 1e9, seed=0).weights[:40].sum()
        alone = weigh(table(ada), believing(table(ada)), 1e9, seed=0).weights.sum()

        assert known > 0.9 * alone

    def test_where_there_is_one_server_it_is_not_held_back(self) -> None:
        persons = [f"person {i}" for i in range(16)]

        weights = first_weights(table(persons, servers=np.array(["only"] * 16)), 1e9)

        np.testing.assert_allclose(weights, first_weights(table(persons), 1e9))

    def test_all_together_count_for_half_of_the_base_at_most(self) -> None:
        people = [f"person {i}" for i in range(2000)]
        examples = table(people, servers=np.array(people))

        assert first_weights(examples, BASE).sum() == pytest.approx(BASE / 2)

    def test_what_is_named_most_is_not_heard_most(self) -> None:
        emotions = np.array([0] * 30 + [1] * 10)
        weights = first_weights(table([f"person {i}" for i in range(40)], emotions=emotions), BASE)

        assert weights[:30].sum() == pytest.approx(weights[30:].sum())

    def test_what_contradicts_everybody_else_is_set_aside_and_told(self) -> None:
        examples = table(["ada"] * 40)
        posteriors = believing(examples)
        posteriors[7] = 0.001
        posteriors[7, (examples.emotions[7] + 2) % N] = 0.993

        weighed = weigh(examples, posteriors, BASE, seed=0)

        assert weighed.set_aside.tolist() == ["contradicts" if i == 7 else "" for i in range(40)]
        assert weighed.weights[7] == 0
        assert np.delete(weighed.weights, 7).min() > 0

    def test_a_rejection_that_everybody_else_agrees_with_counts(self) -> None:
        examples = table(["ada"], ["rejection"])
        posteriors = np.full((1, N), 0.001)
        posteriors[0, 3] = 0.993

        weighed = weigh(examples, posteriors, BASE, seed=0)

        assert weighed.set_aside.tolist() == [""]
        assert weighed.weights[0] > 0

    def test_what_is_rejected_most_counts_as_the_rest_does(self) -> None:
        emotions = np.array([0] * 30 + [1] * 10)
        weights = first_weights(table([f"person {i}" for i in range(40)], ["rejection"] * 40, emotions=emotions), BASE)

        np.testing.assert_allclose(weights, weights[0])

    def test_nobody_is_not_too_few(self) -> None:
        nobody = table([])

        assert not len(weigh(nobody, np.zeros((0, N)), BASE, seed=0).weights)
