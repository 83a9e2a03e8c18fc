"""The named experiments, as changes to a base, their suites and the names of their checkpoints."""

from dataclasses import replace
from typing import Any, NamedTuple

from musicvae_jax.config import ClusterConfig, Experiment, FeatureConfig, ModelConfig, TrainConfig

_VAE = Experiment("easy_vae")
_RICH = Experiment("easy_vae_mfcc", features=FeatureConfig(blocks=("statistics", "mfcc")))
_AE = replace(
    _VAE,
    name="hard_ae",
    model=replace(_VAE.model, kind="ae"),
    train=replace(_VAE.train, beta=(0.0,)),
)
_CONV = Experiment(
    "medium_conv_vae",
    model=ModelConfig(kind="conv_vae", latent=64),
    train=TrainConfig(epochs=10, learning_rate=(3e-3,), decay_share=0.2),
)
_MFA = Experiment(
    "hard_mfa",
    features=FeatureConfig(blocks=("mfcc", "rhythm", "tfidf_32"), balance="mfa"),
    model=ModelConfig(kind="raw"),
)
_WITH_CONSENSUS = ClusterConfig(methods=(*ClusterConfig.methods, "consensus"))
_ALL_SONGS = ClusterConfig(songs="all")


def _named(name: str, base: Experiment, **changes: Any) -> Experiment:
    return replace(base, name=name, **changes)


class Named(NamedTuple):
    """A named experiment.

    Attributes:
        description: what it clusters.
        experiment: its settings.
        genre_ami: the genre AMI it is known to reach with its first representation: K-Means, mean
            and standard deviation over seeds 0 to 2, on the data of `KNOWN_ON`.
    """

    description: str
    experiment: Experiment
    genre_ami: str


