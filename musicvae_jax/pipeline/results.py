"""A run's output folders: written to a temporary folder, then moved into place, manifest last."""

import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from musicvae_jax.config import Experiment, from_json
from musicvae_jax.config.folder import (
    CARDS,
    CONFIG,
    FIGURES,
    MANIFEST,
    MAP,
    MAP_SONGS,
    MODEL_CARD,
    NEIGHBOURS,
    PROJECTIONS,
    RECONSTRUCTIONS,
    THUMBNAILS,
)
from musicvae_jax.errors import InputError
from musicvae_jax.runtime.files import read_json, remove_empty
from musicvae_jax.trained import Trained, load, save

CHECKPOINT = "checkpoint"
_PARTIAL = ".partial-"
_SWAP = ".replacing-"
# Everything a run may leave in its results folder. Other files are not ours to remove.
_ENTRIES = (
    CONFIG,
    "metrics.csv",
    "significance.csv",
    "spaces.csv",
    "comparisons.csv",
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
    MAP_SONGS,
    NEIGHBOURS,
    THUMBNAILS,
    MAP,
)


@contextmanager
def staged_results(name: str, results_dir: Path, checkpoint_dir: Path) -> Iterator[Path]:
    """A temporary folder whose contents replace the last run's results if the block succeeds.

    Whatever the block writes as "checkpoint" goes to `checkpoint_dir`, the rest to `results_dir`.
    Results are complete exactly if there is a manifest.json: it is the first file to be removed and
    the last to be written. If the block or the replacement fails, the last run's results stay.
    Remains of killed runs are removed, so no other run may use the folder, see `lock`.

    Args:
        name: the experiment, whose earlier results may be replaced.
        results_dir: made if it does not exist.
        checkpoint_dir: its parent is made if it does not exist.

    Raises:
        InputError: a folder cannot be made or written, or holds a file with a result's name that
            no run of this experiment put there.
    """
    # A link to a folder stays a link; its target gets the results.
    results_dir, checkpoint_dir = results_dir.resolve(), checkpoint_dir.resolve()
    _check_replaceable(name, results_dir, checkpoint_dir)
    # Other runs may share this folder, so the prefix contains the run's name.
    beside = f"{_PARTIAL}{checkpoint_dir.name}-"
    _remove_all(results_dir.glob(f"{_PARTIAL}*"))
    _remove_all(checkpoint_dir.parent.glob(f"{beside}*"))
    with _scratch_folder(results_dir, _PARTIAL) as stage:
        # Made now, so that an unwritable folder is found before the work is done.
        with _scratch_folder(checkpoint_dir.parent, beside):
            yield stage
        killed_in_swap = list(results_dir.glob(f"{_SWAP}*"))
        with _scratch_folder(results_dir, _SWAP) as old:
            _move_all(_swap(stage, old, results_dir, checkpoint_dir))
            # Until now they marked half-replaced results as ours.
            _remove_all(killed_in_swap)


def replace_checkpoint(directory: Path, trained: Trained, card: str) -> None:
    """Writes a checkpoint to a folder and replaces an older one there.

    Args:
        directory: its parent must exist or be possible to make.
        trained: the model.
        card: the text of its model card.

    Raises:
        InputError: the folder cannot be written, or exists and is not a checkpoint.
    """
    directory = directory.resolve()
    if directory.exists() and not _is_checkpoint(directory):
        raise InputError(f"{directory}: exists and is not a checkpoint; move it")
    with _scratch_folder(directory.parent, _PARTIAL) as stage:
        save(trained, stage / "new")
        (stage / "new" / MODEL_CARD).write_text(card, encoding="utf-8")
        _move_all([(directory, stage / "old"), (stage / "new", directory)])


