"""Arguments that the verbs refuse: each is named, with what was expected."""

import numpy as np
import pytest
from listings import blobs
from smallfits import TINY, fit

import musicvae_jax as mv
from musicvae_jax.config import CLUSTERERS
from musicvae_jax.errors import InputError
from musicvae_jax.registry import EXPERIMENTS


def test_songs_that_are_not_there_are_named(tmp_path):
    with pytest.raises(InputError, match="nowhere"):
        mv.load_songs(tmp_path / "nowhere.parquet")


@pytest.mark.parametrize("path", [5, [5], ["songs.parquet", None]])
def test_songs_that_are_no_path_are_named(path):
    with pytest.raises(InputError, match=r"^path: got (5|None).*, expected a file or folder of"):
        mv.load_songs(path)


def test_an_unknown_experiment_is_named_with_those_there_are(songs):
    with pytest.raises(InputError) as caught:
        fit("hard_vae", songs)
    assert str(caught.value) == (
        f"experiment: got 'hard_vae', expected one of {', '.join(EXPERIMENTS)}"
    )


@pytest.mark.parametrize("method", ["spectral", ["kmeans"], None])
def test_an_unknown_method_is_named_with_those_there_are(method):
    with pytest.raises(InputError) as caught:
        mv.cluster(blobs(), k=3, method=method)
    names = ", ".join(CLUSTERERS)
    assert str(caught.value) == f"method: got {method!r}, expected one of {names}"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"points": np.zeros((30, 2))},
            "points of blobs: got shape (30, 2), expected [seeds, songs, dimensions], none of "
            "them 0",
        ),
        (
            {"points": [[[0.0]]]},
            "points of blobs: got list, expected ndarray",
        ),
        (
            {"points": np.zeros((1, 29, 2))},
            "points of blobs: got 29 on axis 1, expected 30, the number of songs",
        ),
        (
            {"known": np.ones(31, bool)},
            "known of blobs: got 31 on axis 0, expected 30, the number of songs",
        ),
    ],
)
def test_arrays_of_a_wrong_shape_are_named_with_their_axis(songs, changes, message):
    wrong = blobs()._replace(**changes)
    clusters = mv.cluster(blobs(), k=3)._replace(representation=wrong)
    for call in (lambda: mv.cluster(wrong, k=3), lambda: mv.score(clusters, songs)):
        with pytest.raises(InputError) as caught:
            call()
        assert str(caught.value) == message


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_point_that_is_not_finite_is_named_with_its_song(value):
    wrong = blobs(2)
    wrong.points[1, 7, 1] = value
    with pytest.raises(InputError) as caught:
        mv.cluster(wrong, k=3)
    assert str(caught.value) == (
        f"points of blobs: got {value} for song {wrong.songs[7]}, row 7 of seed 1, expected "
        "finite numbers for all songs that are known"
    )


def test_points_of_unknown_songs_may_be_anything():
    one = blobs()
    one.points[0, 7] = np.nan
    one.known[7] = False
    found = mv.cluster(one, k=3)
    assert (found.labels[0] == -1).nonzero()[0].tolist() == [7]


def test_labels_of_a_wrong_shape_are_named_with_their_axis(songs):
    found = mv.cluster(blobs(), k=3, seeds=(0, 1))
    for labels, message in (
        (found.labels[0], r"got shape \(30,\), expected \[seeds, songs\]"),
        (found.labels[:, 1:], "got 29 on axis 1, expected 30"),
        (found.labels[:1], "got 1 on axis 0, expected 2, the number of seeds"),
    ):
        with pytest.raises(InputError, match=f"^labels of blobs: {message}"):
            mv.score(found._replace(labels=labels), songs)


def test_values_of_another_type_are_named(songs):
    for what, call in {
        "experiment": lambda: mv.fit(7, songs),
        "songs": lambda: mv.fit(TINY, "songs.parquet"),
        "data": lambda: mv.load_songs(data="songs.parquet"),
        "config": lambda: mv.cluster(blobs(), k=3, config=3),
        "representation": lambda: mv.cluster(np.zeros((1, 30, 2)), k=3),
        "k": lambda: mv.cluster(blobs(), k=2.5),
        "clusters": lambda: mv.score(blobs(), songs),
    }.items():
        with pytest.raises(InputError, match=f"^{what}: got .* expected "):
            call()


@pytest.mark.parametrize(
    ("seeds", "message"),
    [
        ((), "got none, expected at least one"),
        ((0, -1), "got -1"),
        ((0.5,), "got 0.5"),
        ((2**32,), "got 4294967296, expected integers from 0 to"),
        (5, r"got 5, expected a sequence of integers, such as \(0, 1\)"),
    ],
)
def test_seeds_that_are_no_seeds_are_refused(songs, seeds, message):
    for call in (lambda: mv.cluster(blobs(), 3, seeds=seeds), lambda: mv.fit(TINY, songs, seeds)):
        with pytest.raises(InputError, match=f"^seeds: {message}"):
            call()


def test_seeds_that_the_points_do_not_have_are_refused():
    with pytest.raises(InputError, match=r"^seeds: got 3, expected 2, one for each seed of the"):
        mv.cluster(blobs(2), k=3, seeds=(0, 1, 2))


def test_more_clusters_than_songs_are_refused():
    with pytest.raises(InputError, match=r"got 30 songs, expected more than cluster\.k, which is"):
        mv.cluster(blobs(), k=30)
    with pytest.raises(InputError, match=r"^cluster\.k: got 1, expected at least 2"):
        mv.cluster(blobs(), k=1)
