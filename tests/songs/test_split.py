import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from musicvae_jax.errors import InputError
from musicvae_jax.songs import split_songs

artist_lists = st.lists(
    st.one_of(st.none(), st.sampled_from("abcdefgh")), min_size=2, max_size=60
).map(lambda labels: pd.Series(labels, dtype=object))


@given(artist_lists, st.floats(0.01, 0.5), st.integers(0, 5))
def test_every_song_is_on_one_side_and_no_side_is_empty(artists, fraction, seed):
    split = split_songs(artists, fraction, seed)
    both = np.concatenate([split.train, split.heldout])
    assert sorted(both) == list(range(len(artists)))
    assert len(split.train) > 0
    assert len(split.heldout) > 0


@given(artist_lists, st.floats(0.01, 0.5), st.integers(0, 5))
def test_an_artist_is_on_one_side(artists, fraction, seed):
    if artists.notna().all() and artists.nunique() == 1:
        return
    split = split_songs(artists, fraction, seed)
    train, heldout = (set(artists.iloc[side].dropna()) for side in split)
    assert not train & heldout


@given(st.integers(2, 60), st.floats(0.01, 0.5), st.integers(0, 5))
def test_songs_without_artist_fill_the_share_exactly(n, fraction, seed):
    split = split_songs(pd.Series([None] * n, dtype=object), fraction, seed)
    assert len(split.heldout) == max(1, round(fraction * n))


def test_one_artist_alone_is_split_by_song():
    split = split_songs(pd.Series(["a"] * 10), 0.2, seed=0)
    assert len(split.heldout) == 2


def test_an_artist_larger_than_the_share_is_still_kept_whole():
    split = split_songs(pd.Series(["a"] * 6 + ["b"] * 4), 0.1, seed=0)
    assert split.heldout.tolist() == [6, 7, 8, 9]


def test_the_seed_decides():
    artists = pd.Series([f"artist {i}" for i in range(50)])
    first, again, other = (split_songs(artists, 0.2, seed).heldout for seed in (0, 0, 1))
    assert first.tolist() == again.tolist()
    assert first.tolist() != other.tolist()


def test_one_song_cannot_be_split():
    with pytest.raises(InputError, match=r"got 1 usable song\(s\), expected at least 2"):
        split_songs(pd.Series(["a"]), 0.1, seed=0)
