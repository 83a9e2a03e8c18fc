import re
from dataclasses import replace

import numpy as np
import pytest
import reportframes as frames

from musicvae_jax import reporting
from musicvae_jax.registry import EXPERIMENTS

NAMED = [one.experiment for one in EXPERIMENTS.values()]


def answers(rows, experiments=NAMED, **changes):
    """Of rows of metrics.csv; changes are columns of spaces.csv."""
    return reporting.answers(experiments, rows, frames.spaces(rows).assign(**changes))


# Scores over seeds of two representations.
ABOVE = ([0.5, 0.52], [0.1, 0.12])
BELOW = ([0.1, 0.12], [0.5, 0.52])
WITHIN = ([0.3, 0.5], [0.45, 0.25])
ONE_SEED = ([0.5], [0.1])


def about(rows, label):
    return " ".join(s for s in answers(frames.metrics(*rows)) if label in s)


@pytest.mark.parametrize(
    ("vae", "other", "answer"),
    [
        (*ABOVE, "Yes:"),
        (*BELOW, "No:"),
        (*WITHIN, "No difference at these seeds:"),
        (*ONE_SEED, "Cannot be said from one seed:"),
    ],
)
@pytest.mark.parametrize(("baseline", "name"), [("pca", "PCA"), ("raw", "the raw features")])
def test_each_verdict_on_the_vae(vae, other, answer, baseline, name):
    rows = frames.metrics(
        *frames.over_seeds(vae),
        *frames.over_seeds(other, representation=baseline, role="baseline"),
    )
    sentence = answers(rows)[0]
    assert sentence.startswith(f"Does the VAE beat {name} on genre here? {answer} AMI ")


def test_an_answer_gives_means_difference_and_spread():
    rows = frames.metrics(
        *frames.over_seeds([0.5, 0.52]),
        *frames.over_seeds([0.1, 0.12], representation="pca", role="baseline"),
    )
    assert answers(rows)[0] == (
        "Does the VAE beat PCA on genre here? Yes: AMI 0.510 ±.014 for the VAE, 0.110 ±.014 for "
        "PCA; over seeds the difference is +0.400 (p < 0.001, 95 % interval +0.400 to +0.400)."
    )
    one_seed = rows[rows["seed"] == 0]
    assert answers(one_seed)[0].endswith("AMI 0.500 for the VAE, 0.100 for PCA.")


@pytest.mark.parametrize(
    ("fused", "part", "words"),
    [
        (*ABOVE, "beats the"),
        (*BELOW, "is worse than the"),
        (*WITHIN, "is at these seeds no different from the"),
        (*ONE_SEED, "cannot be compared from one seed with the"),
    ],
)
def test_each_verdict_on_fusion(fused, part, words):
    rows = frames.metrics(
        *frames.over_seeds(fused, "medium_hybrid", "conv_vae+lyrics"),
        *frames.over_seeds(part, "medium_hybrid", "conv_vae", role="baseline"),
        *frames.over_seeds([0.01] * len(part), "medium_hybrid", "lyrics", role="baseline"),
    )
    sentence = next(s for s in answers(rows) if s.startswith("conv_vae+lyrics"))
    assert sentence.startswith(f"conv_vae+lyrics (medium_hybrid) {words} ")
    assert "on genre, conv_vae: AMI " in sentence


def test_the_best_of_the_label_free():
    rows = frames.metrics(
        frames.scored("hard_cvae", "cvae", ami_genre=0.9, ami_language=0.1, labels_seen="genre"),
        frames.scored("easy_vae", "vae", ami_genre=0.4, ami_language=0.2),
        frames.scored("easy_pca", "pca", ami_genre=0.2, ami_language=0.3),
        frames.scored("easy_spectral", "raw", ami_genre=np.nan, ami_language=0.05),
    )
    assert answers(rows) == [
        "Of 2 representations of 100 songs that were not given the genre, vae (easy_vae) has the "
        "highest genre AMI, 0.400.",
        "Of 4 representations of 100 songs that were not given the language, pca (easy_pca) has "
        "the highest language AMI, 0.300.",
    ]


