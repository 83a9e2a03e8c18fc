"""Columns of a table of features that are labels: none may be a feature unnoticed."""

import numpy as np
import pandas as pd
import pytest
from tablefiles import GENRES, NAMES, gtzan_like, write

from musicvae_jax.config import DataConfig
from musicvae_jax.errors import InputError
from musicvae_jax.runtime.terminal import Terminal
from musicvae_jax.songs import load_songs

CODES = np.arange(24) % 3


def read(folder, table, *columns):
    """The names of the features that are not in `gtzan_like`."""
    path = write(folder / "t.csv", table)
    names = load_songs(path, DataConfig(columns=columns), terminal=Terminal()).features.names
    assert names[: len(NAMES)] == NAMES
    return names[len(NAMES) :]


def one_hot(prefix, labels=GENRES):
    return {f"{prefix}{name}": place == CODES for place, name in enumerate(labels)}


def as_numbers(columns):
    return {name: np.asarray(column).astype(int) for name, column in columns.items()}


@pytest.mark.parametrize("codes", [CODES, CODES / 7 - 1, np.where(CODES == 1, 1e6, CODES)])
def test_a_copy_of_a_label_is_no_feature_and_a_notice_says_so(tmp_path, capsys, codes):
    assert read(tmp_path, gtzan_like().assign(code=codes)) == ()
    assert capsys.readouterr().err.splitlines()[1] == (
        "notice: left out, since as features they would give labels away: code (copy of genre); "
        "--data.columns feature=NAME takes one"
    )


@pytest.mark.parametrize("label", ["artist", "language"])
def test_copies_of_every_label_are_found(tmp_path, capsys, label):
    values = np.array([f"x{code}" for code in np.arange(24) % 4])
    table = gtzan_like().assign(**{label: values}, code=np.arange(24) % 4)
    assert read(tmp_path, table) == ()
    assert f"code (copy of {label})" in capsys.readouterr().err


def test_only_songs_with_label_and_number_count(tmp_path):
    table = gtzan_like().assign(code=CODES.astype(float))
    table.loc[0, "label"] = None
    table.loc[1, "code"] = np.nan
    assert read(tmp_path, table) == ()


def test_a_copy_that_is_asked_for_is_a_feature(tmp_path, capsys):
    table = gtzan_like().assign(code=CODES, target=CODES)
    assert read(tmp_path, table, "feature=code", "feature=target") == ("code", "target")
    assert "give labels away" not in capsys.readouterr().err


@pytest.mark.parametrize(
    "column",
    [
        pytest.param(np.where(np.arange(24) == 5, 0, CODES), id="one song differs"),
        pytest.param(CODES == 0, id="one label only is told from the others"),
        pytest.param(CODES // 1 % 2, id="two labels have one number"),
        pytest.param(np.zeros(24), id="constant"),
        pytest.param(np.arange(24) * 0.5, id="no number twice"),
    ],
)
def test_what_is_no_copy_stays_a_feature(tmp_path, column):
    assert read(tmp_path, gtzan_like().assign(x=column.astype(float))) == ("x",)


def test_few_songs_agree_by_chance(tmp_path):
    """One song each of many artists, two of which are there twice, has every feature as a copy."""
    table = gtzan_like(14)
    artists = [f"artist {place}" for place in range(12)]
    table = table.assign(artist=[*artists, "artist 0", "artist 1"], mode=range(14))
    table.loc[[12, 13], "mode"] = [0, 1]
    assert read(tmp_path, table) == ("mode",)


def test_one_hot_columns_of_a_label_are_no_features(tmp_path, capsys):
    columns = as_numbers(one_hot("is "))
    assert read(tmp_path, gtzan_like().assign(**columns)) == ()
    assert "is blues (one-hot genre), is metal (one-hot genre)" in capsys.readouterr().err
    del columns["is blues"]
    assert read(tmp_path, gtzan_like().assign(**columns)) == ()


def test_one_hot_columns_without_the_label_are_told_by_their_names(tmp_path, capsys):
    table = gtzan_like().drop(columns="label").assign(**as_numbers(one_hot("genre_")))
    assert read(tmp_path, table) == ()
    assert "genre_blues (one-hot genre)" in capsys.readouterr().err
    # Two genres for one song: that is not one-hot.
    table.loc[0, ["genre_blues", "genre_metal"]] = 1
    assert len(read(tmp_path, table)) == 3


@pytest.mark.parametrize("name", ["class", "Target", "cluster", "genre (encoded)", "label_idx"])
def test_whole_numbers_under_a_labels_name_are_a_label(tmp_path, capsys, name):
    table = gtzan_like().assign(**{name: np.arange(24) % 4})
    assert read(tmp_path, table) == ()
    assert f"{name} (label by its name)" in capsys.readouterr().err


def test_a_labels_name_with_other_numbers_is_a_feature(tmp_path, capsys):
    assert read(tmp_path, gtzan_like().assign(target=np.arange(24) * 0.1)) == ("target",)
    assert "labels" not in capsys.readouterr().err
    assert read(tmp_path, gtzan_like().assign(target=np.arange(24) % 12)) == ("target",)
    assert (
        "notice: features that may be labels, by their names: target; --data.columns drop=NAME "
        "leaves one out"
    ) in capsys.readouterr().err


def test_a_table_of_copies_only_is_an_error(tmp_path):
    table = pd.DataFrame({"genre": [GENRES[code] for code in CODES], "code": CODES})
    path = write(tmp_path / "t.csv", table)
    with pytest.raises(InputError, match=r"expected some besides code \(copy of genre\)"):
        load_songs(path)
