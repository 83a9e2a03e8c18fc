import numpy as np
import pandas as pd
import pytest
import reportframes as frames

from musicvae_jax.reporting.report.opening import opening
from musicvae_jax.reporting.report.ranking import ranked


def opened(rows, *compared, alarmed=(), **changes):
    """Of rows of metrics.csv; changes are columns of the summary."""
    return opening(ranked([frames.summary(rows, *compared).assign(**changes)]), alarmed)


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


def test_models_on_fewer_songs_are_counted_apart():
    fewer = {"n_songs": 60, "n_genre": 60}
    first, second = (frames.scored(f"hard_{name}", name, **fewer) for name in ("mvae", "mopoe"))
    found = opened(pd.concat([of_vae(), frames.metrics(first)])).found
    assert found.startswith("The only model on so many songs, vae, groups 100 songs by genre")
    assert found.endswith("an exact match; 1 more is on fewer songs.")
    found = opened(pd.concat([of_vae(), frames.metrics(first, second)])).found
    assert found.endswith("; 2 more are on fewer songs.")


def test_a_baseline_that_scores_higher_is_named_with_its_run_if_that_is_another():
    assert opened(of_vae(baseline=0.6)).found.endswith("match; a baseline, PCA, scores higher.")
    rows = of_vae()
    rows.loc[len(rows)] = frames.scored("easy_pca", "pca", ami_genre=0.7)
    assert opened(rows).found.endswith("; a baseline, PCA of easy_pca, scores higher.")


def test_a_score_that_chance_reaches_is_no_find():
    found = opened(of_vae(ami=0.01, baseline=0.0)).found
    assert found.endswith("a genre AMI of 0.010, no better than chance.")
    unknown = opened(of_vae(), null_high=np.nan).found
    assert unknown.endswith("a genre AMI of 0.500.")


@pytest.mark.parametrize(
    ("verdict", "start"),
    [
        ("better", "Sure, for songs of this kind: it is better than the"),
        ("worse", "Sure: it is worse than the"),
        ("negligible", "Sure, but small: it differs from the"),
        ("no difference shown", "Not sure: it is not shown to differ from the"),
        ("one seed", "Unknown: one seed cannot tell it from the"),
        ("too few artists", "Unknown: songs of so few artists cannot tell it from the"),
    ],
)
def test_each_verdict_says_how_sure(verdict, start):
    sentence = opened(of_vae(), frames.compared(verdict=verdict)).certainty
    assert sentence.startswith(f"{start} baseline of its run that is hardest to beat, PCA")


def test_nothing_compared_is_nothing_known():
    assert opened(of_vae()).certainty == "Unknown: nothing was compared with it."


def test_without_artists_certainty_is_about_songs():
    by_song = {"n_artists": 100, "n_songs": 100}
    found = opened(of_vae(), frames.compared(**by_song)).certainty
    assert found.endswith("with other seeds and with other songs.")
    few = opened(of_vae(), frames.compared(verdict="too few artists", **by_song)).certainty
    assert few.startswith("Unknown: so few songs cannot tell it")


@pytest.mark.parametrize(
    ("verdicts", "end"),
    [
        (("better", "worse"), "artists; 1 of 2 models compared beats its hardest baseline."),
        (("worse", "worse"), "artists; none of 2 models compared beats its hardest baseline."),
        (("better", "better"), "artists; 2 of 2 models compared beat their hardest baselines."),
        # Nothing is known of the other, so there is nothing to count.
        (("better", "too few artists"), "with other artists."),
        (("one seed", "one seed"), "run with three seeds or more."),
        ((None, "better", "better"), "Unknown: nothing was compared with it."),
    ],
)
def test_how_many_models_beat_their_baselines(verdicts, end):
    models = {"easy_vae": "vae", "hard_ae": "ae", "hard_n2d": "n2d"}
    others = frames.metrics(
        frames.scored("hard_ae", "ae", ami_genre=0.2),
        frames.scored("hard_n2d", "n2d", ami_genre=0.1),
    )
    compared = [
        frames.compared(verdict=verdict, experiment=name, representation=models[name])
        for name, verdict in zip(models, (*verdicts, "one seed")[:3], strict=True)
        if verdict
    ]
    assert opened(pd.concat([of_vae(), others]), *compared).certainty.endswith(end)


