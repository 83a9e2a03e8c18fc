"""How well one modality of a song finds another of the same song."""

from typing import NamedTuple

import numpy as np
from sklearn.metrics.pairwise import euclidean_distances

from musicvae_jax.evaluation.contingency import in_chunks


class CrossRetrieval(NamedTuple):
    """Ranks of the right targets, from 1, among all targets.

    Attributes:
        recall_at_1: share of queries whose nearest target is the right one, in [0, 1], higher is
            better.
        recall_at_10: share of queries with the right target among the ten nearest.
        mean_reciprocal_rank: in (0, 1], higher is better.
        median_rank: in [1, targets], lower is better.
        chance_at_10: recall_at_10 of random ranks.
        chance_rank: median rank of random ranks.
    """

    recall_at_1: float
    recall_at_10: float
    mean_reciprocal_rank: float
    median_rank: float
    chance_at_10: float
    chance_rank: float


def cross_retrieval(queries: np.ndarray, targets: np.ndarray) -> CrossRetrieval:
    """Ranks by Euclidean distance; targets as near as the right one rank in its middle.

    Args:
        queries: such as latents of songs given their audio, `[songs, dimensions]`.
        targets: such as latents of the same songs given their lyrics, same shape.

    Raises:
        ValueError: different shapes, or no songs.

    Example:
        >>> points = np.array([[0.0], [1.0], [5.0]])
        >>> cross_retrieval(points, points + 0.1).recall_at_1
        1.0
    """
    if queries.shape != targets.shape or len(queries) == 0:
        raise ValueError(
            f"got queries of shape {queries.shape} and targets of shape {targets.shape}, expected "
            "the same songs and dimensions"
        )
    ranks, n_songs, start = [], len(queries), 0
    for n in in_chunks(n_songs, n_songs):
        places = np.arange(start, start + n)
        distances = euclidean_distances(queries[places], targets)
        right = distances[np.arange(n), places][:, None]
        # Without the middle, equal points would all rank first.
        ranks.append((distances < right).sum(axis=1) + ((distances == right).sum(axis=1) + 1) / 2)
        start += n
    rank = np.concatenate(ranks)
    return CrossRetrieval(
        float(np.mean(rank <= 1)),
        float(np.mean(rank <= 10)),
        float(np.mean(1 / rank)),
        float(np.median(rank)),
        min(10 / n_songs, 1.0),
        (n_songs + 1) / 2,
    )
