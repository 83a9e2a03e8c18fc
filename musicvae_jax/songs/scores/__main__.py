"""Makes the set of rendered scores: `python -m musicvae_jax.songs.scores [--out PATH]`."""

import dataclasses
import sys
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import tyro

from musicvae_jax.errors import InputError
from musicvae_jax.runtime.command import COMMON_OPTIONS, CommonOptions, parse, run_command
from musicvae_jax.runtime.files import remove_abandoned
from musicvae_jax.runtime.terminal import Terminal
from musicvae_jax.songs.scores.score_set import (
    ScoreSet,
    genres_of_one_composer,
    is_score_set,
    write_scores,
)
from musicvae_jax.songs.scores.selection import corpus_folder, corpus_version, select_pieces


@dataclasses.dataclass(frozen=True)
class Command:
    """Options of making the set."""

    out: Path = Path("data/scores.parquet")
    """The parquet file to write."""
    common: CommonOptions = COMMON_OPTIONS


def main(arguments: Sequence[str]) -> int:
    """Runs the command line; returns the exit code.

    Raises:
        SystemExit: see `run_command`.
    """
    return run_command(arguments, _run)


def _run(arguments: Sequence[str], notices_only: bool) -> None:
    command = _parse(arguments)
    terminal = Terminal(notices_only=notices_only)
    corpus = corpus_folder()
    _prepare(command.out)
    with terminal.task("selecting pieces"):
        pieces = select_pieces(corpus)
    terminal.say(
        f"scores: {len(pieces)} pieces of music21 {corpus_version()}, real music with "
        f"synthetic sound, to {command.out}"
    )
    for genre, composer in genres_of_one_composer(pieces).items():
        terminal.notice(
            f"over nine tenths of genre {genre} are by {composer}: "
            "finding the genre is finding the composer"
        )
    start = time.perf_counter()
    with terminal.progress("rendering", len(pieces)) as advance:
        made = write_scores(command.out, corpus, pieces, on_piece=advance)
    _report(made, time.perf_counter() - start, terminal)


def _parse(arguments: Sequence[str]) -> Command:
    def read() -> Command:
        return tyro.cli(
            Command,
            prog="python -m musicvae_jax.songs.scores",
            description="Render several hundred real pieces of music21's corpus with our own "
            "synthesis into the 4MuLA schema.",
            args=list(arguments),
        )

    return parse(read)


def _prepare(out: Path) -> None:
    if out.exists() and not is_score_set(out):
        raise InputError(
            f"{out}: exists and is not a set of scores; move it, or name another file with --out"
        )
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"--out {out}: its folder cannot be made ({error}); expected a path to write to"
        ) from error
    remove_abandoned(out.parent)


def _report(made: ScoreSet, seconds: float, terminal: Terminal) -> None:
    n_songs = len(made.rows)
    terminal.say(
        f"{n_songs} songs in {seconds:.0f} s, {n_songs / seconds:.1f} songs per second; "
        f"{sum(row['music_lyrics'] is not None for row in made.rows)} with lyrics"
    )
    for column, name in (("main_genre", "genres"), ("music_lang", "languages")):
        terminal.say(f"{name}: {_counted(row[column] for row in made.rows)}")
    for skipped in made.skipped:
        terminal.notice(f"left out {skipped.music_id}: {skipped.reason}")
    if made.skipped:
        terminal.notice(f"{len(made.skipped)} pieces left out")


def _counted(values: Iterable[object]) -> str:
    counts = Counter(value or "none" for value in values)
    return ", ".join(f"{value} {count}" for value, count in counts.most_common())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
