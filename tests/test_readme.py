"""The Python of the README and the documentation works as it is printed."""

import re
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Literal, get_args

import jax
import numpy as np
import pytest
import tinyruns
from smallfits import TINY, fit

import musicvae_jax as mv
from experiments import run
from musicvae_jax.config import MODELS, TRACKERS, RuntimeConfig, TrackerName, learning
from musicvae_jax.config.traits import ModelKind, ModelTraits, TrackerTraits

ROOT = Path(__file__).parent.parent
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])


def snippets(page):
    return re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(), re.DOTALL)


def the_snippet_with(page, text):
    (found,) = [snippet for snippet in snippets(page) if text in snippet]
    return found


def test_a_loss_and_a_model_can_be_lifted(capsys):
    exec(the_snippet_with("docs/howto/library.md", "MLPAutoencoder"), {})
    assert capsys.readouterr().out.startswith("(8,) ")


@pytest.mark.slow
def test_songs_are_fitted_encoded_clustered_scored_and_saved(demo, capsys):
    names = {}
    exec(the_snippet_with("README.md", "mv.fit("), names)
    assert names["latents"].points.shape == (2, 64, 32)
    printed = capsys.readouterr().out.split()
    assert printed[:2] == ["value", "mark"]
    assert {"label", "score", "seed"} <= set(printed)
    assert Path("checkpoints/mine").is_dir()
    assert names["model"].experiment.name == "hard_cvae"


def test_the_manual_shows_the_same_calls_as_the_readme():
    pages = ("README.md", "docs/howto/library.md")
    calls = [re.sub(r" *#.*", "", the_snippet_with(page, "mv.fit(")) for page in pages]
    assert calls[0] == calls[1]


@pytest.mark.slow
def test_estimators_are_searched_and_take_a_condition(capsys):
    names = {}
    for snippet in snippets("docs/howto/scikit-learn.md"):
        exec(snippet, names)
    *rows, shape = capsys.readouterr().out.splitlines()
    assert len(rows) == 6
    assert shape == "(1797, 8)"


@pytest.mark.slow
def test_a_tracker_of_ones_own_follows_a_fit_and_a_run(
    demo, capsys, monkeypatch, song_path, quick_projections, no_figures
):
    names = {}
    exec(the_snippet_with("docs/howto/track-training.md", "on_outcome"), names)
    n_epochs, loss = capsys.readouterr().out.split()
    assert n_epochs == "3"
    assert float(loss) == names["memory"].losses[-1] < names["memory"].losses[0]
    # Then as the page says that --track finds it.
    made = []

    class Kept(names["Memory"]):
        def __init__(self, experiment):
            super().__init__(experiment)
            made.append(self)

    monkeypatch.setitem(sys.modules, "musicvae_jax.tracking.memory", SimpleNamespace(Memory=Kept))
    page = (ROOT / "docs/howto/track-training.md").read_text()
    (row,) = re.findall(r'`"memory": (TrackerTraits\(.*\))`', page)
    monkeypatch.setitem(TRACKERS, "memory", eval(row, {"TrackerTraits": TrackerTraits}))
    names = Literal[(*get_args(TrackerName), "memory")]
    monkeypatch.setitem(RuntimeConfig.__annotations__, "track", names | None)
    track = run._parse(["easy_vae", "--track", "memory"]).runtime.track
    tinyruns.run_experiment(tinyruns.tiny("easy_vae", song_path), track=track)
    (memory,) = made
    assert len(memory.losses) == 2
    assert set(memory.scores) == {("vae", 0), ("vae", 3)}
    assert "silhouette" in memory.scores["vae", 0]


def test_a_model_of_ones_own_is_fitted_encodes_and_is_loaded_again(songs, tmp_path, monkeypatch):
    page = "docs/howto/extend.md"
    names = {}
    exec(the_snippet_with(page, "LinearVAE"), names)
    (kind, row) = re.search(r'`"(\w+)": (ModelTraits\(.*\))`', (ROOT / page).read_text()).groups()
    module = SimpleNamespace(LinearVAE=names["LinearVAE"])
    monkeypatch.setitem(sys.modules, "musicvae_jax.models.linear", module)
    monkeypatch.setitem(MODELS, kind, eval(row, {"ModelTraits": ModelTraits}))
    monkeypatch.setattr(learning, "ModelKind", Literal[(*get_args(ModelKind), kind)])
    experiment = replace(TINY, model=mv.ModelConfig(kind=kind, latent=2))
    model = fit(experiment, songs)
    loss = model.history.train.negative_elbo
    assert np.all(loss[:, -1] < loss[:, 0])
    latents = model.encode(songs).points
    assert latents.shape == (2, 24, 2)
    assert model.sample(jax.random.key(0), 3).shape == model.decode(latents[0][:3]).shape
    model.save(tmp_path / "mine")
    np.testing.assert_array_equal(mv.load(tmp_path / "mine").encode(songs).points, latents)


def test_there_is_no_other_python():
    n_snippets = {page.relative_to(ROOT).as_posix(): len(snippets(page)) for page in PAGES}
    assert {page: n for page, n in n_snippets.items() if n} == {
        "README.md": 1,
        "docs/howto/extend.md": 1,
        "docs/howto/library.md": 2,
        "docs/howto/scikit-learn.md": 2,
        "docs/howto/track-training.md": 1,
    }


def test_links_between_pages_lead_somewhere():
    for page in PAGES:
        for link in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text()):
            if "://" not in link:
                assert (page.parent / link).exists(), f"{page}: {link}"
