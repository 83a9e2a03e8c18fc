"""What stands behind scores, taken together; each part is tested on its own elsewhere."""

import numpy as np
import pandas as pd
import pytest

from musicvae_jax.evaluation import (
    artist_effect,
    derivable_labels,
    external_intervals,
    external_scores,
    group_permutation_nulls,
    known_artists,
    label_mixing,
    metrics_with_nulls,
    one_per_artist_scores,
    permutation_nulls,
    probe,
    significance,
    space_scores,
)

N = 120


@pytest.fixture
def songs():
    """Twenty-four artists of one genre each, two languages, and a song or two without each."""
    artist = np.repeat(np.arange(24), 5)
    random = np.random.default_rng(0)
    table = pd.DataFrame(
        {
            "genre": pd.Series([f"genre {i % 3}" for i in artist], dtype=object),
            "language": pd.Series(random.choice(["en", "pt"], N), dtype=object),
            "artist": pd.Series([f"artist {i}" for i in artist], dtype=object),
        }
    )
    table.loc[0, "genre"] = table.loc[1, "language"] = table.loc[2, "artist"] = None
    return table


def labels_of(songs):
    return {name: songs[name] for name in ("genre", "language", "artist")}


def by_place(found):
    return {(one.label, one.score): one for one in found}


def test_significance_is_what_its_parts_say(songs):
    clusters = np.random.default_rng(1).integers(0, 4, N)
    found = by_place(significance(clusters, labels_of(songs), seed=5))
    assert len(found) == 3 * len(metrics_with_nulls())
    known = songs["genre"].notna().to_numpy()
    genre, of_known = songs["genre"][known].to_numpy(), clusters[known]
    artists = known_artists(songs["artist"])[known]
    null = permutation_nulls(genre, of_known, 1000, 5)["ami"]
    interval = external_intervals(genre, of_known, artists, 1000, 5)["ami"]
    by_artists = group_permutation_nulls(genre, of_known, artists, 1000, 5)["ami"]
    alone = one_per_artist_scores(genre, of_known, artists, 1000, 5)["ami"]
    ami = found["genre", "ami"]
    assert ami[3:9] == (null.score, interval.low, interval.high, null.mean, null.high, null.p_value)
    assert ami[2] == ami.n_artist_songs == N - 1
    assert (ami.p_value_artists, ami.one_per_artist) == (by_artists.p_value, alone)
    scores = external_scores(clusters, labels_of(songs))
    for (label, score), one in found.items():
        assert one.value == pytest.approx(scores[f"{score}_{label}"])
    assert np.isnan(
        [found["artist", "ami"].p_value_artists, found["artist", "ami"].one_per_artist]
    ).all()


def test_songs_outside_of_their_artists_label_are_left_out_of_that_null(songs):
    songs.loc[7, "genre"] = "genre 0"
    found = by_place(significance(np.arange(N) % 4, labels_of(songs), seed=0))
    assert found["genre", "ari"].n_artist_songs == N - 2
    assert found["genre", "ari"].n_songs == N - 1


def test_clusters_of_artists_do_not_pass_for_clusters_of_genres(songs):
    """The clusters know artists and nothing else: songs say yes, artists say no."""
    random = np.random.default_rng(3)
    clusters = random.integers(0, 8, 24)[np.repeat(np.arange(24), 5)]
    ami = by_place(significance(clusters, labels_of(songs), seed=0))["genre", "ami"]
    assert ami.p_value < 0.01
    assert ami.p_value_artists > 0.05
    planted = by_place(significance(np.repeat(np.arange(24) % 3, 5), labels_of(songs), seed=0))
    assert planted["genre", "ami"].p_value_artists < 0.01


def test_a_label_with_one_value_is_left_out(songs):
    songs["language"] = "en"
    found = significance(np.arange(N) % 4, labels_of(songs), seed=0)
    assert {one.label for one in found} == {"genre", "artist"}
    songs["artist"] = "one"
    ami = by_place(significance(np.arange(N) % 4, labels_of(songs), seed=0))["genre", "ami"]
    assert np.isnan([ami.low, ami.high]).all()
    assert not np.isnan([ami.value, ami.p_value]).any()


@pytest.mark.parametrize("n_artists", [1, 3, 4])
def test_one_song_each_of_few_artists_scores_nothing(songs, n_artists):
    """One song alone is a perfect clustering."""
    songs["artist"] = [f"artist {i % n_artists}" for i in range(N)]
    ami = by_place(significance(np.arange(N) % 5, labels_of(songs), seed=0))["genre", "ami"]
    assert np.isnan(ami.one_per_artist) == (n_artists < 4)


def test_unknown_artists_are_artists_of_their_own():
    codes = known_artists(pd.Series(["a", None, "b", None, "a"], dtype=object))
    assert codes[0] == codes[4]
    assert len(set(codes)) == 4


def test_space_scores_are_what_their_parts_say(songs):
    x = np.random.default_rng(2).normal(size=(N, 4))
    found = space_scores(x, labels_of(songs), seed=3)
    known = songs["language"].notna().to_numpy()
    artists, language = known_artists(songs["artist"]), songs["language"][known].to_numpy()
    probed = probe(x[known], language, artists[known], 3)
    assert found[:2] == probed[:2]
    assert found.language_mixing == label_mixing(x[known], language).share
    assert found.artist_mixing == label_mixing(x, artists).share
    known = songs["genre"].notna().to_numpy()
    effect = artist_effect(x[known], songs["genre"][known].to_numpy(), artists[known], 3)
    assert found.genre_precision == effect.any_artist.precision_at_1
    assert found.genre_map_others == effect.other_artists.average_precision
    assert found.n_songs == N


def test_space_scores_without_labels_are_undefined(songs):
    songs[["genre", "language", "artist"]] = None
    found = space_scores(np.random.default_rng(0).normal(size=(N, 2)), labels_of(songs), seed=0)
    assert np.isnan(found[:10]).all()


def test_what_follows_from_what(songs):
    labels = labels_of(songs)
    assert derivable_labels(("melspectrogram",), labels) == ()
    assert derivable_labels(("melspectrogram", "lyrics"), labels) == ("language",)
    # Every artist has one genre here, and genres say little of artists.
    assert derivable_labels(("artist",), labels) == ("genre",)
    assert derivable_labels(("genre",), labels) == ()
    songs["language"] = songs["genre"].map({"genre 0": "en", "genre 1": "pt", "genre 2": "pt"})
    assert derivable_labels(("genre",), labels_of(songs)) == ("language",)
    assert derivable_labels(("genre", "language"), labels_of(songs)) == ()
    songs["language"] = "en"
    assert derivable_labels(("genre",), labels_of(songs)) == (), "there is nothing to know"
