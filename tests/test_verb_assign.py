"""New songs in clusters of known ones: those of `cluster`, or those of the model's own run."""

import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import audiofiles
import numpy as np
import pytest
from clusteredruns import clusters_of, run
from processes import clean_environment
from smallfits import PCA
from songfiles import mel, songs_table, with_column, with_mel, write

import musicvae_jax as mv

SUFFIXES = (".wav", ".flac", ".ogg", ".mp3")


def some_songs(*rows, **columns):
    """A file of some songs, or of all, with other values in some columns."""
    table = songs_table()
    for name, values in columns.items():
        table = with_column(table, name, values)
    return mv.load_songs(write(Path("some.parquet"), table.take(rows) if rows else table))


def test_known_songs_get_their_own_clusters_and_are_nearest_to_themselves(model, songs):
    clusters = mv.cluster(model.encode(songs), k=4)
    table = mv.assign(model, songs, clusters)
    assert table["music_id"].tolist() == songs.table["music_id"].tolist()
    assert table["title"].tolist() == songs.table["title"].tolist()
    assert table["artist"].tolist() == songs.table["artist_name"].tolist()
    assert table["cluster"].tolist() == clusters.labels[0].tolist()
    assert table["nearest_1_music_id"].tolist() == table["music_id"].tolist()
    assert table["nearest_1_distance"].max() < 1e-4
    assert table["nearest_1_title"].isna().all()
    assert table["reason"].isna().all()


def test_the_numbers_are_those_of_the_points(model, songs):
    latents = model.encode(songs)
    clusters = mv.cluster(latents, k=4)
    x, labels, centres = latents.points[0], clusters.labels[0], clusters.centres[0]
    table = mv.assign(model, some_songs(5, 11), clusters)
    for row, place in zip(table.itertuples(), (5, 11), strict=True):
        to_centres = np.linalg.norm(centres - x[place], axis=1)
        first, second = np.argsort(to_centres)[:2]
        own = np.linalg.norm(x[labels == first] - centres[first], axis=1)
        assert (row.cluster, row.second_cluster) == (first, second)
        assert row.distance == pytest.approx(to_centres[first], rel=1e-5)
        assert row.ratio == pytest.approx(to_centres[first] / to_centres[second], rel=1e-5)
        assert row.typicality == pytest.approx(np.mean(own >= 0.9999 * to_centres[first]))
        to_songs = np.linalg.norm(x - x[place], axis=1)
        nearest = np.argsort(to_songs)[:5]
        found = [getattr(row, f"nearest_{i}_music_id") for i in range(1, 6)]
        assert found == latents.songs[nearest].tolist()
        distances = [getattr(row, f"nearest_{i}_distance") for i in range(1, 6)]
        assert distances == pytest.approx(to_songs[nearest], abs=1e-4)


def test_a_song_alone_is_assigned_as_among_others(model, songs):
    clusters = mv.cluster(model.encode(songs), k=4)
    whole, alone = mv.assign(model, songs, clusters), mv.assign(model, some_songs(7), clusters)
    numbers = whole.select_dtypes("number").columns
    found = alone[numbers].iloc[0].astype(float)
    np.testing.assert_allclose(found, whole[numbers].iloc[7].astype(float), atol=1e-4)


def test_a_song_that_is_like_none_is_not_typical(model, songs):
    clusters = mv.cluster(model.encode(songs), k=3)
    odd = with_mel(songs_table(2), 0, mel(np.random.default_rng(0), centre=120))
    table = mv.assign(model, mv.load_songs(write(Path("odd.parquet"), odd)), clusters)
    assert table["typicality"][0] == 0
    assert table["distance"][0] > table["distance"][1]


