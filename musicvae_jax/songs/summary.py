"""What there is to know about songs before anything is computed from them."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from musicvae_jax.config import FACTOR_PREFIX
from musicvae_jax.songs.power_mel import HOP_SAMPLES, SAMPLE_RATE_HZ
from musicvae_jax.songs.table import LABELS, Songs
from musicvae_jax.songs.usable import Usable

# Beyond these, a count says more than names.
_MOST_NAMES = 12


def summary_lines(songs: Songs, usable: Usable) -> Iterator[str]:
    """Lines on songs, labels, lengths, and everything that cannot be used, with the reason."""
    table = songs.table.iloc[usable.rows]
    n_songs = len(table)
    yield f"songs: {len(songs.table)} found, {n_songs} usable, {len(usable.rejected)} rejected"
    if songs.features is not None:
        yield f"features: {len(songs.features.names)} numbers of each song, no mel spectrograms"
    elif n_songs:
        seconds = (usable.frames - 1) * HOP_SAMPLES / SAMPLE_RATE_HZ
        low, middle, high = np.quantile(seconds, [0, 0.5, 1])
        yield f"lengths: {low:.1f} to {high:.1f} s of mel spectrogram, median {middle:.1f} s"
    yield f"lyrics: {table['lyrics'].notna().sum()} of {n_songs} songs"
    for label in LABELS:
        yield _counts(f"{label}s", table[label])
    if table["language_source"].notna().any():
        yield _counts("languages are from", table["language_source"])
    factors = [name for name in table.columns if name.startswith(FACTOR_PREFIX)]
    if factors:
        yield f"factors: {', '.join(factors)}"
    yield from rejection_lines(songs, usable)


def rejection_lines(songs: Songs, usable: Usable) -> Iterator[str]:
    """A line on everything that cannot be used."""
    for what, rejections in (("rejected", usable.rejected), ("not used", songs.unused)):
        for one in rejections:
            yield f"{what}: {songs.place(one.file, one.row)}: {one.reason}"


def _counts(name: str, column: pd.Series) -> str:
    counts = column.value_counts().sort_index().sort_values(ascending=False, kind="stable")
    named = [f"{value} {count}" for value, count in counts.head(_MOST_NAMES).items()]
    if len(counts) > len(named):
        named.append(f"and {len(counts) - len(named)} more")
    n_without = int(column.isna().sum())
    if n_without:
        named.append(f"none known for {n_without}")
    return f"{name}: {len(counts)}" + (f" ({', '.join(named)})" if named else "")
