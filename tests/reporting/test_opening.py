import numpy as np
import pandas as pd
import pytest
import reportframes as frames

from musicvae_jax.reporting.report.opening import opening
from musicvae_jax.reporting.report.ranking import ranked


def opened(rows, *compared, **changes):
    """Of rows of metrics.csv; changes are columns of the summary."""
    return opening(ranked([frames.summary(rows, *compared).assign(**changes)]))


def of_vae(ami=0.5, baseline=0.3, **changes):
    return frames.metrics(
        frames.scored(ami_genre=ami, **changes),
        frames.scored(representation="pca", role="baseline", ami_genre=baseline),
    )


def test_the_best_model_is_what_was_found():
    other = frames.scored("easy_vae_mfcc", "vae_mfcc", ami_genre=0.45)
    rows = pd.concat([of_vae(), frames.metrics(other)])
    assert opened(rows).found == (
        "The best of 2 models, vae, groups 100 songs by genre with a genre AMI of 0.500, where 0 "
        "is chance and 1 an exact match."
    )
    assert opened(of_vae()).found.startswith("The only model, vae, groups 100 songs")


def test_a_baseline_that_scores_higher_is_named_with_its_run_if_that_is_another():
    assert opened(of_vae(baseline=0.6)).found.endswith("match; a baseline, PCA, scores higher.")
    rows = of_vae()
    rows.loc[len(rows)] = frames.scored("easy_pca", "pca", ami_genre=0.7)
    assert opened(rows).found.endswith("; a baseline, PCA, scores higher (of easy_pca).")


def test_a_score_that_chance_reaches_is_no_find():
    found = opened(of_vae(ami=0.01, baseline=0.0)).found
    assert found.endswith("a genre AMI of 0.010, no better than chance.")
    unknown = opened(of_vae(), null_high=np.nan).found
    assert unknown.endswith("a genre AMI of 0.500.")


@pytest.mark.parametrize(
    ("verdict", "start"),
    [
        ("better", "Sure, for songs of this kind: it is better than the best baseline"),
        ("worse", "Sure, and against it: it is worse than the best baseline"),
        ("negligible", "Sure that nothing is gained: its difference to the best baseline"),
        ("no difference shown", "Not sure: it is not shown to differ from the best baseline"),
        ("one seed", "Unknown: one seed cannot tell it from the best baseline"),
        ("too few artists", "Unknown: songs of so few artists cannot tell it from the best base"),
    ],
)
def test_each_verdict_says_how_sure(verdict, start):
    sentence = opened(of_vae(), frames.compared(verdict=verdict)).certainty
    assert sentence.startswith(start)
    assert "of its run, PCA" in sentence


def test_nothing_compared_is_nothing_known():
    assert opened(of_vae()).certainty == "Unknown: nothing was compared with it."


def test_without_artists_certainty_is_about_songs():
    by_song = {"n_artists": 100, "n_songs": 100}
    found = opened(of_vae(), frames.compared(**by_song)).certainty
    assert found.endswith("with other seeds and with other songs.")
    few = opened(of_vae(), frames.compared(verdict="too few artists", **by_song)).certainty
    assert few.startswith("Unknown: so few songs cannot tell it")


@pytest.mark.parametrize(("verdict", "number"), [("better", "1"), ("worse", "none")])
def test_how_many_models_beat_their_baselines(verdict, number):
    other = frames.metrics(frames.scored("hard_ae", "ae", ami_genre=0.2))
    compared = (
        frames.compared(verdict=verdict),
        frames.compared(verdict="worse", experiment="hard_ae", representation="ae"),
    )
    sentence = opened(pd.concat([of_vae(), other]), *compared).certainty
    assert sentence.endswith(f"artists; {number} of 2 models beat theirs.")


@pytest.mark.parametrize(
    ("reference", "start"),
    [
        (0.55, "About what a classifier reaches that was taught the genres by other artists; "),
        (0.8, "At least half of what a classifier"),
        (1.2, "Less than half of what a classifier"),
        (np.nan, "Part of it is recognising artists"),
    ],
)
def test_worth_is_measured_by_a_classifier(reference, start):
    columns = {"supervised_linear_mean": reference, "supervised_rbf_mean": reference}
    assert opened(of_vae(), **columns).worth.startswith(start)


@pytest.mark.parametrize(
    ("alone", "much"), [(0.49, "little of it is"), (0.3, "part of it"), (0.1, "most of it")]
)
def test_worth_says_how_much_is_recognising_artists(alone, much):
    assert f"; {much}" in opened(of_vae(), one_per_artist_mean=alone).worth
    assert "recognising" not in opened(of_vae(), one_per_artist_mean=np.nan).worth


def test_worth_says_if_clusters_follow_languages_unless_these_were_given():
    words = "follow languages at least as much as genres"
    assert words in opened(of_vae(ami_language=0.6)).worth
    assert words not in opened(of_vae(ami_language=0.4)).worth
    assert words not in opened(of_vae(ami_language=0.6, labels_seen="language")).worth


def test_worth_is_unknown_without_anything_to_measure_it_by():
    names = ("supervised_linear_mean", "supervised_rbf_mean", "one_per_artist_mean")
    sentence = opened(of_vae(), **dict.fromkeys(names, np.nan)).worth
    assert sentence == "Worth unknown: the genres are too few, or of too few artists, to say."


@pytest.mark.parametrize("language", [0.2, np.nan])
def test_without_genres_the_songs_themselves_are_left(language):
    found = opened(of_vae(ami=np.nan, baseline=np.nan, ami_language=language))
    assert found.found.startswith("vae groups 100 songs into 4 clusters, but fewer than two genres")
    assert ("no merit" in found.certainty) == (language == language)
    assert "choose songs in the map" in found.worth


def test_a_model_that_was_given_the_genre_is_no_find():
    found = opened(of_vae(ami=0.9, labels_seen="genre"))
    assert found.found.startswith(
        "A baseline, PCA, groups 100 songs by genre with a genre AMI of 0"
    )
    assert found.certainty.startswith("No score of a model is a finding: each was given the genre")


def test_nothing_but_leaks_is_nothing_found():
    found = opened(frames.metrics(frames.scored(labels_derivable="genre")))
    assert found.found == "Nothing about 100 songs: no score on genre is a finding."
    assert "run a model that is not given the genre" in found.worth


def test_baselines_alone_lose_against_nothing():
    found = opened(frames.metrics(frames.scored("easy_pca", "pca")))
    assert found.found.startswith("A baseline, PCA, groups 100 songs")
    assert found.certainty.startswith("No model was run")


def test_the_sentences_are_about_the_most_songs():
    rows = pd.concat([of_vae(), frames.metrics(frames.scored("b", "fused", n_songs=60))])
    assert "vae, groups 100 songs" in opened(rows).found