@pytest.mark.parametrize(
    ("alone", "is_doubted"), [((0.2, 0.1), False), ((0.2, 0.3), True), ((np.nan, np.nan), False)]
)
def test_what_is_better_only_for_its_artists_is_doubted(alone, is_doubted):
    doubt = "; but not with 1 song per artist, so it may only recognise artists better."
    found = opened(of_vae(), frames.compared(), one_per_artist_mean=alone).certainty
    assert found.endswith(doubt) == is_doubted
    unsure = frames.compared(verdict="no difference shown")
    assert not opened(of_vae(), unsure, one_per_artist_mean=alone).certainty.endswith(doubt)


def test_alarms_are_doubts():
    doubt = "; but its results are doubtful, see above."
    assert opened(of_vae(), frames.compared(), alarmed=["easy_vae"]).certainty.endswith(doubt)
    assert "doubtful" not in opened(of_vae(), frames.compared(), alarmed=["hard_ae"]).certainty


def test_what_chance_reaches_is_worth_nothing_and_better_than_nothing():
    found = opened(of_vae(ami=0.01, baseline=-0.1), frames.compared())
    assert found.worth == "Nothing: shuffled genres score as high."
    assert found.certainty == (
        "Unknown: it scores above PCA, but no higher than shuffled genres do."
    )


def test_the_songs_that_have_a_genre_are_counted():
    assert " 100 songs by genre (40 have one) with a" in opened(of_vae(n_genre=40)).found


@pytest.mark.parametrize(
    ("reference", "start"),
    [
        (0.2, "More than what a classifier trained on other artists' songs reaches; "),
        (0.55, "About what a classifier trained on other artists' songs reaches; "),
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


@pytest.mark.parametrize(
    ("rows", "compared", "alone"),
    [
        (of_vae(), [frames.compared(n_artists=100, n_songs=100)], 0.25),
        # Without a comparison, too.
        (frames.metrics(frames.scored("easy_pca", "pca", ami_genre=0.5)), [], 0.5),
    ],
)
def test_without_artists_worth_is_not_about_them(rows, compared, alone):
    worth = opened(rows, *compared, one_per_artist_mean=alone).worth
    assert worth.startswith("At least half of what a classifier trained on other songs reaches")
    assert "artist" not in worth


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
    assert found.found == "Nothing yet: no genre AMI of these 100 songs is a finding."
    assert found.worth == "Nothing yet: run a model that is not given the genre."


@pytest.mark.parametrize(
    ("n_clusters", "end"),
    [
        (1, "score: all its songs are in one cluster."),
        (
            4,
            "score: its songs are all in one cluster, or fewer than two of their genres are known.",
        ),
    ],
)
def test_a_model_without_a_score_is_no_leak(n_clusters, end):
    rows = of_vae()
    rows.loc[0, ["ami_genre", "n_clusters"]] = np.nan, n_clusters
    found = opened(rows)
    assert found.found.startswith("A baseline, PCA, groups 100 songs")
    assert found.certainty == f"No model has a {end}"


def test_one_cluster_is_not_blamed_on_genres():
    found = opened(frames.metrics(frames.scored(ami_genre=np.nan, n_clusters=1)))
    assert found.found.startswith("vae groups 100 songs into 1 cluster, so there is nothing")
    assert not any("genres are known" in sentence for sentence in found)


def test_baselines_alone_lose_against_nothing():
    found = opened(frames.metrics(frames.scored("easy_pca", "pca")))
    assert found.found.startswith("A baseline, PCA, groups 100 songs")
    assert found.certainty.startswith("No model was run")


def test_the_sentences_are_about_the_most_songs():
    rows = pd.concat([of_vae(), frames.metrics(frames.scored("b", "fused", n_songs=60))])
    assert "vae, groups 100 songs" in opened(rows).found


@pytest.mark.parametrize(
    "other",
    [
        frames.scored("easy_pca", "pca"),
        frames.scored("hard_cvae", "cvae", labels_seen="genre"),
        frames.scored("easy_vae", ami_genre=np.nan, n_clusters=1),
    ],
)
def test_a_model_on_fewer_songs_is_no_less_a_model(other):
    fewer = frames.scored("hard_mfa", "mfa", n_songs=60, n_genre=60, ami_genre=0.57)
    found = opened(frames.metrics(other, fewer))
    assert found.found.startswith("The only model, mfa, groups 60 songs by genre with a genre AMI")
    assert found.certainty == "Unknown: nothing was compared with it."


def test_a_leak_on_fewer_songs_was_run():
    leak = frames.scored("hard_cvae", "cvae", n_songs=60, labels_seen="genre")
    found = opened(frames.metrics(frames.scored("easy_pca", "pca"), leak))
    assert found.certainty.startswith("No score of a model is a finding")
