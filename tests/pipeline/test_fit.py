"""What a run is fitted on, what it finds fitted before, and songs it cannot be fitted on."""

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from songfiles import songs_table, with_column, write
from tinyruns import files, run_experiment, tiny

from musicvae_jax.config import RuntimeConfig
from musicvae_jax.errors import InputError, StoppedError
from musicvae_jax.pipeline import train_or_find
from musicvae_jax.pipeline.fit import fit
from musicvae_jax.pipeline.prepare import read_features
from musicvae_jax.preprocess import fit_transform, split_inputs
from musicvae_jax.runtime.terminal import Terminal
from musicvae_jax.songs import load_songs
from musicvae_jax.training import DivergenceError


@pytest.fixture(autouse=True)
def quick(quick_projections, no_figures):
    """Nothing that comes after training is looked at here."""


def refused(experiment, message, error=InputError, **runtime):
    """The run ends with the error and leaves no file."""
    with pytest.raises(error, match=message):
        run_experiment(experiment, **runtime)
    assert files(Path("results")) == files(Path("checkpoints")) == set()


@pytest.mark.slow
def test_a_fusion_has_the_dimensions_of_all_its_blocks_of_songs_that_all_know(song_path):
    experiment = tiny("hard_multimodal", song_path)
    fitted = fit(experiment, load_songs(song_path), RuntimeConfig(), Terminal())
    own = {one.name: one for one in fitted.own}
    # 32 audio latents under two seeds, 6 dimensions of lyrics or of their PCA, 3 genres.
    assert {name: one.points.shape for name, one in own.items()} == {
        "vae+lyrics_tfidf_pca": (2, 24, 38),
        "vae+lyrics_tfidf": (2, 24, 38),
        "vae+lyrics_tfidf+genre": (2, 24, 41),
    }
    has_lyrics = fitted.inputs.table["lyrics"].notna()
    assert np.flatnonzero(has_lyrics).tolist() == fitted.scored.tolist()
    for one in own.values():
        assert one.known.tolist() == has_lyrics.tolist()
        assert np.isfinite(one.at(fitted.scored).points).all()
    assert fitted.found is None


@pytest.mark.slow
def test_a_model_that_another_experiment_trained_is_not_trained_again(
    song_path, monkeypatch, capsys
):
    run_experiment(tiny("easy_vae_mfcc", song_path))
    trained = pd.read_csv("results/easy_vae_mfcc/history.csv")
    monkeypatch.setattr(train_or_find, "train_members", None)
    folder = run_experiment(tiny("hard_multimodal", song_path))
    assert "model: loaded from checkpoints/easy_vae_mfcc" in capsys.readouterr().out
    pd.testing.assert_frame_equal(pd.read_csv(folder / "history.csv"), trained)
    about = json.loads((folder / "manifest.json").read_text())["stages"]["training"]
    assert about == {"computed": 0, "found": 1, "where": "checkpoints/easy_vae_mfcc"}


@pytest.mark.parametrize(("split_seed", "new"), [(0, ["March"]), (1, ["Polka"]), (3, [])])
def test_a_label_that_no_training_song_has_is_not_given_to_the_model(tmp_path, split_seed, new):
    artists = songs_table()["art_id"].to_pylist()
    genres = ["Polka" if one == "artist 00" else "March" for one in artists]
    genres[1::3] = ["Waltz"] * 8
    path = write(tmp_path / "s.parquet", with_column(songs_table(), "main_genre", genres))
    experiment = tiny("hard_cvae", path, data={"split_seed": split_seed, "heldout_fraction": 0.5})
    songs, notices = load_songs(path), []
    features = read_features(experiment, songs, Terminal())
    split = split_inputs(experiment, features.table)
    preprocessor, inputs, _ = fit_transform(
        experiment, songs, features, split, on_notice=notices.append
    )
    genre = features.table["genre"]
    known = set(genre.iloc[split.train])
    assert set(preprocessor.vocabularies["genre"]) == known
    assert (inputs.condition.sum(axis=1) == 1).tolist() == genre.isin(known).tolist()
    assert sorted(set(genre) - known) == new
    assert [re.search(r"no training song has \((.*)\);", line)[1] for line in notices] == new


