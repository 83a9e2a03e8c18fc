"""Representations: songs as points, with the columns they were computed from.

Feature blocks, lyrics vectors, principal components, latents of any model and fusions of these are
all `Representation`s. Each carries the columns it was computed from, so that label leaks are
detected automatically.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from musicvae_jax.songs import LABELS

# Relative to that of the first component; less is rounding.
_LEAST_VARIANCE = 1e-10
# More songs are not decomposed themselves, which takes three copies of their features.
_MOST_DECOMPOSED = 10_000
_SONGS_AT_ONCE = 8192


class Representation(NamedTuple):
    """Songs as points.

    Attributes:
        name: its name in tables: "statistics", "vae", "lyrics_tfidf+vae".
        songs: music_id of each song, `[songs]`.
        points: float32 `[seeds, songs, dimensions]`, possibly memory-mapped; one seed if nothing is
            random.
        known: which songs have a point, bool `[songs]`; the points of other songs mean nothing.
        columns_seen: columns of the song table it was computed from. Scores against labels among
            them, and against labels that follow from them, are leaks, not results.
    """

    name: str
    songs: np.ndarray
    points: np.ndarray
    known: np.ndarray
    columns_seen: tuple[str, ...]

    def of_seed(self, place: int) -> np.ndarray:
        """Points `[songs, dimensions]` for the seed at index `place` of the experiment's seeds."""
        return self.points[place if len(self.points) > 1 else 0]

    def at(self, places: np.ndarray) -> "Representation":
        """The songs at the given places; no copy if those are all songs."""
        if len(places) == len(self.songs) and np.array_equal(places, np.arange(len(places))):
            return self
        # Unlike indexing, take keeps the songs of a seed contiguous in memory.
        points = np.take(self.points, places, axis=1)
        return self._replace(songs=self.songs[places], points=points, known=self.known[places])

    @property
    def labels_seen(self) -> tuple[str, ...]:
        """The labels among the columns."""
        return tuple(column for column in self.columns_seen if column in LABELS)


class TextVectors(NamedTuple):
    """Vectors of songs from their lyrics or tags, which some songs lack.

    Attributes:
        values: float32 `[songs, dims]`; zeros for songs without the text.
        known: bool `[songs]`: which songs have it.
    """

    values: np.ndarray
    known: np.ndarray


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
        mean: mean of the training songs, `[features]`.
        components: `[components, features]`.
    """

    mean: np.ndarray
    components: np.ndarray


def fit_pca(
    x: np.ndarray, train: np.ndarray, n_components: int, whitened: bool = False
) -> Projection:
    """Principal components of the training songs.

    Args:
        x: standardised features, `[songs, features]`.
        train: places of the training songs.
        n_components: number of components; fewer if there are fewer songs or features.
        whitened: scale the projection on each component to variance 1 over the training songs, and
            leave out components without variance. These are the posterior means of a linear VAE up
            to a factor for each dimension (Lucas et al., Don't Blame the ELBO!, 2019), so a VAE
            that beats PCA may owe it to nothing else.

    Example:
        >>> x = np.array([[0.0, 0.0], [4.0, 0.0], [2.0, 1.0], [2.0, -1.0]])
        >>> abs(fit_pca(x, np.arange(4), 1).components)
        array([[1., 0.]])
    """
    pair = fit_pca_pair(x, train, n_components)
    return pair.whitened if whitened else pair.plain


class PcaPair(NamedTuple):
    """The same principal components, plain and whitened; see `fit_pca`."""

    plain: Projection
    whitened: Projection


def fit_pca_pair(x: np.ndarray, train: np.ndarray, n_components: int) -> PcaPair:
    """Principal components of the training songs, plain and whitened, from one decomposition.

    Args:
        x: see `fit_pca`.
        train: see `fit_pca`.
        n_components: see `fit_pca`.

    Example:
        >>> x = np.array([[0.0, 0.0], [4.0, 0.0], [2.0, 1.0], [2.0, -1.0]])
        >>> pair = fit_pca_pair(x, np.arange(4), 1)
        >>> abs(pair.plain.components), abs(pair.whitened.components).round(3)
        (array([[1., 0.]]), array([[0.612, 0.   ]]))
    """
    n_components = min(n_components, len(train), x.shape[1])
    directions = _few_songs if len(train) <= _MOST_DECOMPOSED else _many_songs
    mean, components, variance = directions(x, train, n_components)
    varies = variance > _LEAST_VARIANCE * variance[0]
    scaled = components[varies] / np.sqrt(variance[varies])[:, None]
    return PcaPair(Projection(mean, components), Projection(mean, scaled))


def _few_songs(
    x: np.ndarray, train: np.ndarray, n_components: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean, components and the variance along each, from the singular values of the songs."""
    from sklearn.decomposition import PCA

    # The full decomposition has no random start, so PCA is the same for every seed.
    fitted = PCA(n_components, svd_solver="full").fit(x[train])
    return fitted.mean_, fitted.components_, fitted.explained_variance_


def _many_songs(
    x: np.ndarray, train: np.ndarray, n_components: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The same from the songs' covariance, summed in float64 over blocks of them."""
    from scipy.linalg import eigh
    from sklearn.utils.extmath import svd_flip

    n_songs, n_features = len(train), x.shape[1]
    blocks = [train[i : i + _SONGS_AT_ONCE] for i in range(0, n_songs, _SONGS_AT_ONCE)]
    sums = [x[block].sum(axis=0, dtype=np.float64) for block in blocks]
    mean = np.sum(sums, axis=0) / n_songs
    scatter = np.zeros((n_features, n_features))
    for block in blocks:
        centred = x[block] - mean
        scatter += centred.T @ centred
    wanted = (n_features - n_components, n_features - 1)
    variance, directions = eigh(scatter / (n_songs - 1), subset_by_index=wanted)
    # Largest first, with the signs that PCA gives.
    _, components = svd_flip(None, directions.T[::-1], u_based_decision=False)
    variance = np.maximum(variance[::-1], 0.0)
    return tuple(part.astype(x.dtype, copy=False) for part in (mean, components, variance))


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
    """The shift and scale that give a block of a fusion mean 0 and total variance 1.

    Attributes:
        centre: mean, float64 `[seeds, dimensions]`.
        deviation: square root of the total variance, float64 `[seeds]`; 1 for a constant block.
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
    """Joins representations of the same songs, each scaled to the same total variance.

    Otherwise the part with the larger numbers would decide distances, and so clusters. The result
    knows a song if all parts do.

    Args:
        parts: one or more.
        balances: the balance of each, from `fit_balance`.

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
