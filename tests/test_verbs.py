"""What a script does with the library."""

import subprocess
import sys
from dataclasses import replace

import jax
import numpy as np
import pandas as pd
import pytest
from songfiles import songs_table, with_column, write
from trainedmodels import assert_same

import musicvae_jax as mv
from musicvae_jax.config import CLUSTERERS
from musicvae_jax.errors import InputError
from musicvae_jax.evaluation import EXTERNAL_METRICS, metrics_with_nulls
from musicvae_jax.models import MLPAutoencoder
from musicvae_jax.registry import EXPERIMENTS
from musicvae_jax.training import EpochReports, History, Losses
from musicvae_jax.verbs import _COLUMNS

TINY = mv.Experiment(
    "tiny",
    features=mv.FeatureConfig(blocks=("mfcc",)),
    lyrics=mv.LyricsConfig(runtime="tfidf", components=6),
    model=mv.ModelConfig(hidden=(8,), latent=4),
    train=mv.TrainConfig(epochs=3),
    seeds=(0, 1),
)
CROPS = replace(
    TINY,
    features=mv.FeatureConfig(),
    crops=mv.CropConfig(per_song=1, encoded=1),
    model=mv.ModelConfig(kind="conv_vae", latent=4),
    train=mv.TrainConfig(epochs=2),
)


@pytest.fixture(autouse=True)
def few_draws(monkeypatch):
    """Of the nulls and intervals behind scores."""
    # The package has a function of the module's name.
    monkeypatch.setattr(sys.modules["musicvae_jax.evaluation.significance"], "_N_DRAWS", 20)


@pytest.fixture
def songs(song_path):
    return mv.load_songs(song_path)


def quick(name):
    """A named experiment, trained for two epochs at a size that no number is read from."""
    experiment = EXPERIMENTS[name].experiment
    return replace(
        experiment,
        lyrics=TINY.lyrics,
        model=replace(experiment.model, hidden=(8,), latent=4),
        train=replace(experiment.train, epochs=2),
        seeds=(0, 1),
    )


def fit(experiment, songs, **options):
    return mv.fit(experiment, songs, quiet=True, **options)


# The lines of the issue.


@pytest.mark.slow
def test_the_ten_lines(demo, capsys):
    songs = mv.load_songs()
    model = mv.fit("hard_cvae", songs, seeds=(0, 1))
    latents = model.encode(songs)
    clusters = mv.cluster(latents, k=9)
    table = mv.score(clusters, songs)
    model.save("checkpoints/mine")
    model = mv.load("checkpoints/mine")
    assert isinstance(songs.table, pd.DataFrame)
    assert latents.name == "cvae"
    assert latents.points.shape == (2, 64, 32)
    assert latents.columns_seen == ("melspectrogram", "genre")
    assert clusters.labels.shape == (2, 64)
    assert set(clusters.labels.ravel()) == set(range(9))
    assert set(table.loc["genre"]["mark"]) == {"given"}
    np.testing.assert_array_equal(model.encode(songs).points, latents.points)
    # Standard output is the caller's.
    assert capsys.readouterr().out == ""


def test_the_verbs_are_imported_when_they_are_first_used():
    code = """
import sys
import musicvae_jax as mv
assert not {"jax", "numpy", "pandas"} & set(sys.modules)
assert set(mv.__all__) <= set(dir(mv))
assert all(getattr(mv, name).__name__ == name for name in mv.__all__)
"""
    subprocess.run([sys.executable, "-c", code], check=True)
    with pytest.raises(AttributeError, match="no attribute 'clusters'"):
        _ = mv.clusters


def test_songs_that_are_not_there_are_named(tmp_path):
    with pytest.raises(InputError, match="nowhere"):
        mv.load_songs(tmp_path / "nowhere.parquet")


# fit


def test_an_unknown_experiment_is_named_with_those_there_are(songs):
    with pytest.raises(InputError) as caught:
        fit("hard_vae", songs)
    assert str(caught.value) == (
        f"experiment: got 'hard_vae', expected one of {', '.join(EXPERIMENTS)}"
    )


@pytest.mark.slow
def test_seeds_take_the_place_of_the_experiments_own(songs):
    model = fit(TINY, songs, seeds=[5])
    assert model.experiment.seeds == (5,)
    assert model.experiment.data.path == songs.path
    assert model.encode(songs).points.shape == (1, 24, 4)


def test_the_same_fit_gives_the_same_model(songs):
    assert_same(fit(TINY, songs), fit(TINY, songs))