# What the known results were measured on.
KNOWN_ON = (
    "k = 10; 695 pieces rendered from open scores, or the 555 with lyrics where those are used, as "
    "TF-IDF"
)
_NAMED = (
    Named(
        "The 512 mel statistics, standardised, without a model.",
        _named("easy_spectral", _VAE, model=ModelConfig(kind="raw")),
        ".456 ± .004",
    ),
    Named(
        "PCA of the 512 mel statistics: the linear baseline.",
        _named("easy_pca", _VAE, model=ModelConfig(kind="pca")),
        ".447 ± .003",
    ),
    Named(
        "PCA scaled to variance 1 in each of 16 components: what a VAE must beat.",
        _named("easy_whitened_pca", _VAE, model=ModelConfig(kind="whitened_pca", latent=16)),
        ".500 ± .018",
    ),
    Named("VAE of the 512 mel statistics.", _VAE, ".505 ± .004"),
    Named("VAE of mel statistics and MFCCs.", _RICH, ".525 ± .015"),
    Named("Convolutional VAE of mel crops.", _CONV, ".488 ± .001"),
    Named(
        "Lyrics alone: embeddings and TF-IDF, each plain and centred per language.",
        _named(
            "medium_lyrics",
            _VAE,
            features=FeatureConfig(blocks=("lyrics",)),
            model=ModelConfig(kind="raw"),
            alone=("lyrics_plain", "lyrics_centred", "tfidf", "tfidf_centred"),
        ),
        ".731 ± .010",
    ),
    Named(
        "Latents of the convolutional VAE joined with lyrics.",
        _named("medium_hybrid", _CONV, fuse=("lyrics",)),
        ".727 ± .008",
    ),
    Named("Autoencoder: deterministic encoder, no KL term.", _AE, ".502 ± .007"),
    Named(
        "N2D: the same autoencoder, and a Gaussian mixture on a UMAP of its latents.",
        _named("hard_n2d", _AE, cluster=ClusterConfig(methods=("kmeans", "umap_gmm"))),
        ".502 ± .007 (K-Means), .522 ± .003 (umap_gmm)",
    ),
    Named(
        "beta-VAE with beta 1, 2, 4 and 8: an ever stronger pull towards the prior.",
        _named("hard_beta_vae", _VAE, train=replace(_VAE.train, beta=(1.0, 2.0, 4.0, 8.0))),
        ".505 ± .004 (beta 1), .494 ± .003 (beta 4)",
    ),
    Named(
        "Conditional VAE, given the genre; its latents need not carry it.",
        _named("hard_cvae", _VAE, model=replace(_VAE.model, condition="genre")),
        ".374 ± .015",
    ),
    Named(
        "Conditional VAE, given the language; its latents need not carry it.",
        _named("hard_cvae_language", _VAE, model=replace(_VAE.model, condition="language")),
        ".469 ± .019",
    ),
    Named(
        "Audio latents joined with lyrics, with and without the genre as a third block.",
        _named("hard_multimodal", _RICH, fuse=("lyrics", "genre")),
        ".800 ± .015",
    ),
    Named(
        "Audio and lyrics by multiple factor analysis: a fusion without a model.",
        replace(_MFA, cluster=_WITH_CONSENSUS),
        ".774 ± .018 (K-Means), .791 ± .015 (consensus)",
    ),
    Named(
        "The same for all songs; missing lyrics are the mean of the others'.",
        _named("hard_mfa_all", _MFA, cluster=_ALL_SONGS),
        ".735 ± .009, of all 695 pieces",
    ),
    Named(
        "Multiple factor analysis with lyrics centred per language.",
        _named(
            "hard_mfa_centred",
            _MFA,
            features=replace(_MFA.features, blocks=("mfcc", "rhythm", "tfidf_32_centred")),
        ),
        ".467 ± .038",
    ),
    Named(
        "Multiple factor analysis with the style of the lyrics as a third block.",
        _named(
            "hard_mfa_style",
            _MFA,
            features=replace(_MFA.features, blocks=(*_MFA.features.blocks, "style")),
        ),
        ".746 ± .018",
    ),
    Named(
        "VAE of blocks balanced by multiple factor analysis: latents and decoded features.",
        _named("hard_mfa_vae", _MFA, model=ModelConfig(kind="vae", decoded=True)),
        ".761 ± .017 (latents), .782 ± .014 (decoded)",
    ),
    Named(
        "Multimodal VAE with a product of experts as posterior; songs may lack a part.",
        _named("hard_mvae", _MFA, model=ModelConfig(kind="mvae")),
        ".765 ± .014",
    ),
    Named(
        "Multimodal VAE with a mixture of products of experts.",
        _named("hard_mopoe", _MFA, model=ModelConfig(kind="mopoe")),
        ".744 ± .029",
    ),
    Named(
        "Multimodal VAE that maximises total correlation.",
        _named("hard_mvtcae", _MFA, model=ModelConfig(kind="mvtcae")),
        ".765 ± .007",
    ),
    Named(
        "VAE with a mixture of Gaussians as prior, one for each cluster.",
        _named("hard_vade", _VAE, model=ModelConfig(kind="vade", latent=10)),
        ".512 ± .005",
    ),
    Named(
        "Multimodal VAE: one encoder for audio and lyrics.",
        _named(
            "hard_multimodal_vae",
            _RICH,
            features=FeatureConfig(blocks=("statistics", "mfcc", "lyrics")),
        ),
        ".751 ± .019",
    ),
)
EXPERIMENTS: dict[str, Named] = {one.experiment.name: one for one in _NAMED}

SUITES: dict[str, tuple[str, ...]] = {
    suite: tuple(name for name in EXPERIMENTS if name.startswith(f"{suite}_"))
    for suite in ("easy", "medium", "hard")
}

# The reference pipeline's checkpoint names, with the experiment and the beta of its sweep.
CHECKPOINT_NAMES: dict[str, tuple[str, float | None]] = {
    "autoencoder": ("hard_ae", None),
    "basic_vae": ("easy_vae", None),
    "beta_vae_4": ("hard_beta_vae", 4.0),
    "conv_vae": ("medium_conv_vae", None),
    "cvae": ("hard_cvae", None),
}
