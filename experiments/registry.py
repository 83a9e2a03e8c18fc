"""The named experiments: what each is for and how it differs from its base."""

from dataclasses import replace

from musicvae_jax.config import Experiment, ModelConfig

_VAE = Experiment("easy_vae")


def _named(name: str, base: Experiment, **changes: object) -> Experiment:
    return replace(base, name=name, **changes)


EXPERIMENTS: dict[str, tuple[str, Experiment]] = {
    experiment.name: (description, experiment)
    for description, experiment in (
        (
            "PCA of the 512 mel statistics: the linear baseline.",
            _named("easy_pca", _VAE, model=ModelConfig(kind="pca")),
        ),
        (
            "VAE of the 512 mel statistics.",
            _VAE,
        ),
        (
            "Autoencoder: deterministic encoder, no KL term.",
            _named(
                "hard_ae",
                _VAE,
                model=replace(_VAE.model, kind="ae"),
                train=replace(_VAE.train, beta=0.0),
            ),
        ),
        (
            "beta-VAE, beta 4: a stronger pull towards the prior.",
            _named("hard_beta_vae", _VAE, train=replace(_VAE.train, beta=4.0)),
        ),
        (
            "Conditional VAE, told the genre; its latents need not carry it.",
            _named("hard_cvae", _VAE, model=replace(_VAE.model, condition="genre")),
        ),
    )
}
