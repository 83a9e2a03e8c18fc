"""Small tables of features for tests."""

from pathlib import Path

import numpy as np
import pandas as pd

GENRES = ("blues", "metal", "pop")
NAMES = ("tempo", "rms_mean", "rms_var", "mfcc1_mean")


def features(n_songs: int = 24) -> pd.DataFrame:
    """Numbers of very different units, the first three of which tell the genre."""
    rng = np.random.default_rng(5)
    genre = np.arange(n_songs) % 3
    values = rng.normal(size=(n_songs, len(NAMES)))
    values[:, :3] += 6 * genre[:, None]
    return pd.DataFrame(values * [20.0, 1e-6, 1e6, 1.0] + [120.0, 0.0, 0.0, -9.0], columns=NAMES)


def gtzan_like(n_songs: int = 24) -> pd.DataFrame:
    """In the layout of GTZAN's features_30_sec.csv."""
    table = features(n_songs)
    table.insert(0, "filename", [f"song.{i:05d}.wav" for i in range(n_songs)])
    table.insert(1, "length", 661500 + np.arange(n_songs))
    return table.assign(label=[GENRES[i % 3] for i in range(n_songs)])


def fma_like(n_songs: int = 24) -> pd.DataFrame:
    """In the layout of FMA's features.csv: columns of three names, and an index with its own."""
    levels = [("mfcc", "mean", "01"), ("mfcc", "mean", "02"), ("mfcc", "std", "01")]
    columns = pd.MultiIndex.from_tuples(
        [*levels, ("zcr", "mean", "01")], names=["feature", "statistics", "number"]
    )
    index = pd.Index(np.arange(n_songs) * 3 + 2, name="track_id")
    return pd.DataFrame(features(n_songs).to_numpy(), index, columns)


def spotify_like(n_songs: int = 24) -> pd.DataFrame:
    """In the layout of tables of Spotify's features; every sixth song is there in two genres."""
    table = pd.DataFrame(
        {
            "track_id": [f"id{i - (i % 6 == 5)}" for i in range(n_songs)],
            "artists": [f"artist {i % 7};guest" for i in range(n_songs)],
            "album_name": [f"album {i % 9}" for i in range(n_songs)],
            "track_name": [f"Song, no. {i}" for i in range(n_songs)],
            "popularity": np.arange(n_songs),
            "duration_ms": 200_000 + np.arange(n_songs),
            "explicit": np.arange(n_songs) % 2 == 0,
        }
    )
    numbers = features(n_songs).rename(columns={"rms_mean": "danceability", "rms_var": "energy"})
    return table.join(numbers).assign(track_genre=[GENRES[i % 3] for i in range(n_songs)])


def write(path: Path, table: pd.DataFrame, **options) -> Path:
    """Writes a table as the suffix of its path says, without an index unless told."""
    if path.suffix == ".parquet":
        table.to_parquet(path, **({"index": False} | options))
    else:
        sep = "\t" if path.suffix == ".tsv" else ","
        table.to_csv(path, **({"index": False, "sep": sep} | options))
    return path


def write_text(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.write_bytes(text.encode(encoding))
    return path
