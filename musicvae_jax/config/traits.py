"""What each kind of model and clusterer can do: the one place that knows them by name.

Everything else asks these tables. A new model or clusterer is a file of its own and a row here.
"""

from typing import Literal, NamedTuple

ModelKind = Literal["vae", "ae", "conv_vae", "pca", "raw"]
Clusterer = Literal["kmeans", "agglomerative", "dbscan", "gmm_full", "gmm_diag"]


class ModelTraits(NamedTuple):
    """What a kind of model is.

    Attributes:
        module: the Flax module that is trained, as "file.Class" in `musicvae_jax.models`; "" where
            nothing is trained.
        settings: attributes of the module that this kind fixes. The others of a `ModelConfig`'s
            names come from there.
        reads: what one example is: a row of features, or a crop of a mel spectrogram.
        has_kl: whether it has a posterior that a KL term pulls to a prior.
        conditional: whether it can be given a label as a condition.
        linear: whether its latents are principal components. Where nothing is trained and this is
            false, they are the features as they are.
    """

    module: str = ""
    settings: tuple[tuple[str, object], ...] = ()
    reads: Literal["rows", "crops"] = "rows"
    has_kl: bool = False
    conditional: bool = False
    linear: bool = False

    @property
    def trained(self) -> bool:
        return self.module != ""


MODELS: dict[ModelKind, ModelTraits] = {
    "vae": ModelTraits("mlp.MLPAutoencoder", has_kl=True, conditional=True),
    "ae": ModelTraits("mlp.MLPAutoencoder", (("deterministic", True),), conditional=True),
    "conv_vae": ModelTraits("conv.ConvAutoencoder", reads="crops", has_kl=True),
    "pca": ModelTraits(linear=True),
    "raw": ModelTraits(),
}


class ClustererTraits(NamedTuple):
    """What a clusterer does.

    Attributes:
        function: where it is, as "file.function" in `musicvae_jax.clustering`.
        leaves_noise: whether songs may be in no cluster; its scores then have a second row, of the
            clustered songs alone.
        draws: whether its clusters depend on the seed where all songs are clustered.
    """

    function: str
    leaves_noise: bool = False
    draws: bool = True


CLUSTERERS: dict[Clusterer, ClustererTraits] = {
    "kmeans": ClustererTraits("partitions.kmeans"),
    "agglomerative": ClustererTraits("partitions.agglomerative", draws=False),
    "dbscan": ClustererTraits("density.dbscan", leaves_noise=True, draws=False),
    "gmm_full": ClustererTraits("mixtures.gmm_full"),
    "gmm_diag": ClustererTraits("mixtures.gmm_diag"),
}
