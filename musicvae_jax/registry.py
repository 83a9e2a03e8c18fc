"""The named experiments: what each is for and how it differs from its base; and their suites."""

from dataclasses import replace

from musicvae_jax.config import Experiment, FeatureConfig, ModelConfig, TrainConfig

_VAE = Experiment("easy_vae")
_RICH = Experiment("easy_vae_mfcc", features=FeatureConfig(audio=("statistics", "mfcc")))
_CONV = Experiment(
    "medium_conv_vae",
    model=ModelConfig(kind="conv_vae", latent=64),
    train=TrainConfig(epochs=15, learning_rate=(2e-3,)),
)


def _named(name: str, base: Experiment, **changes: object) -> Experiment:
    return replace(base, name=name, **changes)


EXPERIMENTS: dict[str, tuple[str, Experiment]] = {
    experiment.name: (description, experiment)
    for description, experiment in (
        (
            "The 512 mel statistics as they are, standardised: nothing is learned.",
            _named("easy_spectral", _VAE, model=ModelConfig(kind="raw")),
        ),
        (
            "PCA of the 512 mel statistics: the linear baseline.",
            _named("easy_pca", _VAE, model=ModelConfig(kind="pca")),
        ),
        (
            "VAE of the 512 mel statistics.",
            _VAE,
        ),
        (
            "VAE of mel statistics and MFCCs.",
            _RICH,
        ),
        (
            "Convolutional VAE of mel crops.",
            _CONV,
        ),
        (
            "Lyrics alone: embeddings and TF-IDF, each as it is and centred per language.",
            _named("medium_lyrics", _VAE, model=ModelConfig(kind="raw", inputs="lyrics")),
        ),
        (
            "Latents of the convolutional VAE beside lyrics.",
            _named("medium_hybrid", _CONV, fuse=("lyrics",)),
        ),
        (
            "Autoencoder: deterministic encoder, no KL term.",
            _named(
                "hard_ae",
                _VAE,
                model=replace(_VAE.model, kind="ae"),
                train=replace(_VAE.train, beta=(0.0,)),
            ),
        ),
        (
            "beta-VAE with beta 1, 2, 4 and 8: an ever stronger pull towards the prior.",
            _named("hard_beta_vae", _VAE, train=replace(_VAE.train, beta=(1.0, 2.0, 4.0, 8.0))),
        ),
        (
            "Conditional VAE, told the genre; its latents need not carry it.",
            _named("hard_cvae", _VAE, model=replace(_VAE.model, condition="genre")),
        ),
        (
            "Conditional VAE, told the language; its latents need not carry it.",
            _named("hard_cvae_language", _VAE, model=replace(_VAE.model, condition="language")),
        ),
        (
            "Audio latents beside lyrics, with and without the genre as a third block.",
            _named("hard_multimodal", _RICH, fuse=("lyrics", "genre")),
        ),
        (
            "Multimodal VAE: one encoder for audio and lyrics.",
            _named("hard_multimodal_vae", _RICH, model=replace(_VAE.model, inputs="audio+lyrics")),
        ),
    )
}

SUITES: dict[str, tuple[str, ...]] = {
    suite: tuple(name for name in EXPERIMENTS if name.startswith(f"{suite}_"))
    for suite in ("easy", "medium", "hard")
}

# The reference pipeline's names: checkpoint, experiment, and which beta of its sweep.
CHECKPOINT_NAMES: tuple[tuple[str, str, float | None], ...] = (
    ("autoencoder", "hard_ae", None),
    ("basic_vae", "easy_vae", None),
    ("beta_vae_4", "hard_beta_vae", 4.0),
    ("conv_vae", "medium_conv_vae", None),
    ("cvae", "hard_cvae", None),
)
