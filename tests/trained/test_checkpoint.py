import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from trainedmodels import TINY, assert_same, by_hand, fresh

from musicvae_jax.clustering import KnownClusters
from musicvae_jax.config import Experiment, FeatureConfig, LyricsConfig, ModelConfig, TrainConfig
from musicvae_jax.errors import InputError
from musicvae_jax.representations import Projection
from musicvae_jax.runtime.devices import make_mesh, place
from musicvae_jax.songs import load_songs
from musicvae_jax.trained import KnownSongs, Trained, find_trained, fit_fusions, load, save
from musicvae_jax.trained.own import base_representations


@pytest.mark.parametrize(
    ("model", "beta"),
    [
        (TINY.model, (1.0, 4.0)),
        (replace(TINY.model, condition="none"), (1.0, 4.0)),
        (replace(TINY.model, condition="none", kind="ae"), (0.0,)),
    ],
)
@pytest.mark.slow
def test_everything_comes_back(tmp_path, model, beta):
    train = replace(TINY.train, beta=beta)
    saved = by_hand(replace(TINY, model=model, train=train))
    save(saved, tmp_path / "c")
    assert_same(load(tmp_path / "c"), saved)
    assert load(tmp_path / "c").experiment == saved.experiment


def test_a_relative_folder_works():
    save(by_hand(), Path("here"))
    assert_same(load("here"), by_hand())


def test_a_folder_that_is_not_empty_is_left_as_it_is(tmp_path):
    by_hand().save(tmp_path / "new")
    (tmp_path / "empty").mkdir()
    by_hand().save(tmp_path / "empty")
    (tmp_path / "notes").write_text("mine")
    for taken in (tmp_path / "new", tmp_path, tmp_path / "notes"):
        with pytest.raises(InputError, match=r"already exists; expected a new or an empty"):
            by_hand().save(taken)
    assert (tmp_path / "notes").read_text() == "mine"
    assert_same(load(tmp_path / "new"), by_hand())


@pytest.mark.slow
def test_checkpoints_of_eight_devices_restore_on_one_and_the_reverse(tmp_path):
    """Another process has one device; it restores what this one saved, and saves its own."""
    mesh = make_mesh(1, 8)
    state = place(by_hand().state, mesh)
    assert len(jax.tree.leaves(state)[0].sharding.device_set) == 8
    save(by_hand()._replace(state=state), tmp_path / "eight")
    code = f"""
import sys
from pathlib import Path
sys.path.insert(0, {str(Path(__file__).parents[1])!r})
import jax
from trainedmodels import assert_same, by_hand
from musicvae_jax.trained import load, save
jax.config.update("jax_num_cpu_devices", 1)
assert jax.device_count() == 1
assert_same(load(Path({str(tmp_path / "eight")!r})), by_hand())
save(by_hand(), Path({str(tmp_path / "one")!r}))
"""
    subprocess.run([sys.executable, "-c", code], check=True)
    assert_same(load(tmp_path / "one"), by_hand())


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(InputError, match="gone: no such folder"):
        load(tmp_path / "gone")


def test_a_damaged_checkpoint_is_one_clear_error(tmp_path):
    (tmp_path / "5").mkdir()
    with pytest.raises(InputError, match="step 5 cannot be read"):
        load(tmp_path)


def test_a_folder_without_checkpoint_is_named(tmp_path):
    with pytest.raises(InputError, match="holds no checkpoint"):
        load(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("found", "named"), [(None, 1), (3, 3)])
def test_a_checkpoint_of_another_version_has_to_be_trained_again(tmp_path, found, named):
    """The first version wrote no number of its format."""
    save(by_hand(), tmp_path / "c")
    path = tmp_path / "c" / "7" / "meta" / "metadata"
    meta = json.loads(path.read_text())
    del meta["format"]
    path.write_text(json.dumps(meta if found is None else meta | {"format": found}))
    with pytest.raises(
        InputError,
        match=rf"c: got a checkpoint of format {named}, expected format 2: another version wrote "
        r"it, so train the model again$",
    ):
        load(tmp_path / "c")
    assert find_trained([tmp_path / "c"], "key of it") is None


def test_the_way_from_lyrics_to_vectors_comes_back(tmp_path, song_path):
    songs = load_songs(song_path)
    experiment = Experiment(
        "x",
        features=FeatureConfig(blocks=("mfcc", "lyrics")),
        lyrics=LyricsConfig(runtime="tfidf", components=3, centred=True),
        model=ModelConfig(hidden=(4,), latent=2),
        train=TrainConfig(epochs=1),
    )
    saved, _, _ = fresh(experiment, songs)
    save(saved, tmp_path / "c")
    restored = load(tmp_path / "c")
    assert_same(restored, saved)
    assert_same_points(restored, saved, songs)


