"""The sentence at the end of a run, for each kind of run."""

from dataclasses import replace

import numpy as np
import pytest
import reportframes as frames

from musicvae_jax import reporting
from musicvae_jax.config import K_RULES, ClusterConfig
from musicvae_jax.registry import EXPERIMENTS

HOW = "k = 3 chosen by the elbow from 2 to 4"


def found(rows, *compared, name="easy_vae", cluster=None, **evidence):
    """Of rows of metrics.csv and comparisons.csv; evidence is columns of significance.csv."""
    experiment = EXPERIMENTS[name].experiment
    experiment = replace(experiment, cluster=cluster or experiment.cluster)
    metrics = frames.metrics(*rows)
    own = metrics.loc[metrics["role"] == "own", "representation"].iloc[0]
    return reporting.finding(
        experiment,
        metrics,
        frames.summary(metrics, *compared, **evidence),
        frames.comparisons(*compared),
        frames.curves().assign(representation=own),
    )


def scored(ami=0.41, **changes):
    """A VAE and its PCA, one seed."""
    return [
        frames.scored(ami_genre=ami, **changes),
        frames.scored(representation="pca", role="baseline", ami_genre=0.4),
    ]


def test_groups_k_score_interval_and_the_baseline_in_one_sentence():
    assert found(scored(), frames.compared()) == (
        f"easy_vae finds 4 groups in 100 songs ({HOW}); they match genre with AMI .41 (95 % "
        "interval .20 to .40), beside PCA with .40; it is better than every baseline."
    )


@pytest.mark.parametrize(
    ("verdict", "words"),
    [
        ("better", "it is better than every baseline"),
        ("worse", "the baseline is better"),
        ("negligible", "the difference is negligible"),
        ("no difference shown", "the difference is within seeds and artists, no clear winner"),
        ("one seed", "one seed cannot tell which is better"),
        ("too few artists", "too few artists to tell which is better"),
    ],
)
def test_each_verdict_has_its_words(verdict, words):
    assert found(scored(), frames.compared(verdict=verdict)).endswith(
        f", beside PCA with .40; {words}."
    )


def test_the_baseline_is_the_one_that_is_hardest_to_beat():
    rows = [*scored(), frames.scored(representation="raw", role="baseline", ami_genre=0.45)]
    said = found(rows, frames.compared(), frames.compared("raw", "worse", -0.04))
    assert said.endswith(", beside the raw features with .45; the baseline is better.")


def test_a_comparison_on_language_or_of_another_representation_is_no_verdict_on_genre():
    others = (frames.compared(label="language"), frames.compared(representation="vae+lyrics"))
    assert found(scored(), *others).endswith("(95 % interval .20 to .40).")


def test_without_artists_the_verdict_is_about_songs():
    alone = {"n_artists": 100, "n_songs": 100}
    said = found(scored(), frames.compared(verdict="too few artists", **alone))
    assert said.endswith("too few songs to tell which is better.")
    compared = frames.compared(verdict="too few artists", **alone)
    assert "artists" not in found(scored(), compared, low=np.nan, high=np.nan)


@pytest.mark.parametrize("rule", K_RULES)
def test_a_chosen_k_names_its_rule_and_the_range(rule):
    said = found(scored(), cluster=ClusterConfig(choose_k=rule))
    assert f"(k = 3 chosen by {K_RULES[rule].spoken} from 2 to 4);" in said


def test_a_given_k_was_not_chosen():
    assert "in 100 songs (k = 4 as given);" in found(scored(), cluster=ClusterConfig(k=4))


def test_too_few_artists_leave_no_interval():
    said = found(scored(), low=np.nan, high=np.nan)
    assert said.endswith("with AMI .41 (no interval).")


def test_what_chance_reaches_too_is_no_match():
    assert found(scored(0.011)).endswith("; they match genre no better than chance (AMI .01).")


def test_songs_without_a_genre_are_not_counted_among_those_scored():
    some = "; on the 60 songs with a genre they match it"
    assert f"{some} with AMI .41" in found(scored(n_genre=60))
    assert f"{some} no better than chance (AMI .01)" in found(scored(0.011, n_genre=60))


def test_without_genres_language_takes_their_place():
    said = found(scored(np.nan, ami_language=0.052))
    assert said.endswith(
        "; the songs have no two genres to compare them with; they match language with AMI .05."
    )
    for changes in ({"ami_language": np.nan}, {"labels_seen": "language"}):
        assert found(scored(np.nan, **changes)).endswith("no two genres to compare them with.")


def test_a_model_that_was_given_the_genre_is_no_result():
    said = found(scored(0.19, labels_seen="genre"), frames.compared(), name="hard_cvae")
    assert said == (
        f"hard_cvae finds 4 groups in 100 songs ({HOW}); their AMI with genre, .19†, is no "
        "result: the model was given the genre, which its latents then need not hold (PCA: .40)."
    )


def test_a_genre_that_was_joined_or_follows_is_no_result_either():
    joined = found(scored(0.9, labels_seen="genre"), name="hard_multimodal")
    assert "AMI with genre, .90†, is no result: the representation holds the genre" in joined
    follows = found(scored(0.9, labels_derivable="genre"))
    assert ".90‡, is no result: the genre follows from what the model reads" in follows


def test_of_several_representations_it_is_about_the_first():
    rows = [*scored(), frames.scored(representation="beta_vae_4", ami_genre=0.9)]
    said = found(rows, name="hard_beta_vae")
    assert said.startswith(f"vae of hard_beta_vae finds 4 groups in 100 songs ({HOW});")
    assert "AMI .41" in said


def test_other_clusterers_have_no_say():
    others = [frames.scored(clusterer="dbscan", ami_genre=0.9, n_genre=7)]
    assert found([*scored(), *others]) == found(scored())


def test_a_few_songs_with_a_genre_are_no_match():
    assert found(scored(n_genre=3), frames.compared()) == (
        f"easy_vae finds 4 groups in 100 songs ({HOW}); only 3 songs have a genre, too few to "
        "compare them with."
    )