@pytest.mark.parametrize("devices", [None, 2, "all"])
@pytest.mark.slow
def test_fit_leaves_the_settings_of_jax_alone(songs, devices):
    before = dict(jax.config.values)
    fit(TINY, songs, devices=devices)
    assert dict(jax.config.values) == before


@pytest.fixture
def double_precision():
    """A caller's own set-up of JAX."""
    jax.config.update("jax_enable_x64", True)
    yield
    jax.config.update("jax_enable_x64", False)


TREATED = mv.TrainConfig(3, kl_warmup="linear", free_bits=0.1, reconstruction="gaussian")


@pytest.mark.parametrize("train", [TINY.train, TREATED])
@pytest.mark.slow
def test_a_caller_who_computes_in_double_precision_gets_the_same_models(songs, train, request):
    experiment = replace(TINY, train=train, fuse=("lyrics",))
    expected = fit(experiment, songs).encode(songs)
    request.getfixturevalue("double_precision")
    model = fit(experiment, songs)
    found = model.encode(songs)
    assert found.points.dtype == np.float32
    np.testing.assert_allclose(found.points, expected.points, atol=1e-4)
    model.save("checkpoints/mine")
    assert_same(mv.load("checkpoints/mine"), model)


@pytest.mark.slow
def test_a_model_of_crops_is_the_same_in_double_precision(songs, of_crops, double_precision):
    model, _ = of_crops
    found = fit(model.experiment, songs).encode(songs).points
    np.testing.assert_allclose(found, model.encode(songs).points, atol=1e-2)


@pytest.mark.parametrize("experiment", [TINY, replace(TINY, train=mv.TrainConfig(2, beta=(1, 4)))])
@pytest.mark.slow
def test_callbacks_get_every_epoch_once_with_the_metrics_of_all_members(songs, experiment):
    calls = []
    model = fit(experiment, songs, on_epochs=lambda epoch, metrics: calls.append((epoch, metrics)))
    assert_calls_are_the_history(calls, model)


@pytest.fixture(scope="module")
def of_crops(song_path, tmp_path_factory):
    """A model of crops under two seeds, and the calls of its callback."""
    calls, cache_dir = [], tmp_path_factory.mktemp("crops")
    experiment = replace(CROPS, features=mv.FeatureConfig(cache_dir=cache_dir))
    model = mv.fit(
        *(experiment, mv.load_songs(song_path)),
        on_epochs=lambda epoch, metrics: calls.append((epoch, metrics)),
        quiet=True,
    )
    return model, calls


@pytest.mark.slow
def test_callbacks_of_models_of_crops(of_crops):
    model, calls = of_crops
    assert len(model.experiment.members) == 2
    assert_calls_are_the_history(calls, model)


def assert_calls_are_the_history(calls, model):
    assert [epoch for epoch, _ in calls] == list(range(model.experiment.train.epochs))
    history = model.history.by_name()
    for epoch, metrics in calls:
        assert metrics.keys() == history.keys()
        for name, values in metrics.items():
            assert isinstance(values, np.ndarray)
            assert values.shape == (len(model.experiment.members),)
            np.testing.assert_array_equal(values, history[name][:, epoch])


def test_what_a_callback_raises_ends_the_training(songs):
    def stop(epoch, metrics):
        raise KeyError(f"seen enough after epoch {epoch}")

    with pytest.raises(KeyError, match="seen enough after epoch 0"):
        fit(TINY, songs, on_epochs=stop)


def part(first_member, n_members, first_epoch, n_epochs):
    """A history in which each number says its member and epoch."""
    members = first_member + np.arange(n_members, dtype=np.float32)[:, None]
    numbers = 100 * members + first_epoch + np.arange(n_epochs, dtype=np.float32)
    return first_member, first_epoch, History(*[Losses(*[numbers] * 3)] * 2, numbers.astype(int))


