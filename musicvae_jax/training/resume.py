"""Saves a training while it runs, so that the same command can resume it."""

import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from threading import Lock
from time import monotonic
from typing import Any, NamedTuple, TypeVar

import orbax.checkpoint as ocp

from musicvae_jax.errors import InputError, StoppedError
from musicvae_jax.runtime.devices import any_process, first_does
from musicvae_jax.runtime.files import read_json, write_json

T = TypeVar("T")
_SETTINGS = "settings.json"
# Errors that reading damaged checkpoints has raised.
_DAMAGED = (ValueError, TypeError, KeyError, OSError, EOFError)
# Orbax numbers all saves of a process with one counter. If members in two threads saved at the same
# time, they would wait for each other's signals until they time out.
_turn = Lock()
_writing: list[ocp.CheckpointManager] = []


@contextmanager
def _alone() -> Iterator[None]:
    """Lets in one thread at a time, after all pending writes have finished."""
    with _turn:
        while _writing:
            _writing.pop().wait_until_finished()
        yield


class SaveConfig(NamedTuple):
    """When to save progress.

    Attributes:
        every: epochs between two saves, at least 1; the end of a training is always saved.
        kept: how many of the latest saves to keep, at least 1.
        seconds_between: minimum time between two saves, so that saving does not slow down a
            training of a few seconds, which has little to lose.
    """

    every: int = 1
    kept: int = 2
    seconds_between: float = 10.0


class Saver:
    """Saves nothing and never stops a training; see `DiskSaver`."""

    def latest(
        self,
        blank: tuple[int, None],
        like: T,  # noqa: ARG002 - for `DiskSaver`
    ) -> tuple[int, T | None]:
        """The number of steps done at the last readable save, and the saved progress.

        Args:
            blank: the result if nothing can be read.
            like: shapes and shardings of the saved arrays: a tree of `jax.ShapeDtypeStruct`s.
        """
        return blank

    def after(
        self, n_done: int, n_steps: int, progress: Callable[[], Any], steps_per_epoch: int = 1
    ) -> None:
        """To be called after each step; saves if it is time to.

        Args:
            n_done: number of steps done.
            n_steps: number of steps of the whole training.
            progress: returns what to save, a tree of unsharded arrays.
            steps_per_epoch: how many of the caller's steps make an epoch.

        Raises:
            StoppedError: a stop was requested; this step is saved.
        """


class DiskSaver(Saver):
    """Saves a training's progress regularly, and when a stop is requested.

    Checkpoints are written while the training continues. One that is incomplete when the process
    dies is ignored afterwards. All processes of a run must make the same calls.
    """

    def __init__(
        self,
        manager: ocp.CheckpointManager,
        config: SaveConfig,
        should_stop: Callable[[], bool],
        on_notice: Callable[[str], None],
    ) -> None:
        self._manager = manager
        self._config = config
        self._should_stop = should_stop
        self._on_notice = on_notice
        self._saved_at = monotonic()
        self._last_seen = 0

    def latest(self, blank: tuple[int, None], like: T) -> tuple[int, T | None]:
        with _alone():
            for step in sorted(self._manager.all_steps(), reverse=True):
                try:
                    found = self._manager.restore(step, args=ocp.args.StandardRestore(like))
                except _DAMAGED as error:
                    self._on_notice(
                        f"checkpoint {self._manager.directory / str(step)} is damaged and "
                        "skipped: " + str(error).strip().split("\n")[0][:200]
                    )
                    self._manager.delete(step)
                else:
                    self._on_notice(
                        f"training resumes from checkpoint {self._manager.directory / str(step)}"
                    )
                    self._last_seen = step
                    return step, found
        return blank

    def after(
        self, n_done: int, n_steps: int, progress: Callable[[], Any], steps_per_epoch: int = 1
    ) -> None:
        stop = any_process(self._should_stop())
        every = self._config.every * steps_per_epoch
        is_due = n_done // every > self._last_seen // every
        is_late = monotonic() - self._saved_at >= self._config.seconds_between
        self._last_seen = n_done
        if stop or n_done == n_steps or any_process(is_due and is_late):
            self._save(n_done, progress())
        if stop:
            with _alone():
                pass
            raise StoppedError(
                f"stopped; the training is saved in {self._manager.directory.parent}, and the same "
                "command resumes it"
            )

    def _save(self, n_done: int, progress: Any) -> None:
        with _alone():
            self._manager.save(n_done, args=ocp.args.StandardSave(progress))
            _writing.append(self._manager)
        self._saved_at = monotonic()


OpenSaver = Callable[[str], AbstractContextManager[Saver]]


def save_nothing(part: str) -> AbstractContextManager[Saver]:  # noqa: ARG001 - nothing to name
    """An `OpenSaver` that saves nothing."""
    return nullcontext(Saver())


@contextmanager
def save_in(
    directory: Path,
    config: SaveConfig,
    should_stop: Callable[[], bool],
    on_notice: Callable[[str], None],
    part: str,
) -> Iterator[Saver]:
    """An `OpenSaver` on disk; leave the block only when the training has ended or stopped.

    Args:
        directory: made by `open_interrupted`.
        config: when to save progress.
        should_stop: called between steps; True stops the training.
        on_notice: called with a line about the checkpoint from which the training resumes, and
            about each damaged one that is skipped.
        part: name of a part of the training; letters, digits and underscores.
    """
    options = ocp.CheckpointManagerOptions(max_to_keep=config.kept)
    with _alone():
        manager = ocp.CheckpointManager((directory / part).absolute(), options=options)
    try:
        yield DiskSaver(manager, config, should_stop, on_notice)
    finally:
        with _alone():
            manager.close()


def open_interrupted(directory: Path, settings: Mapping[str, Any], restart: bool) -> None:
    """Makes the folder of an interrupted training, or checks that it belongs to this training.

    Args:
        directory: the folder.
        settings: everything the training depends on, nested, ready for JSON.
        restart: discard what is there.

    Raises:
        InputError: a training with other settings is in the folder.
    """

    def claim() -> None:
        found = None if restart else read_json(directory / _SETTINGS)
        if found is None:
            # A run killed before it wrote its settings has saved nothing.
            _remove(directory)
            directory.mkdir(parents=True)
            write_json(directory / _SETTINGS, dict(settings))
        elif difference := _first_difference(found, settings):
            name, before, now = difference
            raise InputError(
                f"{name}: got {now!r}, but {directory} holds an interrupted training with "
                f"{before!r}; finish it with that, or discard it with --restart"
            )

    first_does(claim, "interrupted training")


def discard_interrupted(directory: Path, settings: Mapping[str, Any]) -> bool:
    """Removes what an interrupted training has left, unless its settings are different.

    Args:
        directory: need not exist.
        settings: of the training that has ended; the folder may list further ones.

    Returns:
        Whether the folder is gone.
    """
    found = read_json(directory / _SETTINGS) or {}
    is_other = any(found.get(name, value) != value for name, value in settings.items())
    if not is_other:
        _remove(directory)
    return not is_other


def _remove(directory: Path) -> None:
    if directory.exists():
        shutil.rmtree(directory)


def _first_difference(before: Any, now: Any, name: str = "") -> tuple[str, Any, Any] | None:
    """Dotted name and values of the first setting that differs, or None."""
    if not (isinstance(before, Mapping) and isinstance(now, Mapping)):
        return None if before == now else (name, before, now)
    for key in (*before, *(key for key in now if key not in before)):
        dotted = f"{name}.{key}" if name else key
        if found := _first_difference(before.get(key), now.get(key), dotted):
            return found
    return None
