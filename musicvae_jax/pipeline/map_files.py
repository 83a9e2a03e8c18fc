"""What the map shows of a run's songs: who they are, their neighbours, their pictures."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from musicvae_jax.config.folder import MAP_SONGS, NEIGHBOURS, THUMBNAILS
from musicvae_jax.evaluation.neighbours import nearest_songs
from musicvae_jax.features import Thumbnails, read_thumbnails
from musicvae_jax.lyrics.cleaning import clean
from musicvae_jax.pipeline.fit import Fitted
from musicvae_jax.pipeline.listing import Listing
from musicvae_jax.pipeline.project import projected_songs
from musicvae_jax.pipeline.stages import Stages
from musicvae_jax.songs import FACTOR_PREFIX, Songs

N_NEIGHBOURS = 10
_MOST_LINE = 160
# Above the first number of songs pictures have half the bands and columns, so that a map of 10,000
# songs stays far under 25 MB; above the second there are none.
_MOST_LARGE, _MOST_PICTURES = 4000, 20_000


def start_neighbours(
    listing: Listing, exact_songs: int, stages: Stages
) -> Callable[[], pd.DataFrame]:
    """neighbours.parquet: one row per own representation, song of the map and neighbour.

    Starts the work, and returns a function that waits for it. Columns: representation, music_id,
    neighbour (another music_id), distance (Euclidean, in the representation with the first seed);
    nearest first. Neighbours are songs of the map.

    Args:
        listing: the run's representations.
        exact_songs: above this many songs, the map shows a sample.
        stages: runs the searches, or finds them in the cache.
    """
    places = projected_songs(listing, exact_songs)
    own = listing.own if len(places) > 1 else ()
    calls = [(one.of_seed(0)[places], N_NEIGHBOURS) for one in own]
    found = stages.map("neighbours", nearest_songs, calls, len(places))
    ids = listing.songs["music_id"].to_numpy(object)[places]

    def finish() -> pd.DataFrame:
        tables = [_neighbours_empty()]
        for one, (nearest, distances) in zip(own, found, strict=True):
            of_one = {
                "representation": one.name,
                "music_id": np.repeat(ids, nearest.shape[1]),
                "neighbour": ids[nearest.ravel()],
                "distance": distances.ravel(),
            }
            tables.append(pd.DataFrame(of_one))
        return pd.concat(tables[1:] or tables, ignore_index=True)

    return finish


def write_map_files(
    songs: Songs, fitted: Fitted, listing: Listing, neighbours: pd.DataFrame, folder: Path
) -> None:
    """Writes songs.parquet, neighbours.parquet and, where songs have mels, thumbnails.npz.

    Args:
        songs: opened songs.
        fitted: the fitted experiment.
        listing: the run's representations.
        neighbours: from `start_neighbours`.
        folder: the results folder.
    """
    songs_of_map(listing.songs).to_parquet(folder / MAP_SONGS, index=False)
    neighbours.to_parquet(folder / NEIGHBOURS, index=False)
    experiment = fitted.trained.experiment
    places = projected_songs(listing, experiment.cluster.exact_songs)
    if len(places) > _MOST_PICTURES:
        return
    rows = fitted.features.rows[fitted.scored][places]
    found = read_thumbnails(songs, fitted.features.config, rows)
    if len(found.places):
        ids = listing.songs["music_id"].to_numpy(str)[places]
        save_thumbnails(found, ids, folder / THUMBNAILS)


def songs_of_map(songs: pd.DataFrame) -> pd.DataFrame:
    """songs.parquet: what the map says about each song.

    Args:
        songs: rows of `Songs.table`.

    Returns:
        Columns music_id, title, artist (the name, or the id where it is null), genre, language,
        language_source, first_line (of the cleaned lyrics, at most 160 characters), audio_path
        and every factor_* column; null where unknown.
    """
    shown = songs[["music_id", "title"]].assign(
        artist=songs["artist_name"].fillna(songs["artist"]),
        genre=songs["genre"],
        language=songs["language"],
        language_source=songs["language_source"],
        first_line=songs["lyrics"].map(_first_line, na_action="ignore").astype(object),
        audio_path=songs["audio_path"],
    )
    factors = songs.filter(regex=f"^{FACTOR_PREFIX}").dropna(axis=1, how="all")
    return pd.concat([shown, factors], axis=1)


def _first_line(lyrics: str) -> str | None:
    line = clean(lyrics).partition("\n")[0]
    return f"{line[: _MOST_LINE - 1]}…" if len(line) > _MOST_LINE else line or None


def _neighbours_empty() -> pd.DataFrame:
    columns = ("representation", "music_id", "neighbour", "distance")
    return pd.DataFrame({name: [] for name in columns})


def save_thumbnails(found: Thumbnails, ids: np.ndarray, path: Path) -> None:
    """Writes thumbnails.npz: pictures, and the music_id of each; smaller ones of many songs.

    Args:
        found: pictures of some songs.
        ids: of all songs, text.
        path: the file to write.
    """
    pictures = found.pictures
    if len(pictures) > _MOST_LARGE:
        n_songs, n_bands, n_columns = pictures.shape
        fours = pictures.reshape(n_songs, n_bands // 2, 2, n_columns // 2, 2)
        pictures = fours.mean(axis=(2, 4)).round().astype(np.uint8)
    np.savez_compressed(path, music_id=ids[found.places], pictures=pictures)
