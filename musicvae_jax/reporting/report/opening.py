"""The three sentences that the page opens with: what was found, how sure, what it is worth."""

from collections.abc import Collection
from typing import NamedTuple

import pandas as pd

from musicvae_jax.evaluation.verdicts import NEGLIGIBLE
from musicvae_jax.reporting.report.ranking import is_by_song, leader, leading, models_of
from musicvae_jax.reporting.rivals import spoken
from musicvae_jax.reporting.style import is_label_free, label_free

_HARDEST = "the baseline of its run that is hardest to beat, {baseline}"
_CERTAINTY = {
    "better": f"Sure, for songs of this kind: it is better than {_HARDEST}, with other seeds and "
    "with other artists",
    "worse": f"Sure: it is worse than {_HARDEST}, with other seeds and with other artists",
    "negligible": f"Sure, but small: it differs from {_HARDEST}, by less than {NEGLIGIBLE} AMI",
    "no difference shown": f"Not sure: it is not shown to differ from {_HARDEST}",
    "one seed": f"Unknown: one seed cannot tell it from {_HARDEST}; run with three seeds or more",
    "too few artists": f"Unknown: songs of so few artists cannot tell it from {_HARDEST}",
    "": "Unknown: nothing was compared with it",
}
_BY_CHANCE = "Unknown: it scores above {baseline}, but no higher than shuffled genres do"
_NOT_COMPARED = ("", "one seed", "too few artists")
# Shares of a score from which on it is called nearly all, half, or more, of another.
_NEARLY, _HALF, _MORE = 0.9, 0.45, 1.1


class Opening(NamedTuple):
    """One sentence each, of text."""

    found: str
    certainty: str
    worth: str


def opening(rows: pd.DataFrame, alarmed: Collection[str] = ()) -> Opening:
    """The sentences, on the representations of `leading`.

    Args:
        rows: from `ranked`.
        alarmed: experiments whose results are doubtful, as the page says above the sentences.
    """
    n_songs, same = leading(rows)
    best = leader(rows)
    if same["ami_genre_mean"].isna().all():
        return _without_genres(n_songs, best)
    models = models_of(same)
    if models.empty:
        return _without_models(n_songs, same)
    is_doubtful = not set(best["experiments"]).isdisjoint(alarmed)
    n_elsewhere = len(models_of(rows)) - len(models)
    found = _found(n_songs, best, same, n_elsewhere)
    return Opening(found, _certainty(best, same, is_doubtful), _worth(best))


def _without_genres(n_songs: int, best: pd.Series) -> Opening:
    if best["n_clusters"] == "1":
        return Opening(
            f"{best['representation']} groups {n_songs} songs into 1 cluster, so there is nothing "
            "to compare with genres.",
            "Unknown: a single cluster has no score.",
            "Nothing yet: all songs are alike to it.",
        )
    by_language = ""
    if best["ami_language_mean"] == best["ami_language_mean"]:
        by_language = ", and to group songs by language is no merit"
    return Opening(
        f"{best['representation']} groups {n_songs} songs into {best['n_clusters']} clusters, "
        "but fewer than two genres are known, so nothing says how well.",
        f"Unknown: there are no genres to check the clusters against{by_language}.",
        "What your ears make of it: choose songs in the map, and read the cards of the clusters.",
    )


def _without_models(n_songs: int, same: pd.DataFrame) -> Opening:
    """Where no model has a result, or there are only baselines."""
    baselines = same[same["is_baseline"]]
    free = label_free(baselines, "genre").dropna(subset="ami_genre_mean")
    certainty = _why_no_model(same[~same["is_baseline"]])
    if free.empty:
        return Opening(
            f"Nothing yet: no genre AMI of these {n_songs} songs is a finding.",
            certainty,
            "Nothing yet: run a model that is not given the genre.",
        )
    best = free.iloc[0]
    found = (
        f"A baseline, {spoken(best['representation'])}, groups {_scored(n_songs, best)}"
        f"{_level(best)}."
    )
    return Opening(found, certainty, _worth(best))


def _why_no_model(models: pd.DataFrame) -> str:
    if models.empty:
        return "No model was run, so there is nothing that a baseline could lose against."
    free = label_free(models, "genre")
    if free.empty:
        return (
            "No score of a model is a finding: each was given the genre, or what it follows from."
        )
    if (free["n_clusters"] == "1").all():
        return "No model has a score: all its songs are in one cluster."
    return (
        "No model has a score: its songs are all in one cluster, or fewer than two of their genres "
        "are known."
    )


