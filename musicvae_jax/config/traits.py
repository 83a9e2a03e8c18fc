"""What each kind of model, clusterer, rule for k and tracker does: the only place that lists them.

All other code looks here. To add a model, clusterer or tracker, write its file, and add its name
and its row.
"""

from typing import Any, Literal, NamedTuple

ModelKind = Literal[
    "vae", "ae", "conv_vae", "mvae", "mopoe", "mvtcae", "vade", "pca", "whitened_pca", "raw"
]
Clusterer = Literal[
    "kmeans",
    "agglomerative",
    "dbscan",
    "hdbscan",
    "gmm_full",
    "gmm_diag",
    "consensus",
    "umap_gmm",
]
KRule = Literal["elbow", "silhouette", "stability", "pac"]
TrackerName = Literal["tensorboard"]


class ModelTraits(NamedTuple):
    """What a kind of model can do.

    Attributes:
        module: the Flax module to train, as "file.Class" in `musicvae_jax.models`; "" for a model
            without training.
        settings: attributes of the module that this kind fixes. The `ModelConfig` sets the others.
        reads: what one example is: a row of features; the same row as blocks, some of which may be
            missing; or a crop of a mel spectrogram.
        has_kl: whether it has a posterior that a KL term pulls towards a prior.
        conditional: whether it can take a label as a condition.
        linear: whether its latents are principal components. A model that is neither trained nor
            linear returns the features themselves.
        whitened: whether these components have variance 1.
        has_normal_prior: whether its prior, if it has one, is the standard normal. Otherwise it is
            a mixture, which is fitted to the latents of an autoencoder before training.
    """

    module: str = ""
    settings: tuple[tuple[str, Any], ...] = ()
    reads: Literal["rows", "blocks", "crops"] = "rows"
    has_kl: bool = False
    conditional: bool = False
    linear: bool = False
    whitened: bool = False
    has_normal_prior: bool = True

    @property
    def trained(self) -> bool:
        return self.module != ""


MODELS: dict[ModelKind, ModelTraits] = {
    "vae": ModelTraits("mlp.MLPAutoencoder", has_kl=True, conditional=True),
    "ae": ModelTraits("mlp.MLPAutoencoder", (("deterministic", True),), conditional=True),
    "conv_vae": ModelTraits("conv.ConvAutoencoder", reads="crops", has_kl=True),
    "mvae": ModelTraits("mvae.MVAE", reads="blocks", has_kl=True),
    "mopoe": ModelTraits("mopoe.MoPoE", reads="blocks", has_kl=True),
    "mvtcae": ModelTraits("mvtcae.MVTCAE", reads="blocks", has_kl=True),
    "vade": ModelTraits("vade.VaDE", has_kl=True, has_normal_prior=False),
    "pca": ModelTraits(linear=True),
    "whitened_pca": ModelTraits(linear=True, whitened=True),
    "raw": ModelTraits(),
}


class ClustererTraits(NamedTuple):
    """What a clusterer can do.

    Attributes:
        function: "file.function" in `musicvae_jax.clustering`.
        leaves_noise: whether songs may be in no cluster. Its scores then have a second row, for
            the clustered songs only.
        takes_k: whether it takes the number of clusters.
        draws: whether its clusters depend on the seed when all songs are clustered.
    """

    function: str
    leaves_noise: bool = False
    takes_k: bool = True
    draws: bool = True


CLUSTERERS: dict[Clusterer, ClustererTraits] = {
    "kmeans": ClustererTraits("partitions.kmeans"),
    "agglomerative": ClustererTraits("partitions.agglomerative", draws=False),
    "dbscan": ClustererTraits("density.dbscan", leaves_noise=True, takes_k=False, draws=False),
    "hdbscan": ClustererTraits("hdbscan.hdbscan", leaves_noise=True, takes_k=False, draws=False),
    "gmm_full": ClustererTraits("mixtures.gmm_full"),
    "gmm_diag": ClustererTraits("mixtures.gmm_diag"),
    "consensus": ClustererTraits("consensus.consensus"),
    "umap_gmm": ClustererTraits("umap_gmm.umap_gmm"),
}


class KRuleTraits(NamedTuple):
    """How a rule chooses the number of clusters.

    Attributes:
        choose: "file.function" in `musicvae_jax.clustering`: from the curves of K-Means to a k.
        spoken: what sentences call the rule.
        measure: "file.function" in `musicvae_jax.evaluation`: (points, k, config, seed, number of
            seeds) to the value at k of the curve that has the rule's name; "" for a rule that
            reads a curve of every run.
    """

    choose: str
    spoken: str
    measure: str = ""


K_RULES: dict[KRule, KRuleTraits] = {
    "elbow": KRuleTraits("choice.elbow_k", "the elbow"),
    "silhouette": KRuleTraits("choice.silhouette_k", "the silhouette"),
    "stability": KRuleTraits("choice.stable_k", "stability", "agreement.kmeans_stability"),
    "pac": KRuleTraits("choice.unambiguous_k", "the PAC", "ambiguity.kmeans_pac"),
}


class TrackerTraits(NamedTuple):
    """What follows a run while it trains.

    Attributes:
        tracker: "file.Class" in `musicvae_jax.tracking`, made with the experiment.
        package: what it imports, which the extra with the tracker's name installs; "" for nothing
            that would need an extra.
    """

    tracker: str
    package: str = ""


TRACKERS: dict[TrackerName, TrackerTraits] = {
    "tensorboard": TrackerTraits("tensorboard.TensorBoard", package="tensorboardX"),
}