def test_double_precision_and_fused_labels_come_back(tmp_path, song_path):
    songs = load_songs(song_path)
    experiment = Experiment(
        "x",
        features=FeatureConfig(blocks=("mfcc",)),
        lyrics=LyricsConfig(runtime="tfidf", components=3),
        model=ModelConfig(hidden=(4,), latent=2),
        train=TrainConfig(epochs=1),
        fuse=("lyrics", "genre"),
    )
    model, inputs, split = fresh(experiment, songs)
    latents = list(base_representations(model, inputs).values())
    places = np.flatnonzero(inputs.known)
    saved = model._replace(fusions=fit_fusions(experiment, latents, inputs, split, places))
    assert saved.fusions[0].balances[0].centre.dtype == np.float64
    save(saved, tmp_path / "c")
    restored = load(tmp_path / "c")
    assert_same(restored, saved)
    assert_same_points(restored, saved, songs)


def test_principal_components_come_back(tmp_path, song_path):
    songs = load_songs(song_path)
    model, _, _ = fresh(Experiment("x", model=ModelConfig(kind="pca", latent=2)), songs)
    rng = np.random.default_rng(0)
    # Thirds, which single precision would round.
    projection = Projection(rng.integers(9, size=512) / 3, rng.integers(9, size=(2, 512)) / 3)
    saved = model._replace(projection=projection)
    save(saved, tmp_path / "c")
    restored = load(tmp_path / "c")
    assert restored.state is None
    assert_same(restored, saved)
    assert_same_points(restored, saved, songs)


def known(names):
    """Songs with text that files and terminals have trouble with, in clusters."""
    rng = np.random.default_rng(0)
    texts = np.array(["a\n\x1b", "", None, "\udcff.wav", "música"], object)
    clusters = {
        name: KnownClusters(
            rng.normal(size=(5, 2)).astype(np.float32),
            rng.integers(3, size=5).astype(np.int32),
            rng.normal(size=(3, 2)),
        )
        for name in names
    }
    return KnownSongs(texts, texts[::-1].copy(), texts.copy(), clusters)


@pytest.mark.parametrize("kind", ["vae", "raw"])
def test_the_songs_that_a_run_clustered_come_back(tmp_path, kind):
    saved = by_hand(replace(TINY, model=replace(TINY.model, condition="none")))
    if kind == "raw":
        experiment = replace(saved.experiment, model=ModelConfig(kind="raw"))
        saved = Trained(saved.preprocessor._replace(experiment=experiment), saved.shape)
    saved = saved._replace(known=known([kind]))
    save(saved, tmp_path / "c")
    restored = load(tmp_path / "c")
    assert_same(restored, saved)
    assert restored.known.songs.tolist() == saved.known.songs.tolist()


def test_a_checkpoint_from_before_there_were_known_songs_still_loads(tmp_path):
    save(by_hand(), tmp_path / "c")
    path = tmp_path / "c" / "7" / "meta" / "metadata"
    meta = json.loads(path.read_text())
    assert meta["fitted"]["items"].pop() is None
    path.write_text(json.dumps(meta))
    assert_same(load(tmp_path / "c"), by_hand())


def test_one_beta_of_a_sweep_keeps_its_own_clusters_only():
    sweep = by_hand(replace(TINY, train=replace(TINY.train, beta=(1.0, 4.0))))
    sweep = sweep._replace(known=known(["cvae", "beta_cvae_4"]))
    for beta, name in ((1.0, "cvae"), (4.0, "beta_cvae_4")):
        single = sweep.of_beta(beta)
        assert list(single.known.clusters) == [name] == list(single.names)
        assert single.known.songs is sweep.known.songs
    assert sweep._replace(known=known(["cvae+genre"])).of_beta(1.0).known is None
    assert sweep._replace(known=None).of_beta(1.0).known is None


def assert_same_points(restored, saved, songs):
    assert restored.names == saved.names
    both = (one.representations(songs) for one in (restored, saved))
    for found, expected in zip(*both, strict=True):
        assert found.name == expected.name
        assert found.columns_seen == expected.columns_seen
        np.testing.assert_array_equal(found.known, expected.known)
        np.testing.assert_array_equal(found.points, expected.points)


def test_a_training_is_found_by_its_key(tmp_path):
    save(by_hand()._replace(key="one"), tmp_path / "a")
    save(by_hand()._replace(key="two"), tmp_path / "b")
    (tmp_path / "c" / "1" / "meta").mkdir(parents=True)
    (tmp_path / "c" / "1" / "meta" / "metadata").write_text("damaged")
    folders = sorted(tmp_path.iterdir())
    assert find_trained(folders, "two") == tmp_path / "b"
    assert find_trained(folders, "three") is None


def test_a_restored_model_computes_what_the_saved_one_did(tmp_path):
    saved = by_hand()
    save(saved, tmp_path / "c")
    restored = load(tmp_path / "c")
    points, condition = np.ones((4, 2), np.float32), np.eye(3, dtype=np.float32)[[0, 1, 2, 0]]
    for member in (0, 1):
        found = restored.decode(points, member, condition)
        np.testing.assert_array_equal(found, saved.decode(points, member, condition))
    assert jnp.shape(restored.params(1)["params"]["encoder"]["Dense_0"]["kernel"]) == (10, 4)
