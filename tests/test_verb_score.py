"""What `score` gives: values, chance, marks, and the songs that they are of."""

import numpy as np
import pandas as pd
import pytest
from songfiles import songs_table, with_column, write

import musicvae_jax as mv
from musicvae_jax.errors import InputError
from musicvae_jax.evaluation import EXTERNAL_METRICS, metrics_with_nulls
from musicvae_jax.verbs import _COLUMNS

pytestmark = pytest.mark.usefixtures("few_draws")


def of_songs(songs, points=None, columns=("melspectrogram",)):
    """Points that tell the genres of the songs apart, unless others are given."""
    genres = pd.factorize(songs.table["genre"])[0]
    noise = np.random.default_rng(0).normal(size=(1, len(genres), 2)) * 0.1
    points = np.eye(3)[genres][None, :, :2] + noise if points is None else points
    ids = songs.table["music_id"].to_numpy(object)
    return mv.Representation("mine", ids, points, np.ones(len(ids), bool), columns)


def test_scores_of_clusters_that_are_the_genres(songs):
    table = mv.score(mv.cluster(of_songs(songs), k=3), songs)
    assert table.index.names == ["label", "score", "seed"]
    assert tuple(table.columns) == _COLUMNS
    genre = table.loc["genre"].droplevel("seed")
    assert list(genre.index) == list(metrics_with_nulls())
    for name in ("ari", "nmi", "ami", "purity"):
        assert genre.loc[name, "value"] == pytest.approx(1)
    assert np.all(genre["n_songs"] == 24)
    assert np.all(genre["p_value"] == 1 / 21)
    assert np.all(genre["null_mean"] < genre["null_high"])
    assert np.all(genre["null_high"] < genre["value"])
    assert genre.loc["ami", "one_per_artist"] == pytest.approx(1)
    inside = table.loc[""].droplevel("seed")["value"]
    assert {"silhouette", "calinski_harabasz", "davies_bouldin"} <= set(inside.index)
    assert 0.5 < inside["silhouette"] <= 1
    assert set(table["mark"]) == {""}


def test_values_are_those_of_scikit_learn(songs):
    rng = np.random.default_rng(1)
    clusters = mv.cluster(of_songs(songs, rng.normal(size=(2, 24, 3))), k=4)
    table = mv.score(clusters, songs)
    for kind in ("genre", "language", "artist"):
        known = songs.table[kind].notna().to_numpy()
        for seed in (0, 1):
            for name in metrics_with_nulls():
                expected = EXTERNAL_METRICS[name].of_songs(
                    songs.table[kind][known], clusters.labels[seed][known]
                )
                found = table.loc[(kind, name, seed)]
                assert found["value"] == pytest.approx(expected)
                assert found["n_songs"] == known.sum()


def test_marks_say_which_labels_were_given_and_which_follow(songs):
    seen = of_songs(songs, columns=("melspectrogram", "lyrics", "artist"))
    marks = mv.score(mv.cluster(seen, k=3), songs).groupby("label")["mark"].unique()
    assert {label: list(found) for label, found in marks.items()} == {
        "": [""],
        "artist": ["given"],
        # An artist has one genre, and lyrics are in a language.
        "genre": ["derivable"],
        "language": ["derivable"],
    }


def test_only_songs_that_are_known_and_in_common_are_scored(tmp_path, songs):
    known = np.arange(24) != 7
    clusters = mv.cluster(of_songs(songs)._replace(known=known), k=3)
    few = mv.load_songs(write(tmp_path / "few.parquet", songs_table().slice(5, 15)))
    table = mv.score(clusters, few)
    assert set(table.loc["genre"]["n_songs"]) == {14}
    assert set(table.loc[""]["n_songs"]) == {14}
    assert table.loc[("genre", "ami", 0), "value"] == pytest.approx(1)


def test_songs_in_another_order_get_their_own_labels(tmp_path, songs):
    clusters = mv.cluster(of_songs(songs), k=3)
    backwards = songs_table().take(list(range(23, -1, -1)))
    other = mv.load_songs(write(tmp_path / "b.parquet", backwards))
    pd.testing.assert_frame_equal(mv.score(clusters, other), mv.score(clusters, songs))


def test_no_songs_in_common_are_refused(tmp_path, songs):
    renamed = with_column(songs_table(), "music_id", [f"other {i}" for i in range(24)])
    path = write(tmp_path / "r.parquet", renamed)
    with pytest.raises(InputError) as caught:
        mv.score(mv.cluster(of_songs(songs), k=3), mv.load_songs(path))
    assert str(caught.value) == (
        f"songs: got none of the 24 songs of mine in {path} (the first is 'song 00'), expected "
        "songs in common"
    )


def test_clusters_of_noise_score_as_chance_does(songs):
    points = np.random.default_rng(5).normal(size=(1, 24, 4))
    table = mv.score(mv.cluster(of_songs(songs, points), k=3), songs)
    ami = table.loc[("genre", "ami", 0)]
    assert ami["p_value"] > 0.05
    assert ami["value"] < 0.2
