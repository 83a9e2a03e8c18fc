"""What the numbers of a suite say, in sentences computed from them."""

from collections.abc import Iterator, Sequence
from typing import Any

import pandas as pd

from musicvae_jax.config import Experiment
from musicvae_jax.config.naming import member_name
from musicvae_jax.evaluation.comparison import PairedComparison, compare_paired, side_of_zero
from musicvae_jax.reporting.rivals import against_pca, hardest, reads_several, spoken
from musicvae_jax.reporting.roles import conditions_on, has_parts, is_plain_vae
from musicvae_jax.reporting.style import is_label_free, mean_and_std
from musicvae_jax.reporting.suite_table import rows_of

_PROBE = ("language_probe", "language_probe_chance")
_UNTOLD = {
    "one seed": "Cannot be told from one seed",
    "too few artists": "Cannot be told from so few artists",
}
_ANSWERS = {
    "better": "Yes",
    "worse": "No",
    "negligible": "Only a negligible difference",
    "no difference shown": "No difference shown",
    **_UNTOLD,
}
_VERBS = {
    "better": "beats",
    "worse": "is worse than",
    "negligible": "differs negligibly from",
    "no difference shown": "is not shown to differ from",
    "one seed": "cannot be compared from one seed with",
    "too few artists": "cannot be compared from so few artists with",
}


def answers(
    experiments: Sequence[Experiment],
    metrics: pd.DataFrame,
    spaces: pd.DataFrame,
    comparisons: pd.DataFrame,
) -> list[str]:
    """Sentences on AMI under K-Means: a VAE against its baselines, the best, fusions; and on
    whether conditioning on the language keeps it out of the latents.

    AMI, because unlike NMI and purity it is 0 for random clusters. A representation that was given
    a label, or something that it follows from, is never compared on that label. A model is called
    better than PCA only if it is better than whitened PCA too, where that was run. To group songs
    by language is no merit, so nothing is called better for it.

    Args:
        experiments: the finished ones. Sentences on a VAE are about the first plain one.
        metrics: their rows of metrics.csv.
        spaces: their rows of spaces.csv.
        comparisons: their rows of comparisons.csv.
    """
    rows = rows_of(metrics)
    plain = next(filter(is_plain_vae, experiments), None)
    on_language = next((one for one in experiments if conditions_on(one, "language")), None)
    found: list[str] = []
    if plain is not None:
        found += _vae_against_baselines(rows, comparisons, plain)
    found += _best(rows)
    found += _fusions(rows, comparisons, [one.name for one in experiments if has_parts(one)])
    if plain is not None and on_language is not None:
        found += _conditioned_on_language(rows, spaces, plain, on_language)
    return found or ["No experiment of these suites has scores to compare."]


def _vae_against_baselines(
    rows: pd.DataFrame, comparisons: pd.DataFrame, plain: Experiment
) -> Iterator[str]:
    is_vae = comparisons["representation"] == _own_name(plain)
    of_vae = comparisons[is_vae & (comparisons["experiment"] == plain.name)]
    on_genre, on_language = (of_vae[of_vae["label"] == label] for label in ("genre", "language"))
    is_raw = on_genre["against"] == "raw"
    for name, of_name in (("PCA", against_pca(on_genre)), ("the raw features", on_genre[is_raw])):
        found = hardest(of_name)
        if found is not None:
            yield f"Does the VAE beat {name} on genre here? {_answer(rows, found, name)}"
    for _, found in on_language[on_language["against"] == "pca"].iterrows():
        if found["verdict"] in ("better", "worse"):
            vae, pca = _both(rows, found)
            more = {"better": "more", "worse": "less"}[found["verdict"]]
            yield (
                f"The VAE groups songs {more} by language than PCA does: language AMI {vae} and "
                f"{pca}."
            )


def _answer(rows: pd.DataFrame, found: pd.Series, asked: str) -> str:
    """To whether the VAE beats what was asked about, of which the row is the hardest to beat."""
    vae, other = _both(rows, found)
    rival, verdict = spoken(found["against"]), found["verdict"]
    if rival != asked and verdict != "better" and verdict not in _UNTOLD:
        answer = "No" if verdict == "worse" else "Not shown"
        return f"{answer}: {rival} reaches AMI {other}, the VAE {vae}. {_size(found)}"
    answer = _by_song(found, _ANSWERS[verdict])
    return f"{answer}: AMI {vae} for the VAE, {other} for {rival}. {_size(found)}"


def _best(rows: pd.DataFrame) -> Iterator[str]:
    claims = {
        "genre": "has the highest genre AMI,",
        "language": "groups songs most by language, with a language AMI of",
    }
    for label, claim in claims.items():
        for n_songs, same_songs in _label_free(rows, label).groupby("n_songs", sort=False):
            by_method = same_songs.groupby(["experiment", "representation"])[f"ami_{label}"]
            means = by_method.mean().dropna()
            if len(means) > 1:
                best: Any = means.idxmax()
                experiment, name = best
                # Many experiments have the same baselines.
                n_different = len(means.reset_index("representation").drop_duplicates())
                yield (
                    f"Of {n_different} representations of {n_songs} songs that were not given the "
                    f"{label}, {name} ({experiment}) {claim} "
                    f"{_ami(same_songs, experiment, name, label)}."
                )


