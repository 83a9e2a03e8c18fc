"""Saving a training while it runs, so that the same command resumes it."""

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
# What reading a damaged checkpoint has been seen to raise.
_DAMAGED = (ValueError, TypeError, KeyError, OSError, EOFError)
# Orbax tells all saves of a process apart by one counter. Two at a time, of members that train in
# threads, would wait for each other's signals until they give up.
_turn = Lock()
_writing: list[ocp.CheckpointManager] = []


@contextmanager
def _alone() -> Iterator[None]:
    """One at a time, and only when nothing is being written any more."""
    with _turn:
        while _writing:
            _writing.pop().wait_until_finished()
        yield


class SaveConfig(NamedTuple):
    """When progress is saved.

    Attributes:
        every: epochs between two saves, at least 1; the end of a training always is saved.
        kept: how many saves are kept, the latest ones; at least 1.
        seconds_between: the least time between two saves, so that trainings of seconds are not
            slowed down for the little they could lose.
    """

    every: int = 1
    kept: int = 2
    seconds_between: float = 10.0


class Saver:
    """Saves nothing and never stops a training; see `DiskSaver`."""

    def latest(
        self,
        blank: tuple[int, None],
        like: T,  # noqa: ARG002 - for those who have saved something
    ) -> tuple[int, T | None]:
        """How many steps were done when progress was last saved, and what was; else `blank`.

        Args:
            blank: the answer where nothing can be read.
            like: shapes of what was saved, and where its arrays shall be: a tree of
                `jax.ShapeDtypeStruct`s with sharding.
        """
        return blank

    def after(
        self, n_done: int, n_steps: int, progress: Callable[[], Any], steps_per_epoch: int = 1
    ) -> None:
        """Call it between steps.

        Args:
            n_done: steps that are done.
            n_steps: of the whole training.
            progress: called for what to save, a tree of whole arrays.
            steps_per_epoch: what the caller calls a step may be less than an epoch.

        Raises:
            StoppedError: a stop was requested; this step is saved.
        """


class DiskSaver(Saver):
    """Saves a training's progress now and then, and when a stop is requested.

    Writing happens beside the training; what is half-written when the process dies does not count
    as a checkpoint afterwards. With several processes every one makes the same calls.
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
    """`OpenSaver` for those who need none."""
    return nullcontext(Saver())


@contextmanager
def save_in(
    directory: Path,
    config: SaveConfig,
    should_stop: Callable[[], bool],
    on_notice: Callable[[str], None],
    part: str,
) -> Iterator[Saver]:
    """`OpenSaver` on disk; leave it only when the training is over or has to be resumed.

    Args:
        directory: made by `open_interrupted`.
        config: when progress is saved.
        should_stop: asked between steps; true makes the training stop.
        on_notice: called with a line on the checkpoint that the training resumes from, and on
            damaged ones that are skipped.
        part: names a part of the training; letters, digits and underscores.
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
    """Makes the folder of an interrupted training, or makes sure that it is of this one.

    Args:
        directory: the folder.
        settings: all that the training depends on, nested, ready for JSON.
        restart: throw away what is there.

    Raises:
        InputError: a training with other settings is in the folder.
    """

    def claim() -> None:
        found = None if restart else read_json(directory / _SETTINGS)
        if found is None:
            # Killed before its settings were written, so before anything was saved.
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
    """Removes what an interrupted training has left, unless it had other settings.

    Args:
        directory: need not be there.
        settings: of the training that has ended; the folder's may be more.

    Returns:
        Whether nothing is left.
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
