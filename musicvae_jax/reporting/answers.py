"""What the numbers of a suite say, in sentences computed from them."""

from collections.abc import Iterator, Sequence
from typing import Any

import pandas as pd

from musicvae_jax.config import Experiment
from musicvae_jax.config.naming import member_name
from musicvae_jax.evaluation.comparison import PairedComparison, compare_paired, side_of_zero
from musicvae_jax.reporting.rivals import against_pca, hardest, reads_several, spoken
from musicvae_jax.reporting.roles import conditions_on, has_parts, is_plain_vae
from musicvae_jax.reporting.style import label_free
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
        found += _vae_against_baselines(comparisons, plain)
    found += _best(rows)
    found += _fusions(comparisons, [one.name for one in experiments if has_parts(one)])
    if plain is not None and on_language is not None:
        found += _conditioned_on_language(rows, spaces, plain, on_language)
    return found or ["No experiment of these suites has scores to compare."]


def _vae_against_baselines(comparisons: pd.DataFrame, plain: Experiment) -> Iterator[str]:
    is_vae = comparisons["representation"] == _own_name(plain)
    of_vae = comparisons[is_vae & (comparisons["experiment"] == plain.name)]
    on_genre, on_language = (of_vae[of_vae["label"] == label] for label in ("genre", "language"))
    is_raw = on_genre["against"] == "raw"
    for name, of_name in (("PCA", against_pca(on_genre)), ("the raw features", on_genre[is_raw])):
        found = hardest(of_name)
        if found is not None:
            yield f"Does the VAE beat {name} on genre here? {_answer(found, name)}"
    for _, found in on_language[on_language["against"] == "pca"].iterrows():
        if found["verdict"] in ("better", "worse"):
            more = {"better": "more", "worse": "less"}[found["verdict"]]
            yield f"The VAE groups songs {more} by language than PCA does."


def _answer(found: pd.Series, asked: str) -> str:
    """To whether the VAE beats what was asked about, of which the row is the hardest to beat."""
    rival, verdict = spoken(found["against"]), found["verdict"]
    answer = _by_song(found, _ANSWERS[verdict])
    if rival != asked:
        if verdict not in ("better", "worse", *_UNTOLD):
            answer = "Not shown"
        answer += f"; the hardest to beat is {rival}"
    return f"{answer}.{_size(found)}"


def _best(rows: pd.DataFrame) -> Iterator[str]:
    claims = {"genre": "has the highest genre AMI", "language": "groups songs most by language"}
    for label, claim in claims.items():
        for n_songs, same_songs in label_free(rows, label).groupby("n_songs", sort=False):
            by_method = same_songs.groupby(["experiment", "representation"])[f"ami_{label}"]
            means = by_method.mean().dropna()
            if len(means) > 1:
                best: Any = means.idxmax()
                experiment, name = best
                # Many experiments have the same baselines.
                n_different = len(means.reset_index("representation").drop_duplicates())
                yield (
                    f"Of {n_different} representations of {n_songs} songs that were not given the "
                    f"{label}, {name} ({experiment}) {claim}."
                )


def _fusions(comparisons: pd.DataFrame, experiments: Sequence[str]) -> Iterator[str]:
    """Each fusion against the best single modality of its run."""
    on_genre = comparisons[comparisons["label"] == "genre"]
    single = ~on_genre["against"].map(reads_several).astype(bool)
    of_fusions = on_genre[on_genre["experiment"].isin(experiments) & single]
    for _, parts in of_fusions.groupby(["experiment", "representation"], sort=False):
        best = parts.sort_values("difference").iloc[0]
        yield (
            f"{best['representation']} ({best['experiment']}) "
            f"{_by_song(best, _VERBS[best['verdict']])} the best single modality of its run on "
            f"genre, {spoken(best['against'])}.{_size(best)}"
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
    yield (
        "Does telling the decoder the language keep it out of the latents? "
        f"{_kept_out(found)}: so says a linear probe on the latents of "
        f"{on_language.name} and on the VAE's. {_price(*genres)}"
    )


def _price(conditional: pd.Series, plain: pd.Series) -> str:
    """What it costs, or brings, in genre AMI, over seeds alone."""
    found = compare_paired(conditional.to_numpy(), plain.to_numpy())
    side = 0 if found.n_seeds == 1 else side_of_zero(found.low, found.high)
    words = {-1: "lower", 0: "not shown to differ", 1: "higher"}
    return f"Its genre AMI is {words[side]} at these seeds."


def _kept_out(found: PairedComparison) -> str:
    """Whether the probe of the first is below that of the second, over seeds alone."""
    if found.n_seeds == 1:
        return _UNTOLD["one seed"]
    side = side_of_zero(found.low, found.high)
    return {-1: "Yes, at these seeds", 0: "Not at these seeds", 1: "No"}[side]


def _own_name(experiment: Experiment) -> str:
    """Of the latents of its first model."""
    return member_name(experiment, experiment.members[0])


def _size(found: pd.Series) -> str:
    """Between what the difference of a row of comparisons.csv is; "" where that is unknown."""
    intervals = [
        f"{found[f'{what}_low']:+.3f} to {found[f'{what}_high']:+.3f} over {what}"
        for what in ("seeds", "artists")
        if found[f"{what}_low"] == found[f"{what}_low"]
    ]
    if not intervals:
        return ""
    return f" The difference in AMI is {_by_song(found, ' and '.join(intervals))} (95 %)."


def _by_song(found: pd.Series, text: str) -> str:
    """Text on a row of comparisons.csv: without artists, what is over artists is over songs."""
    return text.replace("artists", "songs") if found["n_artists"] == found["n_songs"] else text
