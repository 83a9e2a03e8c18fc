import re
from dataclasses import replace

import numpy as np
import pytest
import reportframes as frames

from musicvae_jax import reporting
from musicvae_jax.registry import EXPERIMENTS

NAMED = [one.experiment for one in EXPERIMENTS.values()]


def answers(rows, *compared, experiments=NAMED, **changes):
    """Of rows of metrics.csv and of comparisons.csv; changes are columns of spaces.csv."""
    spaces = frames.spaces(rows).assign(**changes)
    return reporting.answers(experiments, rows, spaces, frames.comparisons(*compared))


@pytest.fixture
def scores():
    """metrics.csv of the VAE and its baselines, two seeds each."""
    of_baselines = {"pca": 0.1, "raw": 0.15, "whitened_pca_16": 0.4, "whitened_pca_32": 0.2}
    return frames.metrics(
        *frames.over_seeds([0.5, 0.52]),
        *(
            row
            for name, score in of_baselines.items()
            for row in frames.over_seeds([score, score + 0.02], "easy_vae", name, role="baseline")
        ),
    )


def asked(said):
    """The sentences that answer whether the VAE beats something."""
    return [sentence for sentence in said if sentence.startswith("Does the VAE beat")]


@pytest.mark.parametrize(
    ("verdict", "answer"),
    [
        ("better", "Yes"),
        ("worse", "No"),
        ("negligible", "Only a negligible difference"),
        ("no difference shown", "No difference shown"),
        ("one seed", "Cannot be told from one seed"),
        ("too few artists", "Cannot be told from so few artists"),
    ],
)
@pytest.mark.parametrize(("baseline", "name"), [("pca", "PCA"), ("raw", "the raw features")])
def test_each_verdict_on_the_vae(verdict, answer, baseline, name, scores):
    (sentence,) = asked(answers(scores, frames.compared(baseline, verdict)))
    assert sentence.startswith(f"Does the VAE beat {name} on genre here? {answer}. The difference")


def test_an_answer_gives_both_intervals_of_the_difference(scores):
    row = frames.compared(difference=0.4)
    assert asked(answers(scores, row)) == [
        "Does the VAE beat PCA on genre here? Yes. The difference in AMI is +0.390 to +0.410 over "
        "seeds and +0.350 to +0.450 over artists (95 %)."
    ]
    one_seed = row | {"verdict": "one seed", "seeds_low": np.nan, "seeds_high": np.nan}
    (sentence,) = asked(answers(scores[scores["seed"] == 0], one_seed))
    assert sentence.endswith(
        "from one seed. The difference in AMI is +0.350 to +0.450 over artists (95 %)."
    )
    neither = one_seed | {"artists_low": np.nan, "artists_high": np.nan}
    assert asked(answers(scores, neither))[0].endswith("from one seed.")


def test_nothing_is_better_than_pca_that_does_not_beat_whitened_pca(scores):
    plain = frames.compared(difference=0.4)
    beaten = frames.compared("whitened_pca_16", difference=0.11)
    also_beaten = frames.compared("whitened_pca_32", difference=0.31)
    (sentence,) = asked(answers(scores, plain, beaten, also_beaten))
    assert "? Yes; the hardest to beat is whitened PCA (16 dimensions). The diff" in sentence
    assert "+0.100 to +0.120 over seeds" in sentence
    shown = {"worse": "No", "negligible": "Not shown", "no difference shown": "Not shown"}
    for verdict, answer in shown.items():
        row = frames.compared("whitened_pca_32", verdict, 0.31)
        (sentence,) = asked(answers(scores, plain, beaten, row))
        assert f"? {answer}; the hardest to beat is whitened PCA (32 dimensions)." in sentence
    row = frames.compared("whitened_pca_32", "too few artists", 0.31)
    (sentence,) = asked(answers(scores, plain, row))
    assert "? Cannot be told from so few artists; " in sentence


def test_without_artists_sentences_are_about_songs(scores):
    by_song = {"n_artists": 100, "n_songs": 100}
    (sentence,) = asked(answers(scores, frames.compared(difference=0.4, **by_song)))
    assert sentence.endswith("+0.390 to +0.410 over seeds and +0.350 to +0.450 over songs (95 %).")
    (sentence,) = asked(answers(scores, frames.compared(verdict="too few artists", **by_song)))
    assert "? Cannot be told from so few songs. " in sentence