def test_songs_of_one_artist_are_split_with_a_notice(tmp_path, capsys):
    table = with_column(songs_table(), "art_id", ["one"] * 24)
    run_experiment(tiny("easy_pca", write(tmp_path / "s.parquet", table)))
    assert "held-out songs are not by new artists" in capsys.readouterr().err


@pytest.mark.parametrize(("n_unknown", "is_said"), [(12, False), (13, True)])
@pytest.mark.slow
def test_songs_that_mostly_lack_artists_are_taken_by_song_with_a_notice(
    tmp_path, capsys, n_unknown, is_said
):
    artists = [None] * n_unknown + [f"artist {n % 3}" for n in range(24 - n_unknown)]
    table = with_column(songs_table(), "art_id", artists)
    table = with_column(table, "art_name", [None] * 24)
    run_experiment(tiny("easy_pca", write(tmp_path / "s.parquet", table)))
    said = "notice: artist: null in 13 of 24 songs; in the split, intervals and verdicts, each of"
    assert (said in capsys.readouterr().err) == is_said


@pytest.mark.parametrize("name", ["medium_lyrics", "hard_multimodal", "hard_multimodal_vae"])
def test_no_lyrics_at_all_are_an_error_of_what_uses_them(tmp_path, name):
    table = with_column(songs_table(), "music_lyrics", [None] * 24)
    path = write(tmp_path / "s.parquet", table)
    refused(tiny(name, path), "missing in 24 of 24 songs")


@pytest.mark.parametrize(("genre", "found"), [("Polka", r"1 .* \(Polka\)"), (None, "0 .*null")])
def test_a_conditional_model_needs_two_labels(tmp_path, genre, found):
    table = with_column(songs_table(), "main_genre", [genre] * 24)
    path = write(tmp_path / "s.parquet", table)
    refused(tiny("hard_cvae", path), rf"model\.condition genre: got {found}")


@pytest.mark.parametrize("n_songs", [1, 2])
def test_too_few_songs_are_refused(tmp_path, n_songs):
    path = write(tmp_path / "s.parquet", songs_table(n_songs))
    refused(tiny("easy_pca", path), rf"got {n_songs} songs, expected more than cluster\.k_min")


@pytest.mark.slow
def test_divergence_leaves_no_results(song_path):
    experiment = tiny("easy_vae", song_path)
    wild = replace(experiment.train, epochs=20, learning_rate=(1e18,))
    message = r"training diverged at beta 1, learning rate 1e\+18, seed 0, epoch"
    refused(replace(experiment, train=wild), message, DivergenceError)


def vade(path, **changes):
    return tiny("hard_vade", path, **({"model": {"components": 4}} | changes))


def test_a_mixture_of_too_few_songs_is_refused(song_path):
    message = r"^model\.components: got 24, expected at most 20, the number of training songs"
    refused(vade(song_path, model={"components": 24}), message)


@pytest.mark.slow
def test_a_mixture_needs_songs_that_are_not_streamed(song_path):
    message = r"model\.kind: got 'vade' .* streamed, expected a data_budget_mb above 0\.0"
    refused(vade(song_path), message, data_budget_mb=0)
    # As the message says.
    run_experiment(vade(song_path))


def test_pretraining_that_diverges_leaves_no_results(song_path):
    wild = vade(song_path, train={"learning_rate": (1e18,), "pretrain_epochs": 20})
    refused(wild, r"diverged at beta 1, learning rate 1e\+18, seed 0", DivergenceError)


@pytest.mark.slow
def test_a_run_that_was_stopped_while_pretraining_runs_again(song_path, monkeypatch):
    whole = run_experiment(vade(song_path))
    expected = pd.read_csv(whole / "history.csv")
    again = replace(vade(song_path), name="again")
    with monkeypatch.context() as patch:
        patch.setattr(train_or_find, "stop_requested", lambda: True)
        patch.setattr(train_or_find, "find_trained", lambda *_: None)
        with pytest.raises(StoppedError, match="stopped while pretraining"):
            run_experiment(again)
        patch.setattr(train_or_find, "stop_requested", lambda: False)
        found = run_experiment(again)
    pd.testing.assert_frame_equal(pd.read_csv(found / "history.csv"), expected)
