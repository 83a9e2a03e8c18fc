"""A whole run on a table of features, and the same by the verbs."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from songfiles import songs_table
from songfiles import write as write_songs
from tablefiles import NAMES, gtzan_like, write
from tinyruns import run_experiment, tiny

import musicvae_jax as mv
from musicvae_jax.errors import InputError
from musicvae_jax.songs import load_songs
from musicvae_jax.trained import load


@pytest.fixture
def table_path(tmp_path):
    return write(tmp_path / "gtzan.csv", gtzan_like(36))


@pytest.fixture
def vae(table_path):
    """A VAE fitted on the table by the verbs."""
    experiment = tiny("easy_vae_mfcc", table_path)
    return mv.fit(experiment, load_songs(table_path), quiet=True)


@pytest.mark.slow
def test_a_run_has_all_results_but_spectra(table_path, quick_projections, capsys):
    folder = run_experiment(tiny("easy_vae", table_path, cluster={"k": 3}))
    printed = capsys.readouterr()
    assert "features: 36 songs from their table; 0 of 36 rows rejected" in printed.out
    assert "the block table takes the place of statistics" in printed.err
    metrics = pd.read_csv(folder / "metrics.csv")
    kmeans = metrics[metrics["clusterer"] == "kmeans"].groupby("representation")["ami_genre"].mean()
    assert set(kmeans.index) == {"vae", "pca", "whitened_pca_4", "raw"}
    # Each feature has its own unit, so those that tell the genre are not drowned out.
    assert kmeans["raw"] > 0.9
    assert metrics["labels_seen"].isna().all()
    cards = json.loads((folder / "cards.json").read_text())
    assert all("spectrum_db" not in card for card in cards["clusters"])
    assert not (folder / "reconstructions.npz").exists()
    assert (folder / "figures").is_dir()
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["data"]["songs"] == 36
    assert manifest["stages"]["features"] == {"computed": 1, "found": 0, "where": None}
    config = json.loads((folder / "config.json").read_text())
    assert config["features"]["blocks"] == ["table"]


def test_a_checkpoint_encodes_the_columns_it_was_fitted_on_wherever_they_stand(
    vae, table_path, tmp_path
):
    latents = vae.encode(load_songs(table_path))
    assert latents.columns_seen == ("features",)
    vae.save("checkpoint")
    table = gtzan_like(36)[[*NAMES[::-1], "label", "filename"]].assign(loudness=1.0)
    again = load("checkpoint").encode(load_songs(write(tmp_path / "u.csv", table.iloc[30:])))
    assert again.songs.tolist() == latents.songs[30:].tolist()
    np.testing.assert_allclose(again.points, latents.points[:, 30:], rtol=1e-4, atol=1e-5)


def test_decoded_features_are_in_the_units_of_the_table(vae, table_path):
    songs = load_songs(table_path)
    decoded = vae.decode(vae.encode(songs).of_seed(0))
    assert decoded.shape == (36, 4)
    mean = songs.features.values.mean(axis=0)
    assert np.all(np.abs(decoded.mean(axis=0) - mean) < songs.features.values.std(axis=0))


def test_a_model_of_a_table_needs_its_columns(vae, tmp_path):
    other = load_songs(write(tmp_path / "u.csv", gtzan_like().drop(columns="tempo")))
    with pytest.raises(InputError, match="no column 'tempo' of numbers"):
        vae.encode(other)


def test_a_model_of_one_kind_of_songs_does_not_encode_the_other(vae, table_path, song_path):
    with pytest.raises(InputError, match="got table, expected some of statistics"):
        vae.encode(load_songs(song_path))
    of_mels = mv.fit(tiny("easy_pca", song_path), load_songs(song_path), quiet=True)
    with pytest.raises(InputError, match="got statistics, expected table"):
        of_mels.encode(load_songs(table_path))


def test_a_model_of_crops_is_refused_by_the_verb_too(table_path):
    with pytest.raises(InputError, match="got 'conv_vae', which reads mel spectrograms"):
        mv.fit("medium_conv_vae", load_songs(table_path), quiet=True)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (gtzan_like(1), r"got 1 songs, expected more than cluster.k_min"),
        (gtzan_like(24).assign(tempo=[np.nan] * 13 + [1.0] * 11), "13 of 24 rows cannot be used"),
    ],
)
def test_too_few_songs_are_one_clear_error(tmp_path, table, message):
    path = write(tmp_path / "t.csv", table)
    with pytest.raises(InputError, match=message):
        run_experiment(tiny("easy_pca", path))


@pytest.mark.slow
def test_a_table_with_lyrics_can_be_fused(tmp_path, quick_projections, no_figures):
    songs = write_songs(tmp_path / "songs.parquet", songs_table(24)).with_suffix(".csv")
    lyrics = songs_table(24)["music_lyrics"].to_pylist()
    write(songs, gtzan_like(24).assign(lyrics=lyrics))
    folder = run_experiment(tiny("hard_mvae", songs, features={"balance": "mfa"}))
    metrics = pd.read_csv(Path(folder) / "metrics.csv")
    assert metrics["representation"].iloc[0] == "mvae"
    assert metrics["labels_derivable"].dropna().unique().tolist() == ["language"]
