"""The README's Python works as it is printed."""

import re
from pathlib import Path

import pytest

SNIPPETS = re.findall(
    r"```python\n(.*?)```", (Path(__file__).parent.parent / "README.md").read_text(), re.DOTALL
)


def the_snippet_with(text):
    (found,) = [snippet for snippet in SNIPPETS if text in snippet]
    return found


def test_a_loss_and_a_model_can_be_lifted(capsys):
    exec(the_snippet_with("MLPAutoencoder"), {})
    assert capsys.readouterr().out.startswith("(8,) ")


@pytest.mark.slow
def test_songs_are_fitted_encoded_clustered_scored_and_saved(demo, capsys):
    names = {}
    exec(the_snippet_with("mv.fit("), names)
    assert names["latents"].points.shape == (2, 64, 32)
    printed = capsys.readouterr().out.split()
    assert printed[:2] == ["value", "mark"]
    assert {"label", "score", "seed"} <= set(printed)
    assert Path("checkpoints/mine").is_dir()
    assert names["model"].experiment.name == "hard_cvae"


def test_there_is_no_other_python():
    assert len(SNIPPETS) == 2
