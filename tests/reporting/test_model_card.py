"""README.md of a checkpoint, from small tables."""

import ast
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import reportframes as frames
import yaml

from musicvae_jax.config import (
    ClusterConfig,
    DataConfig,
    Experiment,
    LyricsConfig,
    ModelConfig,
    TrainConfig,
)
from musicvae_jax.registry import EXPERIMENTS
from musicvae_jax.reporting.markdown import code
from musicvae_jax.reporting.model_card import model_card
from musicvae_jax.runtime.printable import printable

ABOUT = {
    "data": {
        "path": "/home/someone/songs.parquet",
        "fingerprint": "ab" * 32,
        "songs": 1695,
        "training_songs": 1600,
        "heldout_songs": 95,
        "clustered_songs": 1600,
        "with_lyrics": 555,
        "genres": 21,
        "languages": 1,
        "artists": 217,
    },
    "alarms": [],
    "approximated": {},
    "versions": {"musicvae_jax": "9.8.7"},
}
MINE = Experiment("easy_vae", seeds=(0, 1))
VAE = frames.over_seeds([0.5, 0.4])
PCA = frames.over_seeds([0.2, 0.2], representation="pca", role="baseline")


FOUND = "easy_vae finds 4 groups"


def card(experiment=MINE, rows=(*VAE, *PCA), compared=(), about=ABOUT, found=FOUND, at="my/vae"):
    summary = frames.summary(frames.metrics(*rows), *compared)
    return model_card(experiment, about, summary, found, Path(at))


def front(text):
    """The front matter."""
    _, found, _ = text.split("---\n", 2)
    return yaml.safe_load(found)


def part(text, heading):
    return re.search(rf"^## {heading}\n(.*?)(?=^## |\Z)", text, re.DOTALL | re.MULTILINE)[1]


