"""Retrieval of one modality from another."""

import numpy as np
import pytest

from musicvae_jax.evaluation.cross_retrieval import cross_retrieval


def test_ranks_by_hand():
    queries = np.array([[0.0], [10.0], [20.0], [31.0]])
    targets = np.array([[1.0], [13.0], [12.0], [30.0]])
    ranks = []
    for place, query in enumerate(queries):
        order = np.argsort(abs(targets - query)[:, 0])
        ranks.append(1 + order.tolist().index(place))
    assert ranks == [1, 2, 2, 1]
    found = cross_retrieval(queries, targets)
    assert found.recall_at_1 == 0.5
    assert found.mean_reciprocal_rank == pytest.approx(0.75)
    assert found.median_rank == 1.5


def test_the_tenth_nearest_counts_and_the_eleventh_does_not():
    queries = np.arange(13.0)[:, None]
    targets = queries.copy()
    # Nearer to song 0 are 1 .. 8 and 2.5; nearer to song 12 are 3 .. 11 and 8.5.
    targets[[0, 12], 0] = 8.5, 2.5
    found = cross_retrieval(queries, targets)
    assert found.recall_at_1 == 11 / 13
    assert found.recall_at_10 == 12 / 13
    assert found.chance_at_10 == 10 / 13
    assert found.mean_reciprocal_rank == pytest.approx((11 + 1 / 10 + 1 / 11) / 13)


def test_unrelated_points_are_at_chance():
    random = np.random.default_rng(0)
    found = cross_retrieval(random.normal(size=(500, 4)), random.normal(size=(500, 4)))
    assert found.recall_at_10 == pytest.approx(found.chance_at_10, abs=0.02)
    assert found.median_rank == pytest.approx(found.chance_rank, rel=0.15)


def test_equal_points_are_no_success():
    found = cross_retrieval(np.zeros((9, 2)), np.zeros((9, 2)))
    assert found.median_rank == found.chance_rank == 5
    assert found.recall_at_1 == 0


def test_a_few_at_a_time_rank_as_all_together(monkeypatch):
    random = np.random.default_rng(1)
    points = random.normal(size=(40, 3))
    targets = points + 0.5 * random.normal(size=points.shape)
    together = cross_retrieval(points, targets)
    monkeypatch.setattr("musicvae_jax.evaluation.contingency._MAX_HELD", 90)
    assert cross_retrieval(points, targets) == together


@pytest.mark.parametrize("shape", [(3, 2), (4, 3), (0, 2)])
def test_other_songs_are_refused(shape):
    with pytest.raises(ValueError, match="expected the same songs"):
        cross_retrieval(np.zeros((0 if shape[0] == 0 else 4, 2)), np.zeros(shape))
