"""TensorBoard's files of runs, read back by its own reader."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.image import imread
from processes import clean_environment
from tensorboard.backend.event_processing.event_accumulator import STORE_EVERYTHING_SIZE_GUIDANCE
from tensorboard.backend.event_processing.event_multiplexer import EventMultiplexer
from tinyruns import run_experiment, tiny

from experiments import run, suite
from musicvae_jax.config import Experiment, ModelConfig, RuntimeConfig, TrainConfig, to_json
from musicvae_jax.config import runtime as runtime_config
from musicvae_jax.errors import InputError, StoppedError
from musicvae_jax.pipeline import train_or_find
from musicvae_jax.tracking import Outcome
from musicvae_jax.tracking.tensorboard import TensorBoard

SCORES = ("silhouette", "shared_silhouette", "ami_genre", "ami_language", "ami_artist")


@pytest.fixture(autouse=True)
def quick(quick_projections, no_figures):
    """Pictures are those of a test."""


def read(folder):
    """TensorBoard's runs beneath a folder, by name."""
    found = EventMultiplexer(size_guidance=STORE_EVERYTHING_SIZE_GUIDANCE)
    found.AddRunsFromDirectory(str(folder))
    found.Reload()
    return {name: found.GetAccumulator(name) for name in found.Runs()}


def text(accumulator, tag):
    (event,) = accumulator.Tensors(f"{tag}/text_summary")
    return event.tensor_proto.string_val[0].decode()


def scalars(accumulator, tag):
    return {event.step: event.value for event in accumulator.Scalars(tag)}


def assert_has_history(runs, folder):
    """Each epoch of each model once, as in history.csv."""
    history = pd.read_csv(folder / "history.csv")
    assert len(history) > 0
    for (beta, seed), rows in history.groupby(["beta", "seed"]):
        name = "vae" if beta == 1 else f"beta_vae_{beta:g}"
        accumulator = runs[f"easy_vae/tensorboard/{name}_seed_{seed}"]
        for side in ("train", "heldout"):
            for loss in ("reconstruction", "kl", "negative_elbo"):
                events = accumulator.Scalars(f"{loss}_nats/{side}")
                assert [event.step for event in events] == rows["epoch"].tolist()
                values = [event.value for event in events]
                column = rows[f"{side}_{loss}_nats"]
                np.testing.assert_allclose(values, column, rtol=1e-6, atol=1e-6)
        active = scalars(accumulator, "active_units")
        assert active == dict(zip(rows["epoch"], rows["active_units"], strict=True))


def quickly(name, path, **changes):
    """A tiny experiment whose clusterings take little time."""
    return tiny(name, path, cluster={"k": 3, "methods": ("kmeans",)}, **changes)


def assert_has_results(runs, folder):
    """The scores of each model and its KL per dimension, as in the tables."""
    metrics = pd.read_csv(folder / "metrics.csv")
    rows = metrics[metrics["role"] == "own"]
    assert len(rows) == 4
    for _, row in rows.iterrows():
        one = runs[f"easy_vae/tensorboard/{row['representation']}_seed_{row['seed']}"]
        found = {tag: scalars(one, tag) for tag in one.Tags()["scalars"] if "scores/" in tag}
        expected = {f"scores/{name}": {8: pytest.approx(row[name], abs=1e-6)} for name in SCORES}
        assert found == expected
    for (beta, seed), of_model in pd.read_csv(folder / "posterior.csv").groupby(["beta", "seed"]):
        name = "vae" if beta == 1 else f"beta_vae_{beta:g}"
        one = runs[f"easy_vae/tensorboard/{name}_seed_{seed}"]
        (event,) = one.Histograms("kl_nats/per_dimension")
        assert (event.step, event.histogram_value.num) == (8, 32)
        assert event.histogram_value.sum == pytest.approx(of_model["kl_nats"].sum(), rel=1e-5)
        assert event.histogram_value.max == pytest.approx(of_model["kl_nats"].max(), rel=1e-5)