def load_run(folder: Path) -> Trained:
    """The model of a run.

    Args:
        folder: see `find_checkpoint`.

    Raises:
        InputError: see `find_checkpoint` and `load`, or the checkpoint is that of another run than
            the results.
    """
    checkpoint = find_checkpoint(folder)
    trained, config = load(checkpoint), read_json(folder / CONFIG)
    if config is not None and not _is_config_of(config, trained.experiment):
        raise InputError(
            f"{folder}: its checkpoint {checkpoint} is of a run with other settings than "
            f"{folder / CONFIG}, expected the same: a later run may have replaced it"
        )
    return trained


def find_checkpoint(folder: Path) -> Path:
    """The folder of a run's checkpoint.

    Args:
        folder: that folder, or the run's results folder, which may have been moved together with
            its checkpoint.

    Raises:
        InputError: the folder does not exist, is neither of both, or holds results whose checkpoint
            is gone.
    """
    expected = "expected the checkpoint or the results folder of a run"
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; {expected}")
    config = read_json(folder / CONFIG)
    if config is None:
        if not any(child.name.isdigit() for child in folder.iterdir()):
            raise InputError(f"{folder}: holds no checkpoint and no config.json; {expected}")
        return folder
    if config.get("output_dir") is not None:
        found = folder / CHECKPOINT
    else:
        # Of the name that was given: results/NAME may be a link to another place.
        named = Path(os.path.abspath(folder))  # noqa: PTH100 - resolve would follow the link
        found = named.parents[1] / "checkpoints" / str(config.get("name"))
    if not found.is_dir():
        raise InputError(f"{folder}: its checkpoint is not at {found}; expected it there")
    return found


def _check_replaceable(name: str, results_dir: Path, checkpoint_dir: Path) -> None:
    # A run killed in the middle of a swap leaves the swap's folder.
    is_ours = _is_manifest_of(name, results_dir / MANIFEST) or any(results_dir.glob(f"{_SWAP}*"))
    entries = () if is_ours else (*_ENTRIES, MANIFEST)
    strangers = [results_dir / entry for entry in entries if (results_dir / entry).exists()]
    if checkpoint_dir.exists() and not _is_checkpoint(checkpoint_dir):
        strangers.append(checkpoint_dir)
    if strangers:
        raise InputError(
            f"output folder: {strangers[0]} exists and no run of {name} made it; "
            "move it, or choose another folder with --output-dir"
        )


def _is_manifest_of(name: str, path: Path) -> bool:
    content = read_json(path)
    return content is not None and content.get("experiment") == name and "data" in content


def _is_config_of(config: Mapping[str, Any], experiment: Experiment) -> bool:
    try:
        # One of an earlier version lacks settings, as its checkpoint does.
        return from_json(Experiment, config) == experiment
    except (KeyError, TypeError, ValueError):
        return False


def _is_checkpoint(folder: Path) -> bool:
    if not folder.is_dir():
        return False
    children = list(folder.iterdir())
    steps = [child for child in children if child.name != MODEL_CARD]
    # Any folder may hold a README.md; only beside a step is it ours.
    return (bool(steps) or not children) and all(
        step.name.isdigit() and (step / "_CHECKPOINT_METADATA").is_file() for step in steps
    )


def _swap(
    stage: Path, old: Path, results_dir: Path, checkpoint_dir: Path
) -> Iterator[tuple[Path, Path]]:
    """The moves, in order, that set the last run's results aside and put the new ones in place."""
    yield results_dir / MANIFEST, old / MANIFEST
    targets = {CHECKPOINT: checkpoint_dir} | {entry: results_dir / entry for entry in _ENTRIES}
    for entry, target in targets.items():
        yield target, old / entry
        yield stage / entry, target
    yield stage / MANIFEST, results_dir / MANIFEST


def _move_all(moves: Iterable[tuple[Path, Path]]) -> None:
    """Makes every move whose source exists; if one fails, undoes those before it."""
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
    except BaseException:
        # Threads of a failed save may still write there; the next run removes what they leave.
        shutil.rmtree(stage, ignore_errors=True)
        remove_empty(missing)
        raise
    shutil.rmtree(stage)
    remove_empty(missing)


def _remove_all(folders: Iterable[Path]) -> None:
    for folder in folders:
        shutil.rmtree(folder)
