"""Memory and time of easy_vae, with all clusterers, from 10,000 to 100,000 songs.

Makes part files of short synthetic mel spectrograms in the 4MuLA schema, runs the real command on
them, and measures the memory of all its processes: proportional set size (shared pages count
once), looked at every half second. Linear growth is a last column of 1 or less.
usage: python benchmarks/scale.py [FEWER MORE] [--epochs N]
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from time import monotonic, sleep

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

ROOT = Path(__file__).resolve().parent.parent
N_FRAMES, N_GENRES, SONGS_PER_ARTIST, SONGS_PER_FILE = 24, 20, 20, 5000
LANGUAGES = ("en", "pt", "es")


def write_songs(folder: Path, n_songs: int) -> None:
    """Part files of songs whose genres have spectra of their own, artists variations of them."""
    rng = np.random.default_rng(0)
    genres = rng.normal(size=(N_GENRES, 128)).cumsum(axis=1) / 4
    artists = rng.normal(size=(n_songs // SONGS_PER_ARTIST + 1, 128)).cumsum(axis=1) / 8
    for first in range(0, n_songs, SONGS_PER_FILE):
        song = np.arange(first, min(first + SONGS_PER_FILE, n_songs))
        artist = song // SONGS_PER_ARTIST
        genre = artist % N_GENRES
        level = (genres[genre] + artists[artist])[:, :, None]
        noise = rng.normal(size=(len(song), 128, N_FRAMES)).astype(np.float32)
        power = np.exp(level + noise).astype(np.float32)
        bands = pa.ListArray.from_arrays(
            np.arange(0, power.size + 1, N_FRAMES, dtype=np.int32), power.ravel()
        )
        mels = pa.ListArray.from_arrays(
            np.arange(0, len(song) * 128 + 1, 128, dtype=np.int32), bands
        )
        table = pa.table(
            {
                "music_id": [f"song-{i}" for i in song],
                "melspectrogram": mels,
                "main_genre": [f"genre-{i:02d}" for i in genre],
                "music_lang": [LANGUAGES[i % len(LANGUAGES)] for i in artist],
                "art_id": [f"artist-{i}" for i in artist],
            }
        )
        pq.write_table(
            table, folder / f"part-{first // SONGS_PER_FILE}.parquet", row_group_size=250
        )


def descendants(pid: int) -> list[int]:
    """A process and all that it has started."""
    found, parents = [pid], {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rsplit(") ", 1)[1].split()
        except OSError:
            # It has ended since it was listed.
            continue
        parents.setdefault(int(fields[1]), []).append(int(path.parent.name))
    for one in found:
        found += parents.get(one, [])
    return found


def memory(pids: list[int]) -> int:
    """Proportional set size of processes, bytes."""
    total = 0
    for pid in pids:
        try:
            text = Path(f"/proc/{pid}/smaps_rollup").read_text()
        except OSError:
            continue
        total += next(int(line.split()[1]) for line in text.splitlines() if line[:4] == "Pss:")
    return total * 1024


def measured(folder: Path, songs: Path, epochs: int) -> dict[str, float]:
    """Seconds of each stage, all seconds and the peak in GB of a run in an empty folder."""
    command = [sys.executable, "-m", "experiments.run", "easy_vae", "--data.path", str(songs)]
    command += ["--train.epochs", str(epochs)]
    began, peak = monotonic(), 0
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with (folder / "output.txt").open("w") as output:
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=output, stderr=output
        )
        while process.poll() is None:
            peak = max(peak, memory(descendants(process.pid)))
            sleep(0.5)
    if process.returncode:
        sys.exit((folder / "output.txt").read_text())
    manifest = json.loads((folder / "results" / "easy_vae" / "manifest.json").read_text())
    everything = monotonic() - began
    return manifest["seconds"] | {"all": everything, "peak GB": peak / 1e9}


def main(arguments: list[str]) -> None:
    """Prints a table of both sizes and how they compare."""
    epochs = 100
    if "--epochs" in arguments:
        place = arguments.index("--epochs")
        epochs = int(arguments[place + 1])
        arguments = arguments[:place]
    sizes = [int(n) for n in arguments] or [10_000, 100_000]
    found = {}
    for n_songs in sizes:
        with tempfile.TemporaryDirectory() as scratch:
            songs = Path(scratch) / "songs"
            songs.mkdir()
            write_songs(songs, n_songs)
            found[n_songs] = measured(Path(scratch), songs, epochs)
        print(
            n_songs, {name: round(value, 2) for name, value in found[n_songs].items()}, flush=True
        )
    fewer, more = found[sizes[0]], found[sizes[-1]]
    times = sizes[-1] / sizes[0]
    print(f"\n| {epochs} epochs | {sizes[0]:,} songs | {sizes[-1]:,} | ratio / {times:g} |")
    print("|---|---|---|---|")
    for name in more:
        ratio = more[name] / max(fewer[name], 1e-3) / times
        print(f"| {name} | {fewer[name]:.2f} | {more[name]:.2f} | {ratio:.2f} |")


if __name__ == "__main__":
    main(sys.argv[1:])
