"""The three sentences that the page opens with: what was found, how sure, what it is worth."""

from typing import NamedTuple

import pandas as pd

from musicvae_jax.evaluation.verdicts import NEGLIGIBLE
from musicvae_jax.reporting.report.ranking import by_songs, leader, models_of
from musicvae_jax.reporting.rivals import spoken
from musicvae_jax.reporting.style import is_label_free, label_free

_CERTAINTY = {
    "better": "Sure, for songs of this kind: it is better than the best baseline of its run, "
    "{baseline}, with other seeds and with other artists.",
    "worse": "Sure, and against it: it is worse than the best baseline of its run, {baseline}, "
    "with other seeds and with other artists.",
    "negligible": "Sure that nothing is gained: its difference to the best baseline of its run, "
    "{baseline}, is negligible.",
    "no difference shown": "Not sure: it is not shown to differ from the best baseline of its run, "
    "{baseline}.",
    "one seed": "Unknown: one seed cannot tell it from the best baseline of its run, {baseline}; "
    "run with three seeds or more.",
    "too few artists": "Unknown: songs of so few artists cannot tell it from the best baseline of "
    "its run, {baseline}.",
    "": "Unknown: nothing was compared with it.",
}
# Shares of a score from which on it is called nearly all, or half, of another.
_NEARLY, _HALF = 0.9, 0.45


class Opening(NamedTuple):
    """One sentence each, of text."""

    found: str
    certainty: str
    worth: str


def opening(rows: pd.DataFrame) -> Opening:
    """The sentences, on the representations of most songs.

    Args:
        rows: from `ranked`.
    """
    n_songs, largest = next(by_songs(rows))
    best = leader(rows)
    if largest["ami_genre_mean"].isna().all():
        return _without_genres(n_songs, best)
    models = models_of(largest)
    if models.empty:
        return _without_models(n_songs, largest)
    return Opening(_found(n_songs, best, largest), _certainty(best, models), _worth(best))


def _without_genres(n_songs: int, best: pd.Series) -> Opening:
    by_language = ""
    if best["ami_language_mean"] == best["ami_language_mean"]:
        by_language = ", and to group songs by language is no merit"
    return Opening(
        f"{best['representation']} groups {n_songs} songs into {best['n_clusters']} clusters, "
        "but fewer than two genres are known, so nothing says how well.",
        f"Unknown: there are no genres to check the clusters against{by_language}.",
        "What your ears make of it: choose songs in the map, and read the cards of the clusters.",
    )


def _without_models(n_songs: int, largest: pd.DataFrame) -> Opening:
    """Where all models were given the genre, or there are only baselines."""
    baselines = largest[largest["is_baseline"]]
    free = label_free(baselines, "genre").dropna(subset="ami_genre_mean")
    leaks = len(largest) > len(baselines)
    certainty = (
        "No score of a model is a finding: each was given the genre, or what it follows from."
        if leaks
        else "No model was run, so there is nothing that a baseline could lose against."
    )
    if free.empty:
        return Opening(
            f"Nothing about {n_songs} songs: no score on genre is a finding.",
            certainty,
            "Nothing yet: run a model that is not given the genre, such as easy_vae.",
        )
    best = free.iloc[0]
    found = (
        f"A baseline, {spoken(best['representation'])}, groups {n_songs} songs by genre with a "
        f"genre AMI of {best['ami_genre_mean']:.3f}{_level(best)}."
    )
    return Opening(found, certainty, _worth(best))


def _found(n_songs: int, best: pd.Series, largest: pd.DataFrame) -> str:
    n_models = len(models_of(largest))
    what = "The only model" if n_models == 1 else f"The best of {n_models} models"
    free = label_free(largest, "genre")
    higher = free[free["ami_genre_mean"] > best["ami_genre_mean"]]
    rival = ""
    if len(higher):
        top = higher.iloc[0]
        rival = f"; a baseline, {spoken(top['representation'])}, scores higher"
        rival += _elsewhere(top, best)
    return (
        f"{what}, {best['representation']}, groups {n_songs} songs by genre with a genre AMI of "
        f"{best['ami_genre_mean']:.3f}{_level(best)}{rival}."
    )


def _elsewhere(top: pd.Series, best: pd.Series) -> str:
    """Which run a baseline is from, if not from the best model's."""
    shared = set(top["experiments"]) & set(best["experiments"])
    return "" if shared else f" (of {top['experiments'][0]})"


def _level(row: pd.Series) -> str:
    """Whether a row's score is above chance, where that is known."""
    if row["null_high"] != row["null_high"]:
        return ""
    below = row["ami_genre_mean"] <= row["null_high"]
    return ", no better than chance" if below else ", where 0 is chance and 1 an exact match"


def _certainty(best: pd.Series, models: pd.DataFrame) -> str:
    sentence = _CERTAINTY[best["against_baseline"]].format(baseline=spoken(best["best_baseline"]))
    if best["resampled"] == "songs":
        # Without artists, what is over artists is over songs.
        sentence = sentence.replace("songs of so few artists", "so few songs")
        sentence = sentence.replace("artists", "songs")
    compared = models[models["against_baseline"] != ""]
    n_better = int((compared["against_baseline"] == "better").sum())
    # Of a single one, the sentence says it all.
    if len(compared) <= 1:
        return sentence
    return f"{sentence[:-1]}; {n_better or 'none'} of {len(compared)} models beat theirs."


def _worth(best: pd.Series) -> str:
    clauses = [*_beside_supervised(best), *_beside_artists(best), *_beside_languages(best)]
    if not clauses:
        return "Worth unknown: the genres are too few, or of too few artists, to say."
    text = "; ".join(clauses)
    return f"{text[0].upper()}{text[1:]}."


def _beside_supervised(row: pd.Series) -> list[str]:
    reference = max(row["supervised_linear_mean"], row["supervised_rbf_mean"])
    if not reference > NEGLIGIBLE:
        return []
    share = row["ami_genre_mean"] / reference
    if share >= _NEARLY:
        return ["about what a classifier reaches that was taught the genres by other artists"]
    much = "at least half" if share >= _HALF else "less than half"
    return [f"{much} of what a classifier reaches that was taught the genres by other artists"]


def _beside_artists(row: pd.Series) -> list[str]:
    if row["one_per_artist_mean"] != row["one_per_artist_mean"] or row["ami_genre_mean"] <= 0:
        return []
    left = row["one_per_artist_mean"] / row["ami_genre_mean"]
    if left >= _NEARLY:
        return ["little of it is recognising artists"]
    much = "part" if left >= _HALF else "most"
    return [f"{much} of it is recognising artists, since with 1 song per artist it drops"]


def _beside_languages(row: pd.Series) -> list[str]:
    if not is_label_free(row, "language") or not row["ami_language_mean"] > NEGLIGIBLE:
        return []
    if row["ami_language_mean"] < row["ami_genre_mean"]:
        return []
    return ["the clusters follow languages at least as much as genres"]
