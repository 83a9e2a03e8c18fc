import pytest
import reportframes as frames

from musicvae_jax.reporting.report.ranking import by_songs, is_by_song, leader, ranked


def test_most_songs_come_first_then_results_then_the_higher_score():
    rows = frames.metrics(
        frames.scored("a", "fused", n_songs=60, ami_genre=0.9),
        frames.scored("b", "cvae", ami_genre=0.8, labels_seen="genre"),
        frames.scored("c", "low", ami_genre=0.1),
        frames.scored("d", "high", ami_genre=0.5),
    )
    found = ranked([frames.summary(rows)])
    assert found["representation"].tolist() == ["high", "low", "cvae", "fused"]
    assert [n for n, _ in by_songs(found)] == [100, 60]
    assert leader(found)["representation"] == "high"


def test_what_several_experiments_have_is_one_row():
    rows = frames.metrics(
        frames.scored("easy_vae", "vae"),
        frames.scored("hard_beta_vae", "vae"),
        frames.scored("easy_vae", "pca", role="baseline"),
        frames.scored("hard_ae", "pca", role="baseline"),
    )
    first, second = (
        frames.summary(rows[rows["experiment"].isin(of)])
        for of in (["easy_vae"], ["hard_beta_vae", "hard_ae"])
    )
    found = ranked([first, second])
    assert found["representation"].tolist() == ["vae", "pca"]
    assert found["experiments"].tolist() == [("easy_vae", "hard_beta_vae"), ("easy_vae", "hard_ae")]


def test_an_experiments_own_comes_before_where_it_is_a_baseline_and_each_is_named_once():
    rows = frames.metrics(
        frames.scored("easy_vae", "pca", role="baseline"),
        frames.scored("easy_vae", "vae"),
        frames.scored("easy_pca", "pca"),
    )
    summary = frames.summary(rows)
    found = ranked([summary, summary])
    assert found["representation"].tolist() == ["pca", "vae"]
    assert found["experiments"].tolist() == [("easy_pca", "easy_vae"), ("easy_vae",)]
    assert found["role"].tolist() == ["own", "own"]


@pytest.mark.parametrize(
    ("name", "role", "expected"),
    [
        ("vae", "own", False),
        ("vae", "baseline", True),
        ("raw", "own", True),
        ("pca", "own", True),
        ("mfa_whitened_pca_32", "own", True),
    ],
)
def test_what_models_have_to_beat_are_baselines(name, role, expected):
    (found,) = ranked([frames.summary(frames.metrics(frames.scored("a", name, role=role)))])[
        "is_baseline"
    ]
    assert found == expected


def test_without_a_model_an_experiments_own_representation_leads():
    rows = frames.metrics(
        frames.scored("easy_pca", "raw", role="baseline", ami_genre=0.9),
        frames.scored("easy_pca", "pca", ami_genre=0.3),
    )
    assert leader(ranked([frames.summary(rows)]))["representation"] == "pca"


@pytest.mark.parametrize(
    ("score", "alone", "n_artists", "expected"),
    [
        (0.5, 0.25, 100, True),
        (0.5, 0.5, 20, False),
        (0.5, 0.5, None, True),
        (0.5, 0.25, None, False),
        (1.0, 1.0, None, False),
    ],
)
def test_where_no_two_songs_share_an_artist(score, alone, n_artists, expected):
    compared = [frames.compared(n_artists=n_artists)] if n_artists else []
    summary = frames.summary(frames.metrics(frames.scored(ami_genre=score)), *compared)
    (row,) = (row for _, row in summary.assign(one_per_artist_mean=alone).iterrows())
    assert is_by_song(row) == expected
