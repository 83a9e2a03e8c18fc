"""What the numbers of a suite say, in sentences computed from them."""

from collections.abc import Iterator, Sequence

import pandas as pd

from musicvae_jax.config import Experiment
from musicvae_jax.config.naming import member_name
from musicvae_jax.evaluation.comparison import PairedComparison, compare_paired
from musicvae_jax.reporting.roles import conditions_on, is_fusion, is_plain_vae
from musicvae_jax.reporting.style import is_label_free, mean_and_std
from musicvae_jax.reporting.suite_table import rows_of

_LABELS = ("genre", "language")
_PROBE = ("language_probe", "language_probe_chance")


def answers(
    experiments: Sequence[Experiment], metrics: pd.DataFrame, spaces: pd.DataFrame
) -> list[str]:
    """Sentences on AMI under K-Means: a VAE against its baselines, the best, fusions; and on
    whether conditioning on the language keeps it out of the latents.

    AMI, because unlike NMI and purity it is 0 for random clusters. A representation that was given
    a label, or something that it follows from, is never compared on that label, and only scores of
    the same songs and seeds are compared.

    Args:
        experiments: the finished ones. Sentences on a VAE are about the first plain one.
        metrics: their rows of metrics.csv.
        spaces: their rows of spaces.csv.
    """
    rows = rows_of(metrics)
    plain = next(filter(is_plain_vae, experiments), None)
    on_language = next((one for one in experiments if conditions_on(one, "language")), None)
    found: list[str] = []
    if plain is not None:
        found += _vae_against_baselines(rows, plain)
    found += _best(rows)
    found += _fusions(rows, [one.name for one in experiments if is_fusion(one)])
    if plain is not None and on_language is not None:
        found += _conditioned_on_language(rows, spaces, plain, on_language)
    return found or ["No experiment of these suites has scores to compare."]


def _vae_against_baselines(rows: pd.DataFrame, plain: Experiment) -> Iterator[str]:
    of_vae = rows[rows["experiment"] == plain.name]
    own = _own_name(plain)
    for label in _LABELS:
        for _, same_songs in _label_free(of_vae, label).groupby("n_songs", sort=False):
            vae = _scores(same_songs, own, label)
            for baseline, name in (("pca", "PCA"), ("raw", "the raw features")):
                other = _scores(same_songs, baseline, label)
                if not len(vae) or not len(other):
                    continue
                found = _compared(vae, other)
                answer = {
                    "better": "Yes",
                    "worse": "No",
                    "no difference at these seeds": "No difference at these seeds",
                    "one seed": "Cannot be said from one seed",
                }[found.verdict]
                yield (
                    f"Does the VAE beat {name} on {label} here? {answer}: AMI {_over_seeds(vae)} "
                    f"for the VAE, {_over_seeds(other)} for {name}{_by_how_much(found)}."
                )


def _best(rows: pd.DataFrame) -> Iterator[str]:
    for label in _LABELS:
        for n_songs, same_songs in _label_free(rows, label).groupby("n_songs", sort=False):
            by_method = same_songs.groupby(["experiment", "representation"])[f"ami_{label}"]
            means = by_method.mean().dropna()
            if len(means) > 1:
                experiment, name = means.idxmax()
                best = _scores(same_songs[same_songs["experiment"] == experiment], name, label)
                # Many experiments have the same baselines.
                n_different = len(means.reset_index("representation").drop_duplicates())
                yield (
                    f"Of {n_different} representations of {n_songs} songs that were not given the "
                    f"{label}, {name} ({experiment}) has the highest {label} AMI, "
                    f"{_over_seeds(best)}."
                )


def _fusions(rows: pd.DataFrame, experiments: Sequence[str]) -> Iterator[str]:
    """Each fusion against the best single modality on the same songs."""
    for experiment in experiments:
        for label in _LABELS:
            allowed = _label_free(rows, label)
            own = allowed[(allowed["experiment"] == experiment) & (allowed["role"] == "own")]
            for (n_songs, name), of_name in own.groupby(["n_songs", "representation"], sort=False):
                # Another experiment may have run a single modality on the same songs.
                is_part = (allowed["role"] == "baseline") & (allowed["n_songs"] == n_songs)
                best_part = _best_part(allowed[is_part], label)
                scores = _scores(of_name, name, label)
                if best_part is None or not len(scores):
                    continue
                part, part_scores = best_part
                found = _compared(scores, part_scores)
                verb = {
                    "better": "beats",
                    "worse": "is worse than",
                    "no difference at these seeds": "is at these seeds no different from",
                    "one seed": "cannot be compared from one seed with",
                }[found.verdict]
                yield (
                    f"{name} ({experiment}) {verb} the best single modality on {label}, {part}: "
                    f"AMI {_over_seeds(scores)} and {_over_seeds(part_scores)}"
                    f"{_by_how_much(found)}."
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
    found, price = _compared(*probes), _compared(*genres)
    answer = {
        "better": "No",
        "worse": "Yes",
        "no difference at these seeds": "Not at these seeds",
        "one seed": "Cannot be said from one seed",
    }[found.verdict]
    chance = of_plain["language_probe_chance"].mean()
    yield (
        f"Does telling the decoder the language keep it out of the latents? {answer}: a linear "
        f"probe has balanced accuracy {_over_seeds(probes[0])} on the latents of "
        f"{on_language.name}, {_over_seeds(probes[1])} on the VAE's (chance {chance:.3f})"
        f"{_by_how_much(found)}. Their genre AMI is {_over_seeds(genres[0])} and "
        f"{_over_seeds(genres[1])}{_by_how_much(price)}."
    )


def _own_name(experiment: Experiment) -> str:
    """Of the latents of its first model."""
    return member_name(experiment, experiment.members[0])


def _best_part(parts: pd.DataFrame, label: str) -> tuple[str, pd.Series] | None:
    candidates = []
    for (_, name), scores in parts.groupby(["experiment", "representation"], sort=False):
        values = _by_seed(scores, label)
        if len(values):
            candidates.append((name, values))
    return max(candidates, key=lambda part: part[1].mean(), default=None)


def _label_free(rows: pd.DataFrame, label: str) -> pd.DataFrame:
    """The rows of representations that were not given the label nor anything it follows from."""
    return rows.loc[[is_label_free(row, label) for _, row in rows.iterrows()]]


def _scores(rows: pd.DataFrame, representation: str, label: str) -> pd.Series:
    return _by_seed(rows[rows["representation"] == representation], label)


def _by_seed(rows: pd.DataFrame, label: str) -> pd.Series:
    return rows.set_index("seed")[f"ami_{label}"].dropna()


def _compared(first: pd.Series, second: pd.Series) -> PairedComparison:
    seeds = first.index.intersection(second.index)
    return compare_paired(first[seeds], second[seeds])


def _over_seeds(scores: pd.Series) -> str:
    return mean_and_std(scores.mean(), scores.std())


def _by_how_much(found: PairedComparison) -> str:
    if found.verdict == "one seed":
        return ""
    p_value = "p < 0.001" if found.p_value < 0.001 else f"p = {found.p_value:.3f}"
    return (
        f"; over seeds the difference is {found.difference:+.3f} ({p_value}, 95 % interval "
        f"{found.low:+.3f} to {found.high:+.3f})"
    )