@pytest.mark.slow
def test_a_sweep_that_was_interrupted_then_finished_then_run_again(song_path, monkeypatch):
    experiment = quickly("easy_vae", song_path, train={"beta": (1.0, 4.0), "epochs": 8})
    with monkeypatch.context() as patch:
        patch.setattr(train_or_find, "stop_requested", lambda: True)
        with pytest.raises(StoppedError):
            run_experiment(experiment, track="tensorboard")
    one = read("results")["easy_vae/tensorboard/vae_seed_0"]
    # As many as are trained in one call.
    assert list(scalars(one, "kl_nats/train")) == [1, 2, 3, 4, 5]
    assert not Path("results/easy_vae/manifest.json").exists()

    folder = run_experiment(experiment, track="tensorboard")
    runs = read("results")
    whole = "easy_vae/tensorboard"
    members = [f"{name}_seed_{seed}" for name in ("vae", "beta_vae_4") for seed in (0, 3)]
    assert set(runs) == {whole, *(f"{whole}/{member}" for member in members)}
    assert_has_history(runs, folder)
    assert_has_results(runs, folder)
    config = "".join(line.removeprefix("    ") for line in text(runs[whole], "config").split("\n"))
    assert json.loads(config) == json.loads((folder / "config.json").read_text())
    assert "| `beta_vae_4` |" in text(runs[whole], "scores")

    for path in folder.rglob("events*"):
        # As of another second.
        path.rename(path.with_name(path.name.replace("tfevents.", "tfevents.0")))
    (folder / "tensorboard" / "notes.txt").write_text("mine")
    monkeypatch.setattr(train_or_find, "train_members", None)
    run_experiment(experiment, track="tensorboard")
    assert len(list(folder.rglob("events*"))) == 5
    assert_has_history(read("results"), folder)
    assert (folder / "tensorboard" / "notes.txt").read_text() == "mine"


@pytest.mark.slow
def test_a_fusion_has_runs_of_its_own_and_marks_scores_that_are_no_results(song_path):
    run_experiment(quickly("hard_multimodal", song_path, seeds=(3,)), track="tensorboard")
    runs = read("results/hard_multimodal/tensorboard")
    names = ("vae", "vae+lyrics_tfidf", "vae+lyrics_tfidf_pca", "vae+lyrics_tfidf+genre")
    assert set(runs) == {".", *(f"{name}_seed_3" for name in names)}
    tags = {name: set(runs[f"{name}_seed_3"].Tags()["scalars"]) for name in names}
    assert {"kl_nats/train", "scores/ami_genre"} < tags["vae"]
    assert "kl_nats/train" not in tags["vae+lyrics_tfidf"]
    of_genre = {tag for tag in tags["vae+lyrics_tfidf+genre"] if "genre" in tag}
    assert of_genre == {"scores/ami_genre_given"}


def test_a_run_without_training_has_scores_alone(song_path):
    run_experiment(quickly("easy_pca", song_path, seeds=(3,)), track="tensorboard")
    tags = read("results")["easy_pca/tensorboard/pca_seed_3"].Tags()
    assert set(tags["scalars"]) == {f"scores/{name}" for name in SCORES}
    assert tags["histograms"] == []


def test_models_that_are_no_longer_there_leave_no_run():
    for seeds in ((0, 3), (3,)):
        tracker = TensorBoard(Experiment("mine", seeds=seeds))
        tracker.on_epochs(0, {"train_kl_nats": np.zeros(len(seeds))})
        tracker.close()
    log = Path("results/mine/tensorboard")
    assert [path.name for path in log.iterdir() if path.is_dir()] == ["vae_seed_3"]


