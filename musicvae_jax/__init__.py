"""Unsupervised clustering of multilingual songs with variational autoencoders, in JAX and Flax.

The main functions are here, imported on first use:

    import musicvae_jax as mv
    songs = mv.load_songs()
    model = mv.fit(mv.Experiment("mine"), songs)
    latents = model.encode(songs)
    clusters = mv.cluster(latents, k=9)
    print(mv.score(clusters, songs))
    print(mv.assign(model, mv.load_songs("new.parquet"), clusters))

Losses and models can be used without the rest: `from musicvae_jax.losses import gaussian_kl`,
`from musicvae_jax.models import MLPAutoencoder`.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from musicvae_jax.config import (
        ClusterConfig,
        CropConfig,
        DataConfig,
        Experiment,
        FeatureConfig,
        LyricsConfig,
        ModelConfig,
        TrainConfig,
    )
    from musicvae_jax.errors import InputError
    from musicvae_jax.representations import Representation
    from musicvae_jax.trained import Trained, load
    from musicvae_jax.verbs import Clusters, assign, cluster, fit, load_songs, score

__version__ = "0.1.0"
_CONFIGS = (
    *("ClusterConfig", "CropConfig", "DataConfig", "Experiment"),
    *("FeatureConfig", "LyricsConfig", "ModelConfig", "TrainConfig"),
)
# Name to the module that defines it.
_LAZY = {
    **dict.fromkeys(_CONFIGS, "config"),
    "InputError": "errors",
    "Representation": "representations",
    **dict.fromkeys(("Trained", "load"), "trained"),
    **dict.fromkeys(("Clusters", "assign", "cluster", "fit", "load_songs", "score"), "verbs"),
}
__all__ = [
    "ClusterConfig",
    "Clusters",
    "CropConfig",
    "DataConfig",
    "Experiment",
    "FeatureConfig",
    "InputError",
    "LyricsConfig",
    "ModelConfig",
    "Representation",
    "TrainConfig",
    "Trained",
    "assign",
    "cluster",
    "fit",
    "load",
    "load_songs",
    "score",
]


def __getattr__(name: str) -> object:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_LAZY[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
