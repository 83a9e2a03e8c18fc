"""A run with tags: what its tables and cards say."""

import json

import pandas as pd
import pytest
from songfiles import tagged_table, with_column, write
from tinyruns import run_experiment, tiny

from musicvae_jax.config import ModelConfig


@pytest.mark.usefixtures("no_figures", "quick_projections")
@pytest.mark.slow
def test_scores_of_tags_against_genres_are_marked_and_cards_have_tags(tmp_path, capsys):
    by_many = with_column(tagged_table(48), "art_id", [f"artist {i}" for i in range(48)])
    path = write(tmp_path / "s.parquet", by_many)
    experiment = tiny(
        "easy_spectral",
        path,
        model=ModelConfig(kind="raw"),
        alone=("tags",),
        cluster={"k": 3},
        seeds=(0,),
    )
    folder = run_experiment(experiment)
    captured = capsys.readouterr()
    assert "tags: missing in 12 of 48 songs; models and baselines are" in captured.err
    for name in ("metrics", "significance", "spaces", "stability"):
        rows = pd.read_csv(folder / f"{name}.csv").groupby("representation").first()
        # Songs of a genre are in one language.
        assert rows.loc["tags", "labels_derivable"] == "genre language"
        assert pd.isna(rows.loc["raw", "labels_derivable"])
    # The clusters of the audio are the genres, whose names are among the tags.
    cards = json.loads((folder / "cards.json").read_text())
    assert cards["representation"] == "raw"
    assert [len(card["tags"]) for card in cards["clusters"]] == [1, 1, 1]
    for card in cards["clusters"]:
        ((genre, share),) = card["labels"]["genre"]
        assert share == 1
        assert card["tags"] == [genre.lower()]