def test_files_and_folders_that_no_run_has_made_stay():
    folder = Path("results/mine/tensorboard")
    others = [
        folder / "copies" / "vae_seed_0" / "events.out.tfevents.1.host",
        folder / "baseline" / "events.out.tfevents.1.host",
        folder / "vae_seed_0" / "plugins" / "events.out.tfevents.1.host",
        folder / "vae_seed_mean" / "events.out.tfevents.1.host",
    ]
    for path in (*others, folder / "vae_seed_0" / "events.out.tfevents.1.host"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (folder / "empty_seed_1").mkdir()
    tracker = TensorBoard(Experiment("mine", seeds=(7,)))
    tracker.on_epochs(0, {"train_kl_nats": np.zeros(1)})
    tracker.close()
    assert all(path.exists() for path in others)
    assert (folder / "empty_seed_1").is_dir()
    assert [path.name for path in (folder / "vae_seed_0").iterdir()] == ["plugins"]


def test_a_run_that_trains_nothing_leaves_the_files_of_the_run_before():
    folder = Path("results/mine/tensorboard")
    folder.mkdir(parents=True)
    (folder / "events.out.tfevents.1.host").write_text("before")
    TensorBoard(Experiment("mine")).close()
    assert [path.read_text() for path in folder.iterdir()] == ["before"]


def test_a_full_disk_is_an_error_that_names_the_file():
    tracker = TensorBoard(Experiment("mine"))
    tracker.on_epochs(0, {"train_kl_nats": np.zeros(1)})
    with Path("/dev/full").open("wb") as full:
        for file in tracker._files.values():
            os.dup2(full.fileno(), file._file.fileno())
    with pytest.raises(OSError, match=r"vae_seed_0/events.*: cannot be written \(No space left"):
        tracker.on_epochs(1, {"train_kl_nats": np.zeros(1)})
    tracker.close()


def test_pictures_and_models_without_a_kl_are_written_as_they_are(tmp_path):
    experiment = Experiment(
        "mine",
        model=ModelConfig(kind="ae"),
        train=TrainConfig(epochs=2, beta=(0.0,)),
        output_dir=tmp_path / "out",
    )
    rng = np.random.default_rng(0)
    picture = rng.integers(0, 256, (9, 7, 3), np.uint8)
    tracker = TensorBoard(experiment)
    losses = {"train_kl_nats": np.zeros(1), "train_reconstruction_nats": np.array([np.nan])}
    tracker.on_epochs(0, losses)
    tracker.on_outcome(Outcome({("ae", 0): {"silhouette": 0.5}}, {}, {"tsne": picture}, "| a |"))
    tracker.close()
    runs = read(tmp_path)
    (event,) = runs["out/tensorboard"].Images("figures/tsne")
    assert event.step == 2
    shown = imread(io.BytesIO(event.encoded_image_string))
    np.testing.assert_array_equal(np.rint(shown * 255).astype(np.uint8), picture)
    assert text(runs["out/tensorboard"], "scores") == "| a |"
    one = runs["out/tensorboard/ae_seed_0"]
    assert one.Tags()["scalars"] == ["reconstruction_nats/train", "scores/silhouette"]
    assert np.isnan(scalars(one, "reconstruction_nats/train")[1])


KILLED = """
import os, signal
import numpy as np
from musicvae_jax.config import Experiment
from musicvae_jax.tracking.tensorboard import TensorBoard

tracker = TensorBoard(Experiment("easy_vae"))
for epoch in range(300):
    tracker.on_epochs(epoch, {"train_kl_nats": np.array([epoch])})
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_the_files_of_a_killed_run_can_be_read():
    done = subprocess.run([sys.executable, "-c", KILLED], env=clean_environment(), check=False)
    assert done.returncode < 0
    runs = read("results")
    assert "easy_vae" in text(runs["easy_vae/tensorboard"], "config")
    epochs = scalars(runs["easy_vae/tensorboard/vae_seed_0"], "kl_nats/train")
    assert epochs == {epoch + 1: epoch for epoch in range(300)}


IMPORTED = """
import sys
import musicvae_jax.pipeline.run
import musicvae_jax.verbs
from musicvae_jax.config import Experiment, RuntimeConfig
from musicvae_jax.tracking import open_tracker

RuntimeConfig(track="tensorboard")
for name in (None, "tensorboard"):
    with open_tracker(name, Experiment("mine")):
        print("tensorboardX" in sys.modules)
"""


def test_nothing_is_imported_unless_asked_for():
    done = subprocess.run(
        [sys.executable, "-c", IMPORTED],
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["False", "True"]


@pytest.mark.parametrize(
    ("main", "name"), [(run.main, "easy_pca"), (suite.main, "easy")], ids=["run", "suite"]
)
def test_without_the_extra_nothing_is_begun(main, name, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(runtime_config, "find_spec", lambda package: None)
    assert main([name, "--track", "tensorboard"]) == 2
    assert capsys.readouterr().err.splitlines() == [
        "error: track: got 'tensorboard', expected tensorboardX installed: "
        "pip install 'musicvae_jax[tensorboard]'"
    ]
    assert list(tmp_path.iterdir()) == []


def test_a_tracker_that_there_is_none_of_is_named():
    with pytest.raises(InputError, match="track: got 'wandb', expected one of 'tensorboard'"):
        RuntimeConfig(track="wandb")


def test_settings_have_no_tracker():
    """It changes no number, so it is no part of what a finished run is recognised by."""
    assert "track" not in json.dumps(to_json(Experiment("mine")))
