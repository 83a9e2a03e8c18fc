"""Where numbers come from: data, code, versions, device and times of a run."""

import platform
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from time import perf_counter

import jax

from musicvae_jax import __version__
from musicvae_jax.config import Experiment
from musicvae_jax.features import SongFeatures
from musicvae_jax.songs import Songs, Split

_PACKAGES = (
    "jax",
    "jaxlib",
    "flax",
    "optax",
    "orbax-checkpoint",
    "numpy",
    "pandas",
    "pyarrow",
    "scikit-learn",
    "scipy",
    "threadpoolctl",
    "umap-learn",
    "librosa",
    "matplotlib",
)


class Stopwatch:
    """Wall-clock seconds of each stage, in the order they ran."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        start = perf_counter()
        yield
        self.seconds[name] = round(perf_counter() - start, 3)


def manifest(
    experiment: Experiment, songs: Songs, features: SongFeatures, split: Split, watch: Stopwatch
) -> dict:
    """What manifest.json holds."""
    devices = jax.devices()
    return {
        "experiment": experiment.name,
        "finished_utc": datetime.now(UTC).isoformat(timespec="seconds"),
        "seeds": list(experiment.seeds),
        "data": {
            "path": str(songs.path),
            "sha256": songs.fingerprint,
            "rows": len(songs.table),
            "songs": len(features.table),
            "rejected": len(features.rejected),
            "training_songs": len(split.train),
            "heldout_songs": len(split.heldout),
            "features_from_cache": features.from_cache,
        },
        "device": {
            "backend": jax.default_backend(),
            "kind": devices[0].device_kind,
            "count": len(devices),
        },
        "versions": {
            "musicvae_jax": __version__,
            "python": platform.python_version(),
            **{name: version(name) for name in _PACKAGES},
        },
        "seconds": watch.seconds,
    }