@pytest.mark.parametrize(
    ("parts", "reported_after"),
    [
        # Side by side, a few epochs at a time.
        ([part(0, 3, 0, 2), part(0, 3, 2, 2)], [2, 4]),
        # Two members, then the third.
        ([part(0, 2, 0, 4), part(2, 1, 0, 1), part(2, 1, 1, 3)], [0, 1, 4]),
        # Each by itself, none waiting for another.
        ([part(2, 1, 0, 3), part(0, 1, 0, 1), part(1, 1, 0, 2), part(0, 1, 1, 3)], [0, 0, 1, 2]),
        # The first was resumed after three epochs.
        ([part(0, 1, 0, 3), part(1, 2, 0, 2), part(0, 1, 3, 1), part(1, 2, 2, 2)], [0, 2, 2, 4]),
    ],
)
def test_an_epoch_is_reported_when_the_last_member_has_trained_it(parts, reported_after):
    calls = []
    reports = EpochReports(
        MLPAutoencoder(7), 3, 4, lambda epoch, metrics: calls.append((epoch, metrics))
    )
    for arguments, n_reported in zip(parts, reported_after, strict=True):
        reports(*arguments)
        assert [epoch for epoch, _ in calls] == list(range(n_reported))
    for epoch, metrics in calls:
        for values in metrics.values():
            np.testing.assert_array_equal(values, [epoch, 100 + epoch, 200 + epoch])


# encode and representations


@pytest.mark.slow
def test_representations_of_a_fusion(songs):
    model = fit(quick("hard_multimodal"), songs)
    found = model.representations(songs)
    assert [one.name for one in found] == [
        "vae+lyrics_tfidf_pca",
        "vae+lyrics_tfidf",
        "vae+lyrics_tfidf+genre",
    ]
    assert [one.points.shape[2] for one in found] == [4 + 4, 4 + 6, 4 + 6 + 3]
    assert [one.labels_seen for one in found] == [(), (), ("genre",)]
    np.testing.assert_array_equal(model.encode(songs).points, found[0].points)
    assert model.encode(songs, beta=1.0).name == "vae"


def test_representations_of_lyrics_alone(songs):
    model = fit(quick("medium_lyrics"), songs)
    found = {one.name: one for one in model.representations(songs)}
    assert list(found) == ["lyrics_tfidf", "lyrics_tfidf_centred"]
    assert found["lyrics_tfidf"].columns_seen == ("lyrics",)
    assert found["lyrics_tfidf_centred"].columns_seen == ("lyrics", "language")
    for one in found.values():
        assert one.points.shape == (1, 24, 6)
        np.testing.assert_array_equal(one.known, songs.table["lyrics"].notna())
        np.testing.assert_array_equal(model.encode(songs, one.name).points, one.points)


@pytest.mark.parametrize("name", ["easy_pca", "hard_cvae", "hard_multimodal", "medium_lyrics"])
def test_new_songs_are_encoded_as_they_would_be_among_all(tmp_path, songs, name):
    model = fit(quick(name), songs)
    few = mv.load_songs(write(tmp_path / "few.parquet", songs_table().slice(5, 7)))
    for found, expected in zip(
        model.representations(few), model.representations(songs), strict=True
    ):
        assert found.songs.tolist() == expected.songs.tolist()[5:12]
        np.testing.assert_allclose(found.points, expected.points[:, 5:12], atol=1e-4)
        np.testing.assert_array_equal(found.known, expected.known[5:12])


@pytest.mark.slow
def test_new_songs_of_a_model_of_crops_are_encoded_as_they_would_be_among_all(
    tmp_path, songs, of_crops
):
    model, _ = of_crops
    few = mv.load_songs(write(tmp_path / "few.parquet", songs_table().slice(5, 7)))
    expected = model.encode(songs).points[:, 5:12]
    np.testing.assert_allclose(model.encode(few).points, expected, atol=1e-4)


def test_songs_that_are_all_unusable_are_refused(tmp_path, songs):
    model = fit(TINY, songs)
    nameless = with_column(songs_table(), "music_id", [None] * 24)
    with pytest.raises(InputError, match=r"n\.parquet: no usable song in 24 rows; row 0: music_id"):
        model.encode(mv.load_songs(write(tmp_path / "n.parquet", nameless)))


# decode and sample


@pytest.mark.slow
def test_latents_become_decibels_again(songs):
    model = fit(replace(TINY, features=mv.FeatureConfig(), train=mv.TrainConfig(60)), songs)
    decoded = model.decode(model.encode(songs).points[0])
    assert decoded.shape == (24, 512)
    means = decoded[:, :128]
    assert -80 < means.min() < means.max() < 0
    samples = model.sample(jax.random.key(0), 5)
    assert samples.shape == (5, 512)
    assert -100 < samples[:, :128].min() < samples[:, :128].max() < 20


# save and load


