import re

import numpy as np
import pandas as pd
import pytest
import reportframes as frames
from rich.console import Console

from musicvae_jax import reporting


def printed(table):
    console = Console(width=200)
    with console.capture() as capture:
        console.print(table)
    return capture.get()


def line(table_text, name):
    return next(line for line in table_text.splitlines() if line.startswith(f"│ {name}"))


def cells(table_text, name):
    return [cell.strip() for cell in line(table_text, name).split("│")[1:-1]]


def test_terminal_table_has_means_deviations_and_the_range_of_k():
    # Deviation with one degree of freedom less: sqrt(0.005 / 1) = 0.0707.
    rows = frames.over_seeds([0.5, 0.4], representation="vae")
    rows[1]["n_clusters"] = 6
    rows += [frames.scored(representation="pca", ami_language=np.nan)]
    text = printed(reporting.score_table(frames.summary(frames.metrics(*rows)), "title"))
    assert cells(text, "vae")[:3] == ["vae", "4-6", "0.450 ±.071"]
    assert cells(text, "pca") == ["pca", "4", "0.300", "0.20 to 0.40", "0.250", "", "0.100"]


def test_terminal_table_fits_a_hundred_columns():
    rows = frames.over_seeds([-0.5, 0.4], representation="whitened_pca_32", labels_seen="genre")
    text = printed(reporting.score_table(frames.summary(frames.metrics(*rows)), "title"))
    assert all(len(one.rstrip()) <= 100 for one in text.splitlines())


def test_terminal_table_shows_kmeans_of_scope_all_and_keeps_experiments_apart():
    rows = frames.metrics(
        frames.scored("easy_vae", "raw", ami_genre=0.11),
        frames.scored("easy_pca", "raw", ami_genre=0.22),
        frames.scored(representation="raw", clusterer="dbscan", ami_genre=0.33),
        frames.scored(representation="raw", clusterer="dbscan", scope="clustered", ami_genre=0.44),
    )
    kmeans = printed(reporting.score_table(frames.summary(rows), "title"))
    assert re.findall(r"0\.(11|22|33|44)0", kmeans) == ["11", "22"]


def test_scores_of_other_songs_stand_apart():
    rows = frames.metrics(
        frames.scored("hard_mvae", "mvae", n_songs=60),
        frames.scored("easy_vae", "vae", n_songs=100),
        frames.scored("hard_mvae", "pca", n_songs=60),
    )
    text = printed(reporting.score_table(frames.summary(rows), "title"))
    names = [cells(row, "")[0] for row in text.splitlines() if row.startswith("│ ")]
    assert names == ["on 60 songs:", "mvae", "pca", "on 100 songs:", "vae"]
    alone = printed(reporting.score_table(frames.summary(rows[rows["n_songs"] == 60]), "title"))
    assert "songs" not in alone


def test_a_label_that_is_known_is_marked_and_explained():
    rows = frames.metrics(
        frames.scored(representation="cvae", labels_seen="genre", labels_derivable="language"),
        frames.scored(representation="both", labels_seen="genre language", ami_language=np.nan),
        frames.scored(representation="pca"),
    )
    text = printed(reporting.score_table(frames.summary(rows), "title"))
    marks = "".join(cell[-1:] if cell[-1:] in "†‡" else "." for cell in cells(text, "cvae"))
    assert marks == "..†††‡."
    assert cells(text, "both")[-2] == "", "nothing was scored, so nothing leaked"
    assert not set("†‡") & set(line(text, "pca"))
    assert "† the representation was given this label; ‡ it follows from what" in text


def test_evidence_that_is_not_defined_has_empty_cells():
    rows = frames.metrics(frames.scored(ami_genre=np.nan))
    nothing = pd.DataFrame(columns=["experiment", "representation", "label", "score"])
    found = reporting.summary(rows, nothing, frames.spaces(rows), frames.comparisons())
    assert cells(printed(reporting.score_table(found, "title")), "vae")[2:5] == [""] * 3


@pytest.mark.parametrize("nothing", ["", np.nan])
def test_without_a_leak_there_is_no_mark(nothing):
    rows = pd.DataFrame([frames.scored(labels_seen=nothing, labels_derivable=nothing)])
    assert "†" not in printed(reporting.score_table(frames.summary(rows), "title"))


def test_titles_are_not_markup():
    assert "songs [live]" in printed(
        reporting.score_table(frames.summary(frames.metrics(frames.scored())), "songs [live]")
    )