@pytest.mark.parametrize(
    ("conditional", "answer"),
    [
        ([0.21, 0.23], "Yes: a linear probe has balanced accuracy 0.220 ±.014 on the latents of "),
        ([0.51, 0.53], "No: a linear probe has "),
        ([0.39, 0.42], "Not at these seeds: a linear probe has "),
        ([0.21], "Cannot be said from one seed: a linear probe has "),
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
    assert "on the VAE's (chance 0.125)" in sentence
    assert ("Their genre AMI is 0.415 ±.021 and 0.510 ±.014; over seeds" in sentence) == (
        len(conditional) == 2
    )
    without = answers(rows, language_probe=np.nan)
    assert not any("decoder" in one for one in without)


@pytest.mark.parametrize("label", ["genre", "language"])
def test_a_leak_is_never_best_nor_compared_on_its_label(label):
    other = {"genre": "language", "language": "genre"}[label]
    score = f"ami_{label}"
    rows = [
        *frames.over_seeds([0.3, 0.31], "medium_hybrid", "fused", score),
        *frames.over_seeds([0.9, 0.91], "medium_hybrid", "told", score, labels_seen=label),
        *frames.over_seeds([0.2, 0.21], "medium_hybrid", "part", score, role="baseline"),
        *frames.over_seeds(
            [0.8, 0.81], "medium_hybrid", "told part", score, role="baseline", labels_seen=label
        ),
        *frames.over_seeds([0.7, 0.71], "easy_vae", "vae", score, labels_seen=label),
        *frames.over_seeds([0.1, 0.11], "easy_vae", "pca", score, role="baseline"),
    ]
    said = about(rows, label)
    assert "told" not in said
    assert "Does the VAE beat" not in said
    assert re.search(r"fused \(medium_hybrid\) beats .*, part: AMI", said)
    assert "fused (medium_hybrid) has the highest" in said
    assert "told" in about(rows, other), "the other label was not given"


def test_only_the_same_songs_are_compared():
    rows = frames.metrics(
        *frames.over_seeds([0.5, 0.51], "medium_hybrid", "fused", n_songs=60),
        *frames.over_seeds([0.2, 0.21], "medium_hybrid", "lyrics", role="baseline", n_songs=60),
        *frames.over_seeds([0.8, 0.81], "easy_vae", "pca", role="baseline", n_songs=100),
        *frames.over_seeds([0.7, 0.71], "easy_vae", "vae", n_songs=100),
    )
    genre = [s for s in answers(rows) if "genre" in s]
    assert any("fused (medium_hybrid) beats" in s and "lyrics: AMI" in s for s in genre)
    best = [s for s in genre if "highest" in s]
    assert [s.split(" that ")[0] for s in best] == [
        "Of 2 representations of 60 songs",
        "Of 2 representations of 100 songs",
    ]
    assert "fused" in best[0]
    assert "pca" in best[1]


def test_a_vae_on_other_songs_than_its_baseline_is_not_compared():
    rows = frames.metrics(
        *frames.over_seeds([0.5, 0.51], n_songs=60),
        *frames.over_seeds([0.2, 0.21], representation="pca", role="baseline"),
    )
    assert not any("beat" in s for s in answers(rows))


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
    )
    said = " ".join(answers(rows, experiments))
    assert "Does the VAE beat PCA on genre here? Yes: AMI 0.510" in said
    assert "conv_vae+lyrics (d) beats" in said
    assert "on the latents of c, " in said
    assert "Their genre AMI is 0.415 ±.021 and 0.510" in said
    said = " ".join(answers(rows, experiments[1:2]))
    assert "Does the VAE" not in said, "b has no baselines here"
    assert "highest" in said


def test_without_a_vae_a_fusion_or_a_condition_only_the_best_is_named():
    rows = frames.metrics(
        *frames.over_seeds([0.5, 0.52]),
        *frames.over_seeds([0.1, 0.12], representation="pca", role="baseline"),
    )
    assert all("has the highest" in sentence for sentence in answers(rows, []))
    assert len(answers(rows, [])) == 2