@pytest.mark.parametrize(("verdict", "more"), [("better", "more"), ("worse", "less")])
def test_to_group_by_language_is_not_called_a_victory(verdict, more, scores):
    rows = scores.assign(ami_language=scores["ami_genre"])
    said = answers(rows, frames.compared(verdict=verdict, label="language"))
    (sentence,) = (one for one in said if "than PCA does" in one)
    assert sentence == f"The VAE groups songs {more} by language than PCA does."
    assert not any(re.search("beat|better", one) for one in said)
    uncertain = frames.compared(verdict="no difference shown", label="language")
    assert not any("than PCA does" in one for one in answers(rows, uncertain))


@pytest.mark.parametrize(
    ("verdict", "words"),
    [
        ("better", "beats the"),
        ("worse", "is worse than the"),
        ("negligible", "differs negligibly from the"),
        ("no difference shown", "is not shown to differ from the"),
        ("one seed", "cannot be compared from one seed with the"),
        ("too few artists", "cannot be compared from so few artists with the"),
    ],
)
def test_each_verdict_on_fusion(verdict, words):
    run = {"experiment": "medium_hybrid", "representation": "conv_vae+lyrics"}
    rows = frames.metrics(
        *frames.over_seeds([0.5, 0.52], *run.values()),
        *frames.over_seeds([0.3, 0.32], "medium_hybrid", "conv_vae", role="baseline"),
        *frames.over_seeds([0.01, 0.01], "medium_hybrid", "lyrics", role="baseline"),
    )
    said = answers(
        rows,
        frames.compared("lyrics", "better", 0.5, **run),
        frames.compared("conv_vae", verdict, 0.2, **run),
        # Whitened PCA of audio and lyrics together is no single modality.
        frames.compared("multimodal_whitened_pca_32", "worse", -0.1, **run),
        frames.compared("conv_vae", "better", 0.1, label="language", **run),
    )
    (sentence,) = (one for one in said if one.startswith("conv_vae+lyrics"))
    assert sentence == (
        f"conv_vae+lyrics (medium_hybrid) {words} best single modality of its run on genre, "
        "conv_vae. The difference in AMI is +0.190 to +0.210 over seeds and +0.150 to +0.250 over "
        "artists (95 %)."
    )


def test_the_best_of_the_label_free():
    rows = frames.metrics(
        frames.scored("hard_cvae", "cvae", ami_genre=0.9, ami_language=0.1, labels_seen="genre"),
        frames.scored("easy_vae", "vae", ami_genre=0.4, ami_language=0.2),
        frames.scored("easy_pca", "pca", ami_genre=0.2, ami_language=0.3),
        frames.scored("easy_spectral", "raw", ami_genre=np.nan, ami_language=0.05),
    )
    assert answers(rows) == [
        "Of 2 representations of 100 songs that were not given the genre, vae (easy_vae) has the "
        "highest genre AMI.",
        "Of 4 representations of 100 songs that were not given the language, pca (easy_pca) groups "
        "songs most by language.",
    ]


@pytest.mark.parametrize(
    ("conditional", "answer"),
    [
        ([0.21, 0.23], "Yes, at these seeds: so says a linear probe on "),
        ([0.51, 0.53], "No: so says a linear probe on "),
        ([0.39, 0.42], "Not at these seeds: so says a linear probe on "),
        ([0.21], "Cannot be told from one seed: so says a linear probe on "),
    ],
)
def test_what_telling_the_decoder_the_language_takes_out_of_the_latents(conditional, answer):
    rows = frames.metrics(
        *frames.over_seeds([0.5, 0.52][: len(conditional)]),
        *frames.over_seeds(
            [0.4, 0.43][: len(conditional)],
            "hard_cvae_language",
            "cvae_language",
            labels_seen="language",
        ),
    )
    said = answers(rows, language_probe=[0.4, 0.41][: len(conditional)] + conditional)
    (sentence,) = (one for one in said if "decoder" in one)
    assert f"out of the latents? {answer}" in sentence
    assert "the latents of hard_cvae_language and on the VAE's." in sentence
    words = {1: "not shown to differ", 2: "lower"}[len(conditional)]
    assert sentence.endswith(f"Its genre AMI is {words} at these seeds.")
    without = answers(rows, language_probe=np.nan)
    assert not any("decoder" in one for one in without)


