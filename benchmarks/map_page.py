"""Makes the map of many made-up songs; prints its size and when a browser has painted and drawn it.

Usage: python benchmarks/map_page.py [--songs 400 10000] [--chromium /usr/bin/chromium] [--keep DIR]

Needs playwright (extra `test`) and a chromium.
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from playwright.sync_api import sync_playwright

from musicvae_jax.config.folder import CONFIG, MAP, MAP_SONGS, NEIGHBOURS, PROJECTIONS, THUMBNAILS
from musicvae_jax.evaluation.neighbours import nearest_songs
from musicvae_jax.features import Thumbnails
from musicvae_jax.pipeline.map_files import N_NEIGHBOURS, save_thumbnails
from musicvae_jax.reporting.song_map import write_run_map
from musicvae_jax.runtime.files import write_json
from musicvae_jax.runtime.terminal import Terminal

_FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
_N_CLUSTERS, _N_LATENT = 12, 32


def main() -> None:
    """Prints one line for each number of songs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--songs", type=int, nargs="+", default=[400, 10_000])
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    parser.add_argument("--keep", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        root = options.keep or Path(scratch)
        for n_songs in options.songs:
            folder = root / f"map_{n_songs}"
            folder.mkdir(parents=True, exist_ok=True)
            write_results(folder, n_songs)
            started = time.perf_counter()
            write_run_map(folder, f"{n_songs:,} made-up songs", folder, Terminal())
            seconds = time.perf_counter() - started
            size = (folder / MAP).stat().st_size / 1e6
            paint, drawn = painted(folder / MAP, options.chromium)
            print(
                f"{n_songs:,} songs: page {size:.1f} MB, written in {seconds:.1f} s, first paint "
                f"{paint:.0f} ms, map drawn {drawn:.0f} ms"
            )


def write_results(folder: Path, n_songs: int) -> None:
    """What a run leaves for the map, with mixed clusters, 93 artists and 27 genres."""
    rng = np.random.default_rng(0)
    clusters = rng.integers(_N_CLUSTERS, size=n_songs)
    latents = rng.normal(size=(_N_CLUSTERS, _N_LATENT))[clusters] * 2
    latents += rng.normal(size=(n_songs, _N_LATENT))
    ids = np.array([f"song-{i:06d}" for i in range(n_songs)], object)
    songs = pd.DataFrame(
        {
            "music_id": ids,
            "title": [f"A song of about this length, number {i}" for i in range(n_songs)],
            "artist": [f"Artist {i}" for i in rng.integers(93, size=n_songs)],
            "genre": [f"genre {i}" for i in rng.integers(27, size=n_songs)],
            "language": rng.choice(["en", "es", "pt-br"], n_songs),
            "language_source": None,
            "first_line": [f"La la la, the line that begins song {i}" for i in range(n_songs)],
            "audio_path": None,
            "factor_tempo": rng.uniform(60, 180, n_songs),
        }
    )
    songs.to_parquet(folder / MAP_SONGS)
    methods = []
    for method in ("umap", "tsne"):
        xy = latents[:, :2] + latents[:, 2:4] if method == "umap" else latents[:, 4:6]
        about = {"music_id": ids, "cluster": clusters, "representation": "vae", "method": method}
        methods.append(pd.DataFrame(xy, columns=["x", "y"]).assign(**about))
    pd.concat(methods).to_parquet(folder / PROJECTIONS)
    places, distances = nearest_songs(latents, N_NEIGHBOURS)
    of_songs = {"music_id": np.repeat(ids, N_NEIGHBOURS), "neighbour": ids[places.ravel()]}
    table = pd.DataFrame({"representation": "vae", **of_songs, "distance": distances.ravel()})
    table.to_parquet(folder / NEIGHBOURS)
    # Smooth in time, as the mels of music are.
    levels = rng.integers(0, 256, size=(n_songs, 32, 17)).repeat(4, axis=2)[:, :, :64]
    pictures = np.clip(levels + rng.integers(-8, 8, levels.shape), 0, 255).astype(np.uint8)
    save_thumbnails(Thumbnails(np.arange(n_songs), pictures), ids.astype(str), folder / THUMBNAILS)
    write_json(folder / CONFIG, {"map": {"audio": "link"}})


def painted(page: Path, chromium: str) -> tuple[float, float]:
    """Milliseconds from the start to the first paint, and until the map is drawn."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=_FLAGS)
        tab = browser.new_page()
        tab.goto(page.absolute().as_uri())
        tab.wait_for_selector("html[data-ready]", timeout=120_000)
        times = tab.evaluate(
            "['first-paint', 'drawn'].map(n => performance.getEntriesByName(n)[0].startTime)"
        )
        browser.close()
    return tuple(times)


if __name__ == "__main__":
    main()