def _found(n_songs: int, best: pd.Series, same: pd.DataFrame, n_elsewhere: int) -> str:
    n_models = len(models_of(same))
    what = "The only model" if n_models == 1 else f"The best of {n_models} models"
    fewer = ""
    if n_elsewhere:
        # Models that read lyrics have results on songs with lyrics only.
        what += " on so many songs"
        fewer = f"; {n_elsewhere} more {'is' if n_elsewhere == 1 else 'are'} on fewer songs"
    free = label_free(same, "genre")
    higher = free[free["ami_genre_mean"] > best["ami_genre_mean"]]
    rival = ""
    if len(higher):
        top = higher.iloc[0]
        name = spoken(top["representation"]) + _elsewhere(top, best)
        rival = f"; a baseline, {name}, scores higher"
    scored = _scored(n_songs, best)
    return f"{what}, {best['representation']}, groups {scored}{_level(best)}{rival}{fewer}."


def _scored(n_songs: int, row: pd.Series) -> str:
    known = f" ({row['n_genre']} have one)" if row["n_genre"] < n_songs else ""
    return f"{n_songs} songs by genre{known} with a genre AMI of {row['ami_genre_mean']:.3f}"


def _elsewhere(top: pd.Series, best: pd.Series) -> str:
    """Which run a baseline is from, if not from the best model's."""
    shared = set(top["experiments"]) & set(best["experiments"])
    return "" if shared else f" of {top['experiments'][0]}"


def _is_chance(row: pd.Series) -> bool:
    return bool(row["ami_genre_mean"] <= row["null_high"])


def _level(row: pd.Series) -> str:
    """Whether a row's score is above chance, where that is known."""
    if row["null_high"] != row["null_high"]:
        return ""
    return (
        ", no better than chance" if _is_chance(row) else ", where 0 is chance and 1 an exact match"
    )


def _certainty(best: pd.Series, same: pd.DataFrame, is_doubtful: bool) -> str:
    verdict = best["against_baseline"]
    sentence = _BY_CHANCE if verdict == "better" and _is_chance(best) else _CERTAINTY[verdict]
    sentence = sentence.format(baseline=spoken(best["hardest_baseline"]))
    if is_by_song(best):
        # Without artists, what is over artists is over songs.
        sentence = sentence.replace("songs of so few artists", "so few songs")
        sentence = sentence.replace("artists", "songs")
    doubt = "; but its results are doubtful, see above" if is_doubtful else ""
    if sentence.startswith("Unknown"):
        return f"{sentence}{doubt}."
    return f"{sentence}{_of_artists_only(best, same)}{doubt}{_how_many(models_of(same))}."


def _of_artists_only(best: pd.Series, same: pd.DataFrame) -> str:
    """The doubt about what is better with all songs, but worse with one song per artist."""
    if best["against_baseline"] != "better" or is_by_song(best):
        return ""
    is_rival = [
        row["representation"] == best["hardest_baseline"] and not _elsewhere(row, best)
        for _, row in same.iterrows()
    ]
    if not (best["one_per_artist_mean"] < same.loc[is_rival, "one_per_artist_mean"]).any():
        return ""
    return "; but not with 1 song per artist, so it may only recognise artists better"


def _how_many(models: pd.DataFrame) -> str:
    """How many models beat the baselines of their runs; of a single one, its sentence says it."""
    compared = models[~models["against_baseline"].isin(_NOT_COMPARED)]
    if len(compared) <= 1:
        return ""
    n_better = int((compared["against_baseline"] == "better").sum())
    beat = "beat their hardest baselines" if n_better > 1 else "beats its hardest baseline"
    return f"; {n_better or 'none'} of {len(compared)} models compared {beat}"


def _worth(best: pd.Series) -> str:
    if _is_chance(best):
        return "Nothing: shuffled genres score as high."
    clauses = [*_beside_supervised(best), *_beside_artists(best), *_beside_languages(best)]
    if not clauses:
        few = "too few" if is_by_song(best) else "too few, or of too few artists,"
        return f"Worth unknown: the genres are {few} to say."
    text = "; ".join(clauses)
    return f"{text[0].upper()}{text[1:]}."


def _beside_supervised(row: pd.Series) -> list[str]:
    reference = max(row["supervised_linear_mean"], row["supervised_rbf_mean"])
    if not reference > NEGLIGIBLE:
        return []
    share = row["ami_genre_mean"] / reference
    shares = {
        "more than": _MORE,
        "about": _NEARLY,
        "at least half of": _HALF,
        "less than half of": float("-inf"),
    }
    much = next(words for words, least in shares.items() if share >= least)
    other = "other songs" if is_by_song(row) else "other artists' songs"
    return [f"{much} what a classifier trained on {other} reaches"]


def _beside_artists(row: pd.Series) -> list[str]:
    alone = row["one_per_artist_mean"]
    if is_by_song(row) or alone != alone or row["ami_genre_mean"] <= 0:
        return []
    left = alone / row["ami_genre_mean"]
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