@pytest.mark.parametrize(
    "name", ["hard_multimodal", "easy_pca", "easy_spectral", "medium_lyrics", "hard_beta_vae"]
)
def test_a_saved_model_gives_the_same_representations(songs, name):
    model = fit(quick(name), songs)
    model.save("checkpoints/mine")
    loaded = mv.load("checkpoints/mine")
    assert_same(loaded, model)
    for found, expected in zip(
        loaded.representations(songs), model.representations(songs), strict=True
    ):
        assert found.name == expected.name
        assert found.columns_seen == expected.columns_seen
        np.testing.assert_array_equal(found.points, expected.points)


# cluster


def blobs(n_seeds=1, known=None):
    """Thirty songs in three groups, far apart."""
    rng = np.random.default_rng(0)
    centres = np.repeat([[0, 0], [9, 0], [0, 9]], 10, axis=0)
    points = (centres + rng.normal(size=(n_seeds, 30, 2)) * 0.1).astype(np.float32)
    ids = np.array([f"song {i:02d}" for i in range(30)], object)
    return mv.Representation(
        "blobs", ids, points, np.ones(30, bool) if known is None else known, ("melspectrogram",)
    )


def groups(labels):
    return {frozenset(np.flatnonzero(labels == label)) for label in set(labels)}


THREE = {frozenset(range(first, first + 10)) for first in (0, 10, 20)}


@pytest.mark.parametrize("k", [3, None])
@pytest.mark.parametrize("method", ["kmeans", "agglomerative", "gmm_diag", "gmm_full"])
def test_groups_far_apart_are_found(method, k):
    found = mv.cluster(blobs(2), k=k, method=method)
    assert (found.k, found.method, found.seeds) == (3, method, (0, 1))
    assert found.representation.name == "blobs"
    assert all(groups(labels) == THREE for labels in found.labels)


def test_a_clusterer_that_finds_its_own_number_ignores_k():
    config = mv.ClusterConfig(min_samples=3)
    few, many = (mv.cluster(blobs(), k, "dbscan", config=config).labels[0] for k in (2, 9))
    np.testing.assert_array_equal(few, many)
    # No cluster is of two groups.
    clustered = groups(few) - {frozenset(np.flatnonzero(few == -1))}
    assert len(clustered) >= 3
    assert all(any(cluster <= group for group in THREE) for cluster in clustered)


def test_points_that_are_not_drawn_are_clustered_under_every_seed():
    found = mv.cluster(blobs(), k=3, seeds=(4, 9))
    assert found.seeds == (4, 9)
    assert [groups(labels) for labels in found.labels] == [THREE, THREE]


def test_songs_that_nothing_is_known_of_are_in_no_cluster():
    known = np.arange(30) % 5 > 0
    found = mv.cluster(blobs(known=known), k=3)
    np.testing.assert_array_equal(found.labels[0] == -1, ~known)


def test_an_unknown_method_is_named_with_those_there_are():
    with pytest.raises(InputError) as caught:
        mv.cluster(blobs(), k=3, method="spectral")
    names = ", ".join(CLUSTERERS)
    assert str(caught.value) == f"method: got 'spectral', expected one of {names}"


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
        "representation": lambda: mv.cluster(np.zeros((1, 30, 2)), k=3),
        "k": lambda: mv.cluster(blobs(), k=2.5),
        "clusters": lambda: mv.score(blobs(), songs),
    }.items():
        with pytest.raises(InputError, match=f"^{what}: got .* expected "):
            call()


@pytest.mark.parametrize(
    ("seeds", "message"),
    [((), "got none, expected at least one"), ((0, -1), "got -1"), ((0.5,), "got 0.5")],
)
def test_seeds_that_are_no_seeds_are_refused(songs, seeds, message):
    for call in (lambda: mv.cluster(blobs(), 3, seeds=seeds), lambda: mv.fit(TINY, songs, seeds)):
        with pytest.raises(InputError, match=f"^seeds: {message}"):
            call()


def test_a_clusterer_that_finds_its_own_number_is_told_none():
    assert mv.cluster(blobs(), method="dbscan").k == 0


def test_seeds_that_the_points_do_not_have_are_refused():
    with pytest.raises(InputError, match=r"^seeds: got 3, expected 2, one for each seed of the"):
        mv.cluster(blobs(2), k=3, seeds=(0, 1, 2))


def test_more_clusters_than_songs_are_refused():
    with pytest.raises(InputError, match=r"got 30 songs, expected more than cluster\.k, which is"):
        mv.cluster(blobs(), k=30)
    with pytest.raises(InputError, match=r"^cluster\.k: got 1, expected at least 2"):
        mv.cluster(blobs(), k=1)


# score


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
