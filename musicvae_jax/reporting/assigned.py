"""Lines about new songs in the clusters of known ones."""

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd


def assigned_lines(table: pd.DataFrame) -> Iterator[str]:
    r"""Says of each song which cluster it is in, how sure that is, and what the nearest songs are.

    Args:
        table: from `musicvae_jax.assign`.

    Example:
        >>> row = {"music_id": "a.wav", "title": None, "artist": None, "cluster": 3}
        >>> row |= {"distance": 2.0, "typicality": 0.25, "second_cluster": 1, "ratio": 0.5}
        >>> row |= {"nearest_1_music_id": "b.wav", "nearest_1_title": "Blue"}
        >>> row |= {"nearest_1_artist": "Anna", "nearest_1_distance": 1.5, "reason": None}
        >>> print(*assigned_lines(pd.DataFrame([row])), sep="\n")
        a.wav
          cluster 3: distance 2.000, typicality 0.25; 0.50 of the distance to cluster 1
          nearest known songs:
            1.500  b.wav: Blue, by Anna
        1 of 1 song(s) in 1 cluster(s); typicality: share of the cluster's songs as far or farther
    """
    for song in table.to_dict("records"):
        yield _name(song)
        if not pd.isna(song["reason"]):
            yield f"  in no cluster: {song['reason']}"
            continue
        yield (
            f"  cluster {song['cluster']}: distance {song['distance']:.3f}, typicality "
            f"{song['typicality']:.2f}; {song['ratio']:.2f} of the distance to cluster "
            f"{song['second_cluster']}"
        )
        yield "  nearest known songs:"
        yield from _neighbours(song)
    assigned = table["cluster"].dropna()
    yield (
        f"{len(assigned)} of {len(table)} song(s) in {assigned.nunique()} cluster(s); typicality: "
        "share of the cluster's songs as far or farther"
    )


def _neighbours(song: Mapping[Any, Any]) -> Iterator[str]:
    places = (name.split("_")[1] for name in song if name.endswith("_distance"))
    for prefix in (f"nearest_{place}_" for place in places):
        # There may be fewer known songs than columns for them.
        if not pd.isna(song[f"{prefix}distance"]):
            yield f"    {song[f'{prefix}distance']:.3f}  {_name(song, prefix)}"


def _name(song: Mapping[Any, Any], prefix: str = "") -> str:
    """What is known of "id: title, by artist"."""
    music_id, title, artist = (song[f"{prefix}{name}"] for name in ("music_id", "title", "artist"))
    name = "no id" if pd.isna(music_id) else str(music_id)
    name += "" if pd.isna(title) else f": {title}"
    return name + ("" if pd.isna(artist) else f", by {artist}")