def _fusions(
    rows: pd.DataFrame, comparisons: pd.DataFrame, experiments: Sequence[str]
) -> Iterator[str]:
    """Each fusion against the best single modality of its run."""
    on_genre = comparisons[comparisons["label"] == "genre"]
    single = ~on_genre["against"].map(reads_several).astype(bool)
    of_fusions = on_genre[on_genre["experiment"].isin(experiments) & single]
    for _, parts in of_fusions.groupby(["experiment", "representation"], sort=False):
        best = parts.sort_values("difference").iloc[0]
        fusion, part = _both(rows, best)
        yield (
            f"{best['representation']} ({best['experiment']}) "
            f"{_by_song(best, _VERBS[best['verdict']])} the best single modality of its run on "
            f"genre, {spoken(best['against'])}: AMI {fusion} and {part}. {_size(best)}"
        )


def _conditioned_on_language(
    rows: pd.DataFrame, spaces: pd.DataFrame, plain: Experiment, on_language: Experiment
) -> Iterator[str]:
    """What the conditional model's latents still say of the language, and its price in genre."""
    key = ["experiment", "representation", "role", "seed"]
    own = rows[rows["role"] == "own"].merge(spaces[[*key, *_PROBE]], on=key)
    of_plain, of_conditional = (
        own[(own["experiment"] == one.name) & (own["representation"] == _own_name(one))].set_index(
            "seed"
        )
        for one in (plain, on_language)
    )
    seeds = of_plain.index.intersection(of_conditional.index)
    of_plain, of_conditional = of_plain.loc[seeds], of_conditional.loc[seeds]
    if not len(seeds) or not (of_plain["n_songs"] == of_conditional["n_songs"]).all():
        return
    probes, genres = (
        (of_conditional[name].dropna(), of_plain[name].dropna())
        for name in ("language_probe", "ami_genre")
    )
    if not all(len(scores) == len(seeds) for scores in (*probes, *genres)):
        return
    found = compare_paired(probes[0].to_numpy(), probes[1].to_numpy())
    chance = of_plain["language_probe_chance"].mean()
    yield (
        "Does telling the decoder the language keep it out of the latents? "
        f"{_kept_out(found)}: a linear probe has balanced accuracy {_over_seeds(probes[0])} on the "
        f"latents of {on_language.name}, {_over_seeds(probes[1])} on the VAE's (chance "
        f"{chance:.3f}). Their genre AMI is {_over_seeds(genres[0])} and {_over_seeds(genres[1])}."
    )


def _kept_out(found: PairedComparison) -> str:
    """Whether the probe of the first is below that of the second, over seeds alone."""
    if found.n_seeds == 1:
        return _UNTOLD["one seed"]
    side = side_of_zero(found.low, found.high)
    return {-1: "Yes, at these seeds", 0: "Not at these seeds", 1: "No"}[side]


def _own_name(experiment: Experiment) -> str:
    """Of the latents of its first model."""
    return member_name(experiment, experiment.members[0])


def _label_free(rows: pd.DataFrame, label: str) -> pd.DataFrame:
    """The rows of representations that were not given the label nor anything it follows from."""
    return rows.loc[[is_label_free(row, label) for _, row in rows.iterrows()]]


def _both(rows: pd.DataFrame, found: pd.Series) -> tuple[str, str]:
    """The AMI of the two that a row of comparisons.csv compares."""
    names = found["representation"], found["against"]
    first, second = (_ami(rows, found["experiment"], name, found["label"]) for name in names)
    return first, second


def _ami(rows: pd.DataFrame, experiment: str, representation: str, label: str) -> str:
    is_one = (rows["experiment"] == experiment) & (rows["representation"] == representation)
    return _over_seeds(rows.loc[is_one, f"ami_{label}"].dropna())


def _over_seeds(scores: pd.Series) -> str:
    return mean_and_std(scores.mean(), scores.std())


def _size(found: pd.Series) -> str:
    """How large the difference of a row of comparisons.csv is, and how certain."""
    intervals = [
        f"{found[f'{what}_low']:+.3f} to {found[f'{what}_high']:+.3f} over {what}"
        for what in ("seeds", "artists")
        if found[f"{what}_low"] == found[f"{what}_low"]
    ]
    certain = f" (95 %: {_by_song(found, ', '.join(intervals))})" if intervals else ""
    return f"The difference is {found['difference']:+.3f}{certain}."


def _by_song(found: pd.Series, text: str) -> str:
    """Text on a row of comparisons.csv: without artists, what is over artists is over songs."""
    return text.replace("artists", "songs") if found["n_artists"] == found["n_songs"] else text
