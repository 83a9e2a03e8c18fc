"""The README's Python works as it is printed."""

import re
from pathlib import Path

from experiments import run
from musicvae_jax.songs.demo import write_demo

SNIPPETS = re.findall(
    r"```python\n(.*?)```", (Path(__file__).parent.parent / "README.md").read_text(), re.DOTALL
)


def test_a_loss_and_a_model_can_be_lifted(capsys):
    (lift,) = [snippet for snippet in SNIPPETS if "MLPAutoencoder" in snippet]
    exec(lift, {})
    assert capsys.readouterr().out.startswith("(8,) ")


def test_new_songs_can_be_encoded(capfd):
    (encode,) = [snippet for snippet in SNIPPETS if "encode_songs" in snippet]
    Path("data").mkdir()
    write_demo(Path("data/demo.parquet"), 64)
    options = ["--data.path", "data/demo.parquet", "--train.epochs", "1", "--cluster.k-max", "3"]
    assert run.main(["hard_cvae", *options]) == 0
    capfd.readouterr()
    names = {}
    exec(encode, names)
    assert names["latents"].shape == (64, 32)
    assert capfd.readouterr().err == ""
