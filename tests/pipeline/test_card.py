"""The model card of a real run: its numbers are the tables', and its code runs."""

import re
import shutil
from pathlib import Path

import pandas as pd
import pytest
import yaml
from tinyruns import run_experiment, tiny

from musicvae_jax.config import from_json
from musicvae_jax.config.experiment import Experiment
from musicvae_jax.pipeline.card import card_of
from musicvae_jax.pipeline.results import find_checkpoint, load_run
from musicvae_jax.runtime.files import read_json
from musicvae_jax.trained import load

pytestmark = pytest.mark.slow
CARD = Path("checkpoints/hard_beta_vae/README.md")


@pytest.fixture
def results(song_path, quick_projections, no_figures):
    """Of a sweep over two betas, whose songs lie in the folder of the test."""
    Path("songs.parquet").symlink_to(song_path)
    quick = {"k": 3, "methods": ("kmeans",)}
    changes = {"train": {"beta": (1.0, 4.0)}, "cluster": quick}
    return run_experiment(tiny("hard_beta_vae", Path("songs.parquet"), **changes))


def score_rows(card):
    """Representation to its cells."""
    is_row = re.compile(r"\| `([^`]+)` (?:\(baseline\) )?\| (3 \|.*)\|$", re.MULTILINE)
    return {
        name: [cell.strip() for cell in cells.split("|")] for name, cells in is_row.findall(card)
    }


def test_a_run_leaves_a_card_beside_its_checkpoint(results, capsys):
    card = CARD.read_text()
    assert {path.name for path in CARD.parent.iterdir()} == {"2", "README.md"}
    metrics = pd.read_csv(results / "metrics.csv").groupby("representation", sort=False)
    evidence = pd.read_csv(results / "significance.csv")
    ami = evidence[(evidence["label"] == "genre") & (evidence["score"] == "ami")]
    ami = ami.groupby("representation", sort=False)
    rows = score_rows(card)
    assert list(rows) == list(metrics.groups)
    for name, (k, silhouette, genre, interval, chance, one_per_artist, language, _) in rows.items():
        of_one, of_ami = metrics.get_group(name), ami.get_group(name)
        assert k == "3"
        for cell, values in (
            (silhouette, of_one["silhouette"]),
            (genre, of_one["ami_genre"]),
            (one_per_artist, of_ami["one_per_artist"]),
            (language, of_one["ami_language"]),
        ):
            assert cell == f"{values.mean():.3f} ±{values.std():.3f}".replace("±0.", "±.")
        low, high = of_ami["low"].mean(), of_ami["high"].mean()
        assert interval == ("" if low != low else f"{low:.2f} to {high:.2f}")
        assert chance == f"{of_ami['null_high'].mean():.3f}"
    assert "vae of hard_beta_vae finds 3 groups in 24 songs (k = 3 as given)" in card
    _, front, _ = card.split("---\n", 2)
    (index,) = yaml.safe_load(front)["model-index"]
    found = {one["type"]: one["value"] for one in index["results"][0]["metrics"]}
    vae = metrics.get_group("vae")
    assert found == {
        "silhouette": round(vae["silhouette"].mean(), 3),
        "ami": round(vae["ami_genre"].mean(), 3),
    }
    (snippet,) = re.findall(r"```python\n(.*?)```", card, re.DOTALL)
    names = {}
    exec(snippet, names)
    assert names["latents"].points.shape == (2, 24, 32)
    assert capsys.readouterr().out.split()[:3] == ["title", "cluster", "nearest_1_title"]


def test_a_card_changes_nothing_about_its_checkpoint(results):
    assert find_checkpoint(results).samefile(CARD.parent)
    with_card = load_run(results)
    card = CARD.read_text()
    CARD.unlink()
    # As an earlier version has left it.
    assert load(CARD.parent).key == with_card.key
    config = from_json(Experiment, read_json(results / "config.json"))
    assert run_experiment(config) == results
    assert CARD.read_text() == card


def test_the_card_of_a_part_of_a_sweep_is_of_that_part(results):
    part = load(CARD.parent).of_beta(4.0)
    about = read_json(results / "manifest.json")
    alarms = [
        f"posterior collapse at beta {beta}, learning rate 0.001, seed 0: why" for beta in (1, 4)
    ]
    about |= {"alarms": alarms}
    card = card_of(part, results, about, Path("checkpoints/beta_vae_4"))
    rows = score_rows(card)
    assert "beta_vae_4" in rows
    assert "vae" not in rows
    assert rows["beta_vae_4"] == score_rows(CARD.read_text())["beta_vae_4"]
    assert "2 models (seeds 0, 3)" in card
    assert "- posterior collapse at beta 4," in card
    assert "collapse at beta 1," not in card
    assert 'mv.load("checkpoints/beta_vae_4")' in card
    shutil.rmtree(CARD.parent)
    part.save(Path("checkpoints/beta_vae_4"))
    assert load(Path("checkpoints/beta_vae_4")).names == ("beta_vae_4",)
