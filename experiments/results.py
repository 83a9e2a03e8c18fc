"""A run's output folders: written aside, then put in place whole, the manifest last."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from musicvae_jax.errors import InputError

MANIFEST = "manifest.json"
CHECKPOINT = "checkpoint"
# Everything a run may leave in its results folder. Files of other names are not ours to remove.
_ENTRIES = (
    "config.json",
    "metrics.csv",
    "history.csv",
    "cluster_selection.csv",
    "latents.parquet",
    "rejected.csv",
    "figures",
)


@contextmanager
def staged_results(results_dir: Path, checkpoint_dir: Path) -> Iterator[Path]:
    """A scratch folder whose contents replace the last run's when the block ends well.

    Whatever the block writes as "checkpoint" goes to `checkpoint_dir`, the rest to `results_dir`.
    A results folder is whole exactly if it holds manifest.json: that file is the first to go and
    the last to come. If the block fails, the last run's results stay.

    Raises:
        InputError: a folder cannot be made or written.
    """
    with _scratch_folder(results_dir) as stage, _scratch_folder(checkpoint_dir.parent):
        yield stage
        (results_dir / MANIFEST).unlink(missing_ok=True)
        _replace(stage / CHECKPOINT, checkpoint_dir)
        for entry in (*_ENTRIES, MANIFEST):
            _replace(stage / entry, results_dir / entry)


@contextmanager
def _scratch_folder(parent: Path) -> Iterator[Path]:
    made = not parent.exists()
    try:
        parent.mkdir(parents=True, exist_ok=True)
        stage = Path(tempfile.mkdtemp(dir=parent, prefix=".partial-"))
    except OSError as error:
        raise InputError(
            f"output folder {parent}: cannot be written ({error.strerror}); "
            "choose another with --output-dir"
        ) from error
    try:
        yield stage
    finally:
        shutil.rmtree(stage)
        if made and not any(parent.iterdir()):
            parent.rmdir()


def _replace(source: Path, target: Path) -> None:
    if target.is_dir():
        shutil.rmtree(target)
    else:
        target.unlink(missing_ok=True)
    if source.exists():
        shutil.move(source, target)
