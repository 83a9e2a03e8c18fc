"""What a finished run found, in one sentence computed from its tables."""

import pandas as pd

from musicvae_jax.config import K_RULES, ClusterConfig, Experiment
from musicvae_jax.reporting.rivals import hardest, spoken
from musicvae_jax.reporting.roles import conditions_on
from musicvae_jax.reporting.style import DERIVABLE_MARK, LEAK_MARK, leak_mark

# Of a run against its hardest baseline: what is better than that one is better than all of them.
_VERDICTS = {
    "better": "it is better than every baseline",
    "worse": "the baseline is better",
    "negligible": "the difference is negligible",
    "no difference shown": "the difference is within seeds and artists, no clear winner",
    "one seed": "one seed cannot tell which is better",
    "too few artists": "too few artists to tell which is better",
}

# With fewer labelled songs an AMI says nothing: that of songs that all differ is 1.
_LEAST_KNOWN = 10


def finding(
    experiment: Experiment,
    metrics: pd.DataFrame,
    summary: pd.DataFrame,
    comparisons: pd.DataFrame,
    selection: pd.DataFrame,
) -> str:
    """How many groups the run found, how k was chosen, and how well they match genre beside what.

    It is about K-Means of the first representation, which the map opens with, and about the
    baseline that is hardest to beat. An AMI with a label that the representation was given, or
    that follows from what it was given, is called no result; without genres, language takes their
    place.

    Args:
        experiment: its settings.
        metrics: its rows of metrics.csv.
        summary: its rows of `summary`.
        comparisons: its rows of comparisons.csv.
        selection: its rows of cluster_selection.csv.
    """
    first = summary[summary["role"] == "own"].iloc[0]
    several = (summary["role"] == "own").sum() > 1
    subject = f"{first['representation']} of {experiment.name}" if several else experiment.name
    chosen = _chosen(experiment.cluster, first, selection)
    groups = f"{subject} finds {first['n_clusters']} groups in {first['n_songs']} songs ({chosen})"
    name = first["representation"]
    if not _is_number(first["ami_genre_mean"]):
        return f"{groups}; {_without_genres(first)}."
    mark = leak_mark(first, "genre")
    if mark:
        return f"{groups}; {_leak(experiment, first, mark)}{_plain_pca(summary)}."
    of_first = metrics[(metrics["representation"] == name) & (metrics["clusterer"] == "kmeans")]
    compared = comparisons[
        (comparisons["representation"] == name) & (comparisons["label"] == "genre")
    ]
    n_known = int(of_first["n_genre"].max())
    if n_known < _LEAST_KNOWN:
        return f"{groups}; only {n_known} songs have a genre, too few to compare them with."
    matches = _matches(first, n_known, int(of_first["n_songs"].max()))
    return f"{groups}; {matches}{_beside(hardest(compared), summary)}."


def _chosen(config: ClusterConfig, first: pd.Series, selection: pd.DataFrame) -> str:
    if config.k is not None:
        return f"k = {config.k} as given"
    tried = selection.loc[selection["representation"] == first["representation"], "k"]
    chosen = selection.loc[selection["chosen"], "k"].iloc[0]
    rule = K_RULES[config.choose_k].spoken
    return f"k = {chosen} chosen by {rule} from {tried.min()} to {tried.max()}"


def _matches(first: pd.Series, n_known: int, n_songs: int) -> str:
    score, low, high = first[["ami_genre_mean", "genre_low", "genre_high"]]
    match = "they match genre"
    if n_known < n_songs:
        match = f"on the {n_known} songs with a genre they match it"
    if score <= first["null_high"]:
        return f"{match} no better than chance (AMI {_short(score)})"
    interval = f"95 % interval {_short(low)} to {_short(high)}"
    certain = interval if _is_number(low) else "no interval"
    return f"{match} with AMI {_short(score)} ({certain})"


def _without_genres(first: pd.Series) -> str:
    language = first["ami_language_mean"]
    if not _is_number(language) or leak_mark(first, "language"):
        return "the songs have no two genres to compare them with"
    return (
        "the songs have no two genres to compare them with; they match language with AMI "
        f"{_short(language)}"
    )


def _leak(experiment: Experiment, first: pd.Series, mark: str) -> str:
    """Why the AMI with genres is no result."""
    score = f"{_short(first['ami_genre_mean'])}{mark}"
    reasons = {
        LEAK_MARK: "the representation holds the genre",
        DERIVABLE_MARK: "the genre follows from what the model reads",
    }
    reason = reasons[mark]
    if mark == LEAK_MARK and conditions_on(experiment, "genre"):
        reason = "the model was given the genre, which its latents then need not hold"
    return f"their AMI with genre, {score}, is no result: {reason}"


def _plain_pca(summary: pd.DataFrame) -> str:
    """What the plainest baseline reaches without the label, where there is one."""
    of_pca = summary[summary["representation"] == "pca"]
    return "".join(f" (PCA: {_short(score)})" for score in of_pca["ami_genre_mean"].dropna())


def _beside(found: pd.Series | None, summary: pd.DataFrame) -> str:
    if found is None:
        return ""
    rival = summary.loc[summary["representation"] == found["against"], "ami_genre_mean"].iloc[0]
    verdict = _VERDICTS[found["verdict"]]
    if found["n_artists"] == found["n_songs"]:
        verdict = verdict.replace("artists", "songs")
    return f", beside {spoken(found['against'])} with {_short(rival)}; {verdict}"


def _is_number(value: float) -> bool:
    return value == value


def _short(score: float) -> str:
    """A score to two digits, as texts write it.

    Example:
        >>> _short(0.407), _short(-0.014), _short(1.0), _short(-0.001)
        ('.41', '-.01', '1.00', '.00')
    """
    return f"{round(score, 2) + 0.0:.2f}".replace("0.", ".", 1)
