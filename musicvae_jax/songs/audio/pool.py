"""Decodes audio files in parallel processes; what they make goes to the cache."""

from collections.abc import Mapping, Sequence
from contextlib import closing
from time import perf_counter

from musicvae_jax.config import DataConfig
from musicvae_jax.runtime.isolated import Call, isolated_calls
from musicvae_jax.runtime.startup import usable_cores
from musicvae_jax.runtime.terminal import Terminal
from musicvae_jax.songs.audio.decode import Seconds, Task, decode_file

# Each takes about 250 MB, most of it librosa.
_MOST_PROCESSES = 16
# More than any sound file needs, and little enough for a machine that has as many GB as cores.
_MOST_BYTES = 1 << 30


def decode_files(tasks: Sequence[Task], data: DataConfig, terminal: Terminal) -> Mapping[int, str]:
    """Decodes files and says how fast.

    Faults of their content go to the cache. Others, such as a decoder that crashed or took too
    long, are returned, and tried again the next time.

    Args:
        tasks: the files.
        data: the time limit.
        terminal: for progress and the summary.

    Returns:
        Place of a task to why there is no mel spectrogram.
    """
    if not tasks:
        return {}
    calls = [Call((task,), _seconds_for(task, data)) for task in tasks]
    n_processes = min(usable_cores(), _MOST_PROCESSES)
    failed: dict[int, str] = {}
    spent: list[Seconds] = []
    start = perf_counter()
    outcomes = isolated_calls(decode_file, calls, n_processes, _MOST_BYTES)
    with closing(outcomes), terminal.progress("decoding songs", len(tasks)) as advance:
        for place, outcome in outcomes:
            if outcome.error:
                failed[place] = f"decoding failed: {outcome.error}"
            else:
                spent.append(outcome.value)
            advance()
    terminal.say(_summary(len(tasks), perf_counter() - start, n_processes, spent))
    return failed


def _seconds_for(task: Task, data: DataConfig) -> float:
    return data.decode_seconds + task.file.size_bytes / 1e6


def _summary(n_files: int, seconds: float, n_processes: int, spent: Sequence[Seconds]) -> str:
    available = seconds * min(n_processes, n_files)
    decoding = sum(one.decoding for one in spent) / available
    mels = sum(one.mels for one in spent) / available
    return (
        f"audio: decoded {n_files} songs in {seconds:.1f} s, {n_files / seconds:.1f} songs/s in "
        f"{min(n_processes, n_files)} processes; {decoding:.0%} of their time for decoding and "
        f"resampling, {mels:.0%} for mel spectrograms"
    )