def test_clusters_of_any_representation_of_the_model_can_be_joined(songs):
    experiment = replace(PCA, fuse=("lyrics",), lyrics=mv.LyricsConfig("tfidf", components=3))
    model = mv.fit(experiment, songs, quiet=True)
    for latents in (model.encode(songs), model.encode(songs, "pca")):
        clusters = mv.cluster(latents, k=3, seeds=(5, 6))
        table = mv.assign(model, songs, clusters)
        assert table["cluster"].fillna(-1).tolist() == clusters.labels[0].tolist()
        assert table["reason"].isna().tolist() == latents.known.tolist()
    # Every fifth song has no lyrics, and the last clusters need none.
    assert clusters.labels.min() == 0


def test_rejected_songs_come_last_with_the_reason(model, songs):
    clusters = mv.cluster(model.encode(songs), k=3)
    table = with_mel(with_mel(songs_table(5), 1, None), 3, np.full((128, 4), np.nan))
    found = mv.assign(model, mv.load_songs(write(Path("some.parquet"), table)), clusters)
    assert found["music_id"].tolist() == [f"song 0{place}" for place in (0, 2, 4, 1, 3)]
    assert found["cluster"].isna().tolist() == [False] * 3 + [True] * 2
    assert found["reason"].str.contains("row [13]: ").tolist()[3:] == [True, True]
    numbers = found.loc[3:].drop(columns=["music_id", "reason"])
    assert numbers.isna().all(axis=None)


def test_fewer_known_songs_than_neighbours_leave_columns_empty(model, songs):
    latents = model.encode(songs)
    few = latents._replace(known=np.arange(24) < 4)
    table = mv.assign(model, songs, mv.cluster(few, k=2))
    assert table["nearest_4_music_id"].notna().all()
    assert table.filter(like="nearest_5").isna().all(axis=None)
    assert table["cluster"].notna().all()


def test_what_cannot_be_assigned_is_one_clear_error(model, songs):
    latents = model.encode(songs)
    clusters = mv.cluster(latents, k=3)
    for wrong, message in (
        (None, r"^clusters: got none, and the model has none; expected .* the experiment again\)$"),
        ("easy", r"^clusters: got str, expected Clusters$"),
        (mv.cluster(latents, 3, "agglomerative"), r"'agglomerative', which have no centres"),
        (mv.cluster(latents._replace(name="vae"), 3), r"those of 'vae', .* of the model, pca$"),
        (
            mv.cluster(latents._replace(points=latents.points[..., :3]), 3),
            r"^points: got 4 dimensions, expected 3, as the clusters have$",
        ),
    ):
        with pytest.raises(mv.InputError, match=message):
            mv.assign(model, songs, wrong)
    with pytest.raises(mv.InputError, match=r"^model: got str, expected Trained$"):
        mv.assign("checkpoint", songs, clusters)
    with pytest.raises(mv.InputError, match=r"^songs: got PosixPath, expected Songs$"):
        mv.assign(model, songs.path, clusters)


def test_without_a_usable_song_there_is_an_error(model, songs):
    clusters = mv.cluster(model.encode(songs), k=3)
    broken = write(Path("broken.parquet"), with_mel(with_mel(songs_table(2), 0, None), 1, None))
    with pytest.raises(mv.InputError, match=r"broken\.parquet: no usable song in 2 rows; row 0: "):
        mv.assign(model, mv.load_songs(broken), clusters)


@pytest.mark.slow
def test_clusters_of_some_modalities_are_not_those_of_all(songs):
    blocks = mv.FeatureConfig(blocks=("mfcc", "lyrics"))
    experiment = replace(
        PCA,
        features=blocks,
        model=mv.ModelConfig(kind="mvae", hidden=(4,), latent=2),
        train=mv.TrainConfig(epochs=1),
        lyrics=mv.LyricsConfig("tfidf", components=3),
    )
    model = mv.fit(experiment, songs, quiet=True)
    of_audio = mv.cluster(model.encode(songs, given="audio"), k=3)
    with pytest.raises(mv.InputError, match=r"^clusters: got those of mvae of melspectrogram, exp"):
        mv.assign(model, songs, of_audio)
    assert mv.assign(model, songs, mv.cluster(model.encode(songs), k=3))["cluster"].notna().all()


