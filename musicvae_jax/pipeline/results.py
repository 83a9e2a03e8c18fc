"""A run's output folders: written aside, then put in place whole, the manifest last."""

import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from musicvae_jax.config.folder import CARDS, FIGURES, MANIFEST, PROJECTIONS, RECONSTRUCTIONS
from musicvae_jax.errors import InputError
from musicvae_jax.runtime.files import read_json, remove_empty
from musicvae_jax.trained import Trained, save

CHECKPOINT = "checkpoint"
_PARTIAL = ".partial-"
_SWAP = ".replacing-"
# Everything a run may leave in its results folder. Files of other names are not ours to remove.
_ENTRIES = (
    "config.json",
    "metrics.csv",
    "significance.csv",
    "spaces.csv",
    "history.csv",
    "posterior.csv",
    "posterior_summary.csv",
    "cluster_selection.csv",
    "stability.csv",
    "disentanglement.csv",
    "latents.parquet",
    PROJECTIONS,
    RECONSTRUCTIONS,
    "rejected.csv",
    CARDS,
    FIGURES,
)


@contextmanager
def staged_results(name: str, results_dir: Path, checkpoint_dir: Path) -> Iterator[Path]:
    """A scratch folder whose contents replace the last run's when the block ends well.

    Whatever the block writes as "checkpoint" goes to `checkpoint_dir`, the rest to `results_dir`.
    A results folder is whole exactly if it holds manifest.json: that file is the first to go and
    the last to come. If the block fails, or putting results in place does, the last run's stay.
    What runs that were killed have left is removed; no other run may be at work, see `lock`.

    Args:
        name: the experiment, whose earlier run may be replaced.
        results_dir: made if it is not there.
        checkpoint_dir: its parent is made if it is not there.

    Raises:
        InputError: a folder cannot be made or written, or holds something of the name of a result
            that no run of this experiment put there.
    """
    # A link to a folder stays a link; what it points to gets the results.
    results_dir, checkpoint_dir = results_dir.resolve(), checkpoint_dir.resolve()
    _check_replaceable(name, results_dir, checkpoint_dir)
    # In a folder that it shares with others a run goes by its name.
    beside = f"{_PARTIAL}{checkpoint_dir.name}-"
    _remove_all(results_dir.glob(f"{_PARTIAL}*"))
    _remove_all(checkpoint_dir.parent.glob(f"{beside}*"))
    with _scratch_folder(results_dir, _PARTIAL) as stage:
        # Made now, so that an unwritable place is found before the work is done.
        with _scratch_folder(checkpoint_dir.parent, beside):
            yield stage
        killed_in_swap = list(results_dir.glob(f"{_SWAP}*"))
        with _scratch_folder(results_dir, _SWAP) as old:
            _move_all(_swap(stage, old, results_dir, checkpoint_dir))
            # Until now they said that what was half in place was ours.
            _remove_all(killed_in_swap)


def replace_checkpoint(directory: Path, trained: Trained) -> None:
    """Writes a checkpoint to a folder, in place of the one that is there, if any.

    Raises:
        InputError: the folder cannot be written, or is there and is no checkpoint.
    """
    directory = directory.resolve()
    if directory.exists() and not _is_checkpoint(directory):
        raise InputError(f"{directory}: is there and is not a checkpoint; move it")
    with _scratch_folder(directory.parent, _PARTIAL) as stage:
        save(trained, stage / "new")
        _move_all([(directory, stage / "old"), (stage / "new", directory)])


def _check_replaceable(name: str, results_dir: Path, checkpoint_dir: Path) -> None:
    # The folder of a swap is still there if a run was killed in the middle of one.
    is_ours = _is_manifest_of(name, results_dir / MANIFEST) or any(results_dir.glob(f"{_SWAP}*"))
    entries = () if is_ours else (*_ENTRIES, MANIFEST)
    strangers = [results_dir / entry for entry in entries if (results_dir / entry).exists()]
    if checkpoint_dir.exists() and not _is_checkpoint(checkpoint_dir):
        strangers.append(checkpoint_dir)
    if strangers:
        raise InputError(
            f"output folder: {strangers[0]} is there and no run of {name} made it; "
            "move it, or choose another folder with --output-dir"
        )


def _is_manifest_of(name: str, path: Path) -> bool:
    content = read_json(path)
    return content is not None and content.get("experiment") == name and "data" in content


def _is_checkpoint(folder: Path) -> bool:
    return folder.is_dir() and all(
        child.name.isdigit() and (child / "_CHECKPOINT_METADATA").is_file()
        for child in folder.iterdir()
    )


def _swap(
    stage: Path, old: Path, results_dir: Path, checkpoint_dir: Path
) -> Iterator[tuple[Path, Path]]:
    """The moves, in order, that put the last run's results aside and the new ones in place."""
    yield results_dir / MANIFEST, old / MANIFEST
    targets = {CHECKPOINT: checkpoint_dir} | {entry: results_dir / entry for entry in _ENTRIES}
    for entry, target in targets.items():
        yield target, old / entry
        yield stage / entry, target
    yield stage / MANIFEST, results_dir / MANIFEST


def _move_all(moves: Iterable[tuple[Path, Path]]) -> None:
    """Makes every move whose source is there; if one fails, takes back those before it."""
    done = []
    try:
        for source, target in moves:
            if source.exists():
                shutil.move(source, target)
                done.append((source, target))
    except BaseException:
        for source, target in reversed(done):
            shutil.move(target, source)
        raise


@contextmanager
def _scratch_folder(parent: Path, prefix: str) -> Iterator[Path]:
    missing: list[Path] = []
    try:
        missing = [folder for folder in (parent, *parent.parents) if not folder.exists()]
        parent.mkdir(parents=True, exist_ok=True)
        stage = Path(tempfile.mkdtemp(dir=parent, prefix=prefix))
    except OSError as error:
        remove_empty(missing)
        raise InputError(
            f"output folder {parent}: cannot be written ({error.strerror}); "
            "choose another with --output-dir"
        ) from error
    try:
        yield stage
    finally:
        shutil.rmtree(stage)
        remove_empty(missing)


def _remove_all(folders: Iterable[Path]) -> None:
    for folder in folders:
        shutil.rmtree(folder)
