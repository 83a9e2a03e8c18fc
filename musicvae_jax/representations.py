"""The one noun: points of songs, with what they were computed from.

Feature blocks, vectors of lyrics, principal components, latents of any model and fusions of these
are all `Representation`s. The columns they were computed from travel along, so that a leak of a
label can be neither forgotten nor written by hand.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from musicvae_jax.songs import LABELS


class Representation(NamedTuple):
    """Points of songs.

    Attributes:
        name: what tables call it: "statistics", "vae", "lyrics_tfidf+vae".
        songs: music_id of each song, `[songs]`.
        points: float32 `[seeds, songs, dimensions]`, perhaps memory-mapped; one seed where nothing
            is drawn.
        known: which songs it says anything about, bool `[songs]`; the points of the others mean
            nothing.
        columns_seen: columns of the song table it was computed from. Scores against labels among
            them, and against labels that follow from them, are leaks, not results.
    """

    name: str
    songs: np.ndarray
    points: np.ndarray
    known: np.ndarray
    columns_seen: tuple[str, ...]

    def of_seed(self, place: int) -> np.ndarray:
        """Points `[songs, dimensions]` under the seed at a place of an experiment's seeds."""
        return self.points[place if len(self.points) > 1 else 0]

    def at(self, places: np.ndarray) -> "Representation":
        """The songs at some places; no copy where those are all of them."""
        if len(places) == len(self.songs) and np.array_equal(places, np.arange(len(places))):
            return self
        # take, unlike an index, leaves the songs of a seed side by side in memory.
        points = np.take(self.points, places, axis=1)
        return self._replace(songs=self.songs[places], points=points, known=self.known[places])

    @property
    def labels_seen(self) -> tuple[str, ...]:
        """The labels among the columns."""
        return tuple(column for column in self.columns_seen if column in LABELS)


def union(*columns: Sequence[str]) -> tuple[str, ...]:
    """All columns, each once, in the order of their first appearance.

    Example:
        >>> union(("melspectrogram",), ("lyrics", "melspectrogram"))
        ('melspectrogram', 'lyrics')
    """
    return tuple(dict.fromkeys(column for of_one in columns for column in of_one))


class Projection(NamedTuple):
    """A linear projection: principal components of training songs.

    Attributes:
        mean: of the training songs, `[features]`.
        components: `[components, features]`.
    """

    mean: np.ndarray
    components: np.ndarray


def fit_pca(x: np.ndarray, train: np.ndarray, n_components: int) -> Projection:
    """Principal components of the training songs.

    Args:
        x: standardised features, `[songs, features]`.
        train: places of the training songs.
        n_components: dimensions wanted; fewer come back if songs or features are fewer.

    Example:
        >>> x = np.array([[0.0, 0.0], [4.0, 0.0], [2.0, 1.0], [2.0, -1.0]])
        >>> abs(fit_pca(x, np.arange(4), 1).components)
        array([[1., 0.]])
    """
    from sklearn.decomposition import PCA

    n_components = min(n_components, len(train), x.shape[1])
    # The full decomposition needs no random start, so PCA is the same for every seed.
    fitted = PCA(n_components, svd_solver="full").fit(x[train])
    return Projection(fitted.mean_, fitted.components_)


def apply_pca(projection: Projection, x: np.ndarray) -> np.ndarray:
    """Principal components of features `[songs, features]`, float32 `[songs, components]`.

    Example:
        >>> projection = Projection(np.array([1.0, 1.0]), np.array([[0.0, 1.0]]))
        >>> apply_pca(projection, np.array([[5.0, 3.0]]))
        array([[2.]], dtype=float32)
    """
    from sklearn.decomposition import PCA

    fitted = PCA(len(projection.components))
    fitted.mean_, fitted.components_ = projection
    return fitted.transform(x).astype(np.float32)


class Balance(NamedTuple):
    """What gives a block of a fusion mean 0 and total variance 1.

    Attributes:
        centre: float64 `[seeds, dimensions]`.
        deviation: root of the total variance, float64 `[seeds]`; 1 for a block that is constant.
    """

    centre: np.ndarray
    deviation: np.ndarray


def fit_balance(points: np.ndarray) -> Balance:
    """The balance of points `[seeds, songs, dimensions]`.

    Example:
        >>> fit_balance(np.array([[[0.0, 2.0], [6.0, 10.0]]]))
        Balance(centre=array([[3., 6.]]), deviation=array([5.]))
    """
    centre = points.mean(axis=1, dtype=np.float64)
    total = np.mean(np.sum((points - centre[:, None]) ** 2, axis=2), axis=1)
    return Balance(centre, np.where(total > 0, np.sqrt(total), 1.0))


def fuse(parts: Sequence[Representation], balances: Sequence[Balance]) -> Representation:
    """Representations of the same songs side by side, each of the same total variance.

    Without that, distances, and with them clusters, are those of the block with the larger
    numbers. It is known of a song if all parts are.

    Args:
        parts: one or more.
        balances: of each, from `fit_balance`.

    Raises:
        ValueError: the parts are not of the same songs in one order.

    Example:
        >>> def block(name, *values):
        ...     points = np.array([values], np.float32)
        ...     return Representation(name, np.array(["x", "y"]), points, np.ones(2, bool), (name,))
        >>> parts = [block("loud", [0], [200]), block("soft", [0.1], [0])]
        >>> both = fuse(parts, [fit_balance(part.points) for part in parts])
        >>> both.name, both.points.tolist()
        ('loud+soft', [[[-1.0, 1.0], [1.0, -1.0]]])
    """
    if any(not np.array_equal(part.songs, parts[0].songs) for part in parts[1:]):
        raise ValueError(
            "parts: got different songs, expected representations of the same songs in one order"
        )
    n_seeds = max(len(part.points) for part in parts)
    balanced = [
        (part.points - one.centre[:, None]) / one.deviation[:, None, None]
        for part, one in zip(parts, balances, strict=True)
    ]
    spread = [np.broadcast_to(block, (n_seeds, *block.shape[1:])) for block in balanced]
    return Representation(
        name="+".join(part.name for part in parts),
        songs=parts[0].songs,
        points=np.ascontiguousarray(np.concatenate(spread, axis=2), np.float32),
        known=np.all([part.known for part in parts], axis=0),
        columns_seen=union(*(part.columns_seen for part in parts)),
    )