@pytest.mark.slow
def test_audio_files_join_clusters_of_audio_files():
    for i, (hz, suffix) in enumerate(zip([220, 330, 1700, 2600] * 3, SUFFIXES * 3, strict=True)):
        samples = audiofiles.tone(1 + i / 10, hz) + 0.1 * audiofiles.noise(1 + i / 10, seed=i)
        audiofiles.write(Path(f"music/{i:02d}{suffix}"), samples)
    known = mv.load_songs("music", mv.DataConfig(excerpt="start", seconds=1.0))
    model = mv.fit(PCA, known, quiet=True)
    clusters = mv.cluster(model.encode(known), k=2)
    expected = dict(zip(known.table["music_id"], clusters.labels[0], strict=True))
    assert len(set(expected.values())) == 2
    # Others' names, another folder, and one that is no audio.
    Path("new").mkdir()
    for name in ("03.mp3", "06.ogg"):
        shutil.copy(Path("music") / name, Path("new") / f"other {name}")
    Path("new/broken.wav").write_text("no audio")
    table = mv.assign(model, mv.load_songs("new", model.experiment.data), clusters)
    assert table["music_id"].tolist() == ["other 03.mp3", "other 06.ogg", "broken.wav"]
    assert table["cluster"].tolist()[:2] == [expected["03.mp3"], expected["06.ogg"]]
    assert table["nearest_1_music_id"].tolist()[:2] == ["03.mp3", "06.ogg"]
    assert table["nearest_1_distance"].max() < 1e-4
    assert table["reason"][2].startswith("broken.wav: ")


@pytest.mark.parametrize(
    ("name", "representation", "is_all"),
    [
        ("medium_lyrics", "lyrics_tfidf", False),
        ("hard_mfa", "mfa", False),
        ("hard_mfa_all", "mfa", True),
    ],
)
@pytest.mark.slow
def test_only_clusters_of_all_songs_take_songs_without_lyrics(
    name, representation, is_all, song_path, songs, quick_projections, no_figures
):
    """test_whole_results.py has the clusters of all experiments."""
    run(name, song_path)
    model = mv.load(f"checkpoints/{name}")
    table = mv.assign(model, songs)
    has_lyrics = np.arange(24) % 5 > 0
    assert table["cluster"].notna().tolist() == (has_lyrics | is_all).tolist()
    lacking = f"no lyrics, which {representation} is computed from"
    assert table["reason"].dropna().tolist() == [lacking] * (0 if is_all else 5)
    if not is_all:
        with pytest.raises(mv.InputError, match=f"got 2 usable song.s., all with {lacking}"):
            mv.assign(model, some_songs(0, 5))


@pytest.mark.slow
def test_one_beta_of_a_sweep_has_its_own_clusters(song_path, songs, quick_projections, no_figures):
    results = run("hard_beta_vae", song_path, train={"epochs": 1, "beta": (1.0, 4.0)}, seeds=(0,))
    model = mv.load("checkpoints/hard_beta_vae")
    model.of_beta(4.0).save("four")
    found = mv.load("four")
    assert list(found.known.clusters) == ["beta_vae_4"]
    expected = clusters_of(results, "beta_vae_4")
    assert mv.assign(found, songs)["cluster"].tolist() == expected.tolist()
    # Given clusters count in place of those.
    clusters = mv.cluster(found.encode(songs), k=5)
    assert mv.assign(found, songs, clusters)["cluster"].tolist() == clusters.labels[0].tolist()


@pytest.mark.slow
def test_the_function_stays_where_its_name_says():
    code = """
import musicvae_jax as mv
import musicvae_jax.assign
from musicvae_jax.verbs import assign
assert mv.assign is assign
assert musicvae_jax.assign is assign
"""
    subprocess.run([sys.executable, "-c", code], check=True, env=clean_environment())
