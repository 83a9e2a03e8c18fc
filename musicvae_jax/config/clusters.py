"""Which clusterers run, and how k is chosen."""

import dataclasses
from typing import Literal, get_args

from musicvae_jax.config.checks import require, require_one_of, require_some_of
from musicvae_jax.config.field_types import conform
from musicvae_jax.config.traits import Clusterer, KRule

ScoredSongs = Literal["complete", "all"]


@dataclasses.dataclass(frozen=True)
class ClusterConfig:
    """Which clusterers run, and how k is chosen."""

    methods: tuple[Clusterer, ...] = ("kmeans", "agglomerative", "dbscan", "gmm_full", "gmm_diag")
    """kmeans, agglomerative (Ward), gmm_full and gmm_diag (Gaussian mixtures), consensus (of many
    K-Means) and umap_gmm (a mixture on UMAP coordinates) make k clusters;
    dbscan and hdbscan find their own number and leave noise."""
    songs: ScoredSongs = "complete"
    """Which songs are clustered and scored. complete: those with all lyrics and tags that the
    experiment uses; all: every song that the model can read, with what it has; baselines that do
    not know all of these songs are left out."""
    k: int | None = None
    """Number of clusters, at least 2; by default choose_k picks it from k_min .. k_max."""
    choose_k: KRule = "elbow"
    """elbow: the k at which the within-cluster sum of squares of K-Means bends most; of the four it
    came nearest to known genres (benchmarks/k_rules.py), but it depends on k_min and k_max and
    never picks the first k of a smooth curve. silhouette: the k with the best mean silhouette,
    often 2. stability: the largest k at which K-Means clusterings of random subsets of the songs
    agree nearly best on the songs they share; pac: the k at which the fewest pairs of songs are
    together in some such clusterings and apart in others. The last two take many more runs of
    K-Means, pac the most."""
    k_min: int = 2
    """Smallest k tried; at least 2."""
    k_max: int = 20
    """Largest k tried; at least k_min."""
    restarts: int = 10
    """Initialisations of K-Means and the mixtures, the best of which is kept; at least 1."""
    min_samples: int = 5
    """dbscan: how many songs within eps, itself included, make a song a core point; at least 2."""
    exact_songs: int = 10_000
    """Up to this many songs, everything is computed on all of them; at least 100, k and k_max.
    Above it, time and memory grow no faster than the number of songs: kmeans starts from a sample
    of this size, agglomerative joins many small K-Means clusters, the other clusterers, such as
    consensus and umap_gmm, are fitted to the sample and assign the other songs afterwards; the
    silhouette is estimated from a sample, with its standard error; stability, pac, verdicts, the
    supervised reference, disentanglement, t-SNE and UMAP use a sample."""

    def __post_init__(self) -> None:
        conform(self, "cluster")
        require_some_of("cluster.methods", self.methods, get_args(Clusterer))
        require("kmeans" in self.methods, "cluster.methods", self.methods, "'kmeans' among them")
        require_one_of("cluster.songs", self.songs, get_args(ScoredSongs))
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
