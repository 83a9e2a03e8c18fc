"""Which clusterers run, and the choice of k."""

import dataclasses
from typing import Literal, get_args

from musicvae_jax.config.checks import require, require_one_of, require_some_of
from musicvae_jax.config.traits import Clusterer

KRule = Literal["silhouette", "stability"]


@dataclasses.dataclass(frozen=True)
class ClusterConfig:
    """Which clusterers run, and the choice of k."""

    methods: tuple[Clusterer, ...] = ("kmeans", "agglomerative", "dbscan", "gmm_full", "gmm_diag")
    """kmeans, agglomerative (Ward) and gmm_full, gmm_diag (Gaussian mixtures) make k clusters;
    dbscan finds its own number and leaves noise."""
    k: int | None = None
    """Number of clusters, at least 2; by default one of k_min .. k_max, see choose_k."""
    choose_k: KRule = "silhouette"
    """silhouette: the k with the best mean silhouette of K-Means; stability: the largest k at which
    K-Means of random subsets of the songs agrees nearly best on the songs in both, which takes
    many more K-Means."""
    k_min: int = 2
    """Smallest k tried; at least 2."""
    k_max: int = 20
    """Largest k tried; at least k_min."""
    restarts: int = 10
    """K-Means and mixture initialisations, of which the best fit is kept; at least 1."""
    min_samples: int = 5
    """dbscan: songs within eps, itself included, that make a song a cluster's core; at least 2."""
    exact_songs: int = 10_000
    """Up to this many songs everything is computed on all of them; at least 100, k and k_max.
    Above, time and memory grow no faster than their number: kmeans starts from a sample of this
    many, agglomerative joins many small K-Means clusters, dbscan and the mixtures are fitted to
    the sample and the others join what is found; the silhouette is estimated from a sample, with
    its standard error, stability and disentanglement are taken on one, and t-SNE and UMAP show
    one."""

    def __post_init__(self) -> None:
        require_some_of("cluster.methods", self.methods, get_args(Clusterer))
        require("kmeans" in self.methods, "cluster.methods", self.methods, "'kmeans' among them")
        require(self.min_samples >= 2, "cluster.min_samples", self.min_samples, "at least 2")
        require(self.k is None or self.k >= 2, "cluster.k", self.k, "at least 2")
        require_one_of("cluster.choose_k", self.choose_k, get_args(KRule))
        require(self.k_min >= 2, "cluster.k_min", self.k_min, "at least 2")
        require(self.k_max >= self.k_min, "cluster.k_max", self.k_max, "at least cluster.k_min")
        require(self.restarts >= 1, "cluster.restarts", self.restarts, "at least 1")
        require(
            self.exact_songs >= max(100, self.k or 0, self.k_max),
            "cluster.exact_songs",
            self.exact_songs,
            "at least 100, cluster.k and cluster.k_max",
        )
