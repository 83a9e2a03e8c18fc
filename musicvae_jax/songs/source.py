"""Which song file a run reads when none is named."""

from pathlib import Path

FOURMULA_PATH = Path("data/4mula_tiny.parquet")
DEMO_PATH = Path("data/demo.parquet")


def find_songs(path: Path | None) -> tuple[Path, str]:
    """The song file to read and one line that says what it is.

    The named file; else 4MuLA tiny, if it has been downloaded; else the synthetic demo set, which
    the caller makes with `demo.write_demo` where it is missing.
    """
    if path is not None:
        return path, f"songs: {path}"
    if FOURMULA_PATH.exists():
        return FOURMULA_PATH, f"songs: 4MuLA tiny ({FOURMULA_PATH})"
    return DEMO_PATH, (
        f"songs: the built-in synthetic demo set ({DEMO_PATH}); for real music: "
        "python -m musicvae_jax.download 4mula-tiny"
    )