def snippet(text):
    (found,) = re.findall(r"^```python\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    return found


def metrics(text):
    ((one,),) = ([model["results"] for model in front(text)["model-index"]],)
    return {metric["type"]: metric["value"] for metric in one[0]["metrics"]}


def test_a_hub_finds_what_it_asks_for():
    found = front(card())
    assert found["library_name"] == "musicvae_jax"
    assert "variational-autoencoder" in found["tags"]
    # Nobody has said what it is.
    assert "license" not in found
    (index,) = found["model-index"]
    assert index["name"] == "easy_vae"
    (result,) = index["results"]
    assert set(result) == {"task", "dataset", "metrics"}
    assert result["dataset"]["name"] == "songs"
    assert metrics(card()) == {"silhouette": 0.1, "ami": 0.45}


def test_numbers_are_those_of_the_tables():
    compared = frames.compared(difference=0.25, verdict="better")
    text = card(rows=(*VAE, *PCA), compared=(compared,))
    (row,) = [line for line in text.splitlines() if line.startswith("| `vae`")]
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert cells[:4] == ["`vae`", "4", "0.100 ±.000", "0.450 ±.071"]
    assert cells[4:] == ["0.20 to 0.40", "0.012", "0.250 ±.000", "0.300 ±.000", "+0.250, better"]
    assert "| `pca` (baseline) | 4 |" in text
    data = part(text, "Data")
    assert "`songs`: 1,695 songs (217 artists, 21 genres, 1 language; 555 with lyrics)" in data
    assert "1600 trained the model, 95 were held out, 1600 are clustered" in data
    assert f"`{'ab' * 32}`" in data
    assert "over 2 seeds" in part(text, "Scores")
    assert "9.8.7" in text
    assert FOUND in part(text, "Scores")


def test_scores_that_are_no_results_are_marked_and_not_in_the_index():
    given = frames.over_seeds([0.9, 0.9], labels_seen="genre", labels_derivable="language")
    text = card(rows=(*given, *PCA))
    assert metrics(text) == {"silhouette": 0.1}
    assert "| 0.900 ±.000† |" in text
    assert "- A score marked † is no result: the representation was given the label." in text
    assert "- A score marked ‡ is no result: the label follows from what it was given." in text
    assert "marked" not in card()


def test_a_card_without_any_score_has_no_index():
    nothing = frames.over_seeds([np.nan, np.nan], silhouette=np.nan)
    assert "model-index" not in front(card(rows=nothing))


def test_limits_name_what_makes_the_results_doubtful():
    about = ABOUT | {
        "alarms": ["posterior collapse at seed 0"],
        "approximated": {"silhouette": "x"},
    }
    conditional = replace(MINE, model=ModelConfig(condition="language"))
    limits = part(card(conditional, about=about), "Limits").splitlines()
    assert "- posterior collapse at seed 0" in limits
    assert "- Approximate, for so many songs: silhouette." in limits
    assert "- It refuses a song whose language no training song has." in limits


def test_settings_are_those_that_differ_and_their_seeds():
    assert "The defaults with seeds 0, 1" in part(card(), "Settings")
    changed = replace(
        MINE,
        data=DataConfig(path=Path("/home/someone/songs.parquet"), columns=("genre=a|b",)),
        train=TrainConfig(epochs=7, beta=(1.0, 4.0)),
        cluster=ClusterConfig(k=9),
        output_dir=Path("/home/someone/out"),
    )
    text = card(changed)
    assert [line for line in part(text, "Settings").splitlines() if line.startswith("| `")] == [
        "| `data.columns` | `genre=a\\|b` | none |",
        "| `train.epochs` | `7` | `100` |",
        "| `train.beta` | `1.0, 4.0` | `1.0` |",
        "| `cluster.k` | `9` | none |",
    ]
    assert "4 models (beta 1.0, 4.0; seeds 0, 1)" in text


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_every_experiment_has_a_card(name):
    text = card(EXPERIMENTS[name].experiment)
    assert front(text)["library_name"] == "musicvae_jax"
    assert ("musicvae_jax.export" in text) == EXPERIMENTS[name].experiment.model.traits.trained


def test_the_folders_of_a_machine_stay_there():
    text = card(at="/home/someone/out/checkpoint")
    assert "someone" not in text
    assert 'mv.load("checkpoint")' in text
    assert 'mv.load_songs("songs.parquet", model.experiment.data)' in text
    near = ABOUT | {"data": ABOUT["data"] | {"path": "data/demo.parquet"}}
    assert 'mv.load_songs("data/demo.parquet", ' in card(about=near)
    local = replace(MINE, lyrics=LyricsConfig(model="/home/someone/models/e5"))
    assert "| `lyrics.model` | `e5` |" in part(card(local), "Settings")


HOSTILE = "a|b `c` <b>*d*</b>\n---\n# e: \"f\" 'g' ```\n"


def test_names_are_shown_as_they_are_and_change_nothing_else():
    about = ABOUT | {"data": ABOUT["data"] | {"path": HOSTILE}}
    text = card(
        replace(MINE, name=HOSTILE.replace("/", "")), about=about, found=HOSTILE, at=HOSTILE
    )
    headings = [line for line in text.splitlines() if line.startswith("#")]
    assert len(headings) == 6
    assert [line for line in text.splitlines() if line == "---"] == ["---", "---"]
    (index,) = front(text)["model-index"]
    assert index["name"].startswith("a|b `c` <b>")
    calls = [node for node in ast.walk(ast.parse(snippet(text))) if isinstance(node, ast.Call)]
    arguments = [arg.value for call in calls for arg in call.args if isinstance(arg, ast.Constant)]
    assert arguments == [Path(HOSTILE).as_posix()] * 2
    assert "<b>" not in re.sub(r"(`+).*?\1", "", part(text, "Data"))
    sentence = part(text, "Scores").strip().split("\n")[0]
    assert re.sub(r"\\(.)", r"\1", sentence) == printable(HOSTILE)
    assert not re.search(r"(?<!\\)[`<>*|#]", sentence)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain_name", "`plain_name`"),
        ("a`b", "``a`b``"),
        ("`a`", "`` `a` ``"),
        ("a``b`c", "```a``b`c```"),
        ("a|b", "`a\\|b`"),
        ("two\nlines", "`two\\nlines`"),
        ("", "`  `"),
    ],
)
def test_code_has_ticks_that_its_text_does_not_end(text, shown):
    assert code(text) == shown
