"""A run's output folders: written aside, then put in place whole, the manifest last."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from musicvae_jax.errors import InputError

MANIFEST = "manifest.json"
CHECKPOINT = "checkpoint"
_SCRATCH = ".partial-"
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
        InputError: a folder cannot be made or written, or holds something of the name of a result
            that no run put there.
    """
    _check_replaceable(results_dir, checkpoint_dir)
    with _scratch_folder(results_dir) as stage, _scratch_folder(checkpoint_dir.parent):
        yield stage
        (results_dir / MANIFEST).unlink(missing_ok=True)
        _replace(stage / CHECKPOINT, checkpoint_dir)
        for entry in (*_ENTRIES, MANIFEST):
            _replace(stage / entry, results_dir / entry)


def _check_replaceable(results_dir: Path, checkpoint_dir: Path) -> None:
    # A run that was killed while it put its results in place leaves its scratch folder instead
    # of a manifest.
    is_ours = (results_dir / MANIFEST).is_file() or any(results_dir.glob(f"{_SCRATCH}*"))
    strangers = [] if is_ours else [results_dir / e for e in _ENTRIES if (results_dir / e).exists()]
    is_checkpoint = any(child.name.isdigit() for child in checkpoint_dir.glob("*"))
    if checkpoint_dir.exists() and not is_checkpoint:
        strangers.append(checkpoint_dir)
    if strangers:
        raise InputError(
            f"output folder: {strangers[0]} is there and no run of this program made it; "
            "move it, or choose another folder with --output-dir"
        )


@contextmanager
def _scratch_folder(parent: Path) -> Iterator[Path]:
    missing: list[Path] = []
    try:
        missing = [folder for folder in (parent, *parent.parents) if not folder.exists()]
        parent.mkdir(parents=True, exist_ok=True)
        stage = Path(tempfile.mkdtemp(dir=parent, prefix=_SCRATCH))
    except OSError as error:
        _remove_empty(missing)
        raise InputError(
            f"output folder {parent}: cannot be written ({error.strerror}); "
            "choose another with --output-dir"
        ) from error
    try:
        yield stage
    finally:
        shutil.rmtree(stage)
        _remove_empty(missing)


def _remove_empty(folders: list[Path]) -> None:
    for folder in folders:
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()


def _replace(source: Path, target: Path) -> None:
    if target.is_dir():
        shutil.rmtree(target)
    else:
        target.unlink(missing_ok=True)
    if source.exists():
        shutil.move(source, target)
