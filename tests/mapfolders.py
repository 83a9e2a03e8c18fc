"""Results folders with what a map is made from, for its tests; no training."""

import json
from pathlib import Path

import numpy as np
import pandas as pd

from musicvae_jax.evaluation.neighbours import nearest_songs
from musicvae_jax.reporting.song_map import write_run_map
from musicvae_jax.runtime.terminal import Terminal

GENRES = ("Waltz", "March", "Drone")


def latents(n_songs=30, seed=0):
    """Points of the songs, `[songs, 4]`; the first two dimensions are the UMAP picture."""
    return np.random.default_rng(seed).normal(size=(n_songs, 4))


def songs_table(n_songs=30, **columns):
    """songs.parquet: song i is by artist i % 4, of genre i % 3; columns replace others."""
    table = {
        "music_id": [f"id-{i:02d}" for i in range(n_songs)],
        "title": [f"Title {i}" for i in range(n_songs)],
        "artist": [f"Artist {i % 4}" for i in range(n_songs)],
        "genre": [GENRES[i % 3] for i in range(n_songs)],
        "language": ["en" if i % 2 else None for i in range(n_songs)],
        "language_source": ["detected" if i == 1 else "tags" for i in range(n_songs)],
        "first_line": [f"Line of song {i}" if i % 2 else None for i in range(n_songs)],
        "audio_path": pd.Series([None] * n_songs, dtype=object),
        "factor_tempo_bpm": np.linspace(60.0, 180.5, n_songs),
    }
    assert set(columns) <= set(table)
    return pd.DataFrame(table | columns)


def write_results(
    folder, songs=None, points=None, representation="vae", pictures=True, audio="link"
):
    """Writes a results folder's files for the map; returns the folder."""
    songs = songs_table() if songs is None else songs
    points = latents(len(songs)) if points is None else points
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    songs.to_parquet(folder / "songs.parquet")
    about = songs[["music_id"]].assign(cluster=np.arange(len(songs)) % 2)
    tables = [
        about.assign(x=xy[:, 0], y=xy[:, 1], representation=representation, method=method)
        for method, xy in (("umap", points[:, :2]), ("tsne", points[:, ::-1][:, :2]))
    ]
    pd.concat(tables).to_parquet(folder / "projections.parquet")
    places, distances = nearest_songs(points, 5)
    ids = songs["music_id"].to_numpy(object)
    pd.DataFrame(
        {
            "representation": representation,
            "music_id": np.repeat(ids, places.shape[1]),
            "neighbour": ids[places.ravel()],
            "distance": distances.ravel(),
        }
    ).to_parquet(folder / "neighbours.parquet")
    if pictures:
        # The first song has none.
        shape = (len(songs) - 1, 32, 64)
        levels = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
        names = ids[1:].astype(str)
        np.savez_compressed(folder / "thumbnails.npz", music_id=names, pictures=levels)
    (folder / "config.json").write_text(json.dumps({"map": {"audio": audio}}))
    return folder


def write_map(folder, title="mine on tiny", **contents):
    """Writes a results folder and its map; returns the map's path."""
    folder = write_results(folder, **contents)
    write_run_map(folder, title, folder, Terminal())
    return folder / "map.html"