@pytest.mark.parametrize(("scores", "words"), [([0.1, 0.11], "lower"), ([0.9, 0.91], "higher")])
def test_what_telling_the_decoder_the_language_costs_in_genre(scores, words):
    told = frames.over_seeds(scores, "hard_cvae_language", "cvae_language", labels_seen="language")
    rows = frames.metrics(*frames.over_seeds([0.5, 0.51]), *told)
    (sentence,) = (one for one in answers(rows) if "decoder" in one)
    assert sentence.endswith(f"Its genre AMI is {words} at these seeds.")


@pytest.mark.parametrize("label", ["genre", "language"])
def test_a_leak_is_never_best_on_its_label(label):
    other = {"genre": "language", "language": "genre"}[label]
    score = f"ami_{label}"
    rows = frames.metrics(
        *frames.over_seeds([0.3, 0.31], "medium_hybrid", "fused", score),
        *frames.over_seeds([0.9, 0.91], "medium_hybrid", "told", score, labels_seen=label),
        *frames.over_seeds([0.2, 0.21], "medium_hybrid", "part", score, role="baseline"),
    )
    best = {
        kind: next(one for one in answers(rows) if f"not given the {kind}" in one)
        for kind in ("genre", "language")
    }
    assert "fused (medium_hybrid)" in best[label]
    assert "Of 2 representations" in best[label]
    assert "Of 3 representations" in best[other], "the other label was not given"


def test_only_representations_of_the_same_songs_compete():
    rows = frames.metrics(
        *frames.over_seeds([0.5, 0.51], "medium_hybrid", "fused", n_songs=60),
        *frames.over_seeds([0.2, 0.21], "medium_hybrid", "lyrics", role="baseline", n_songs=60),
        *frames.over_seeds([0.8, 0.81], "easy_vae", "pca", role="baseline", n_songs=100),
        *frames.over_seeds([0.7, 0.71], "easy_vae", "vae", n_songs=100),
    )
    best = [s for s in answers(rows) if "highest" in s]
    assert [s.split(" that ")[0] for s in best] == [
        "Of 2 representations of 60 songs",
        "Of 2 representations of 100 songs",
    ]
    assert "fused" in best[0]
    assert "pca" in best[1]


def test_other_clusterers_and_scopes_say_nothing():
    rows = frames.metrics(
        frames.scored(clusterer="gmm"),
        frames.scored(representation="pca", clusterer="gmm"),
        frames.scored(scope="clustered"),
        frames.scored(representation="pca", scope="clustered"),
    )
    assert answers(rows) == ["No experiment of these suites has scores to compare."]


def test_scores_that_are_all_undefined_say_nothing():
    nothing = {"ami_genre": np.nan, "ami_language": np.nan}
    rows = frames.metrics(
        frames.scored(**nothing), frames.scored(representation="pca", role="baseline", **nothing)
    )
    assert answers(rows) == ["No experiment of these suites has scores to compare."]


def test_the_names_of_experiments_do_not_matter():
    """The first plain VAE, the fusions and the model given the language, by their configs."""
    renamed = {"easy_vae": "a", "easy_vae_mfcc": "b", "hard_cvae_language": "c"}
    renamed["medium_hybrid"] = "d"
    experiments = [replace(EXPERIMENTS[old].experiment, name=new) for old, new in renamed.items()]
    rows = frames.metrics(
        *frames.over_seeds([0.5, 0.52], "a"),
        *frames.over_seeds([0.9, 0.92], "b"),
        *frames.over_seeds([0.1, 0.12], "a", "pca", role="baseline"),
        *frames.over_seeds([0.4, 0.43], "c", "cvae_language", labels_seen="language"),
        *frames.over_seeds([0.6, 0.62], "d", "conv_vae+lyrics"),
        *frames.over_seeds([0.3, 0.32], "d", "lyrics", role="baseline"),
    )
    fusion = {"experiment": "d", "representation": "conv_vae+lyrics"}
    compared = frames.compared(experiment="a"), frames.compared("lyrics", **fusion)
    said = " ".join(answers(rows, *compared, experiments=experiments))
    assert "Does the VAE beat PCA on genre here? Yes." in said
    assert "conv_vae+lyrics (d) beats" in said
    assert "on the latents of c and " in said
    said = " ".join(answers(rows, *compared, experiments=experiments[1:2]))
    assert "Does the VAE" not in said, "b has no baselines here"
    assert "highest" in said


def test_without_a_vae_a_fusion_or_a_condition_only_the_first_in_each_label_is_named(scores):
    said = answers(scores, frames.compared(), experiments=[])
    assert [re.search("highest genre|most by language", one) is None for one in said] == [False] * 2
