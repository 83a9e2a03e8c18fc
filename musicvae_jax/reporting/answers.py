"""What the numbers of a suite say, in sentences computed from them."""

from collections.abc import Iterator

import pandas as pd

from musicvae_jax.evaluation.comparison import PairedComparison, compare_paired
from musicvae_jax.reporting.scores import rows_of
from musicvae_jax.reporting.style import is_label_free, mean_and_std

_LABELS = ("genre", "language")
_PROBE = ("language_probe", "language_probe_chance")


def answers(metrics: pd.DataFrame, spaces: pd.DataFrame) -> list[str]:
    """Sentences on AMI under K-Means: the VAE against its baselines, the best, fusion; and on what
    a decoder that is told the language leaves of it in the latents.

    AMI, because unlike NMI and purity it is 0 for random clusters. A representation that was given
    a label, or something that it follows from, is never compared on that label, and only scores of
    the same songs and seeds are compared.

    Args:
        metrics: metrics.csv of all finished experiments, one below the other.
        spaces: their spaces.csv.
    """
    rows = rows_of(metrics)
    found = [
        *_vae_against_baselines(rows),
        *_best(rows),
        *_fusion(rows),
        *_told_the_language(rows, spaces),
    ]
    return found or ["No experiment of these suites has scores to compare."]


def _vae_against_baselines(rows: pd.DataFrame) -> Iterator[str]:
    of_vae = rows[rows["experiment"] == "easy_vae"]
    for label in _LABELS:
        for _, same_songs in _label_free(of_vae, label).groupby("n_songs", sort=False):
            vae = _scores(same_songs, "vae", label)
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
                    f"Does the VAE beat {name} on {label} here? {answer}: AMI {_shown(vae)} for "
                    f"the VAE, {_shown(other)} for {name}{_by_how_much(found)}."
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
                    f"{label}, {name} ({experiment}) has the highest {label} AMI, {_shown(best)}."
                )


def _fusion(rows: pd.DataFrame) -> Iterator[str]:
    """Each fusion against the best single modality on the same songs."""
    for experiment in ("medium_hybrid", "hard_multimodal", "hard_multimodal_vae"):
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
                word = {
                    "better": "beats",
                    "worse": "is worse than",
                    "no difference at these seeds": "is at these seeds no different from",
                    "one seed": "cannot be compared from one seed with",
                }[found.verdict]
                yield (
                    f"{name} ({experiment}) {word} the best single modality on {label}, {part}: "
                    f"AMI {_shown(scores)} and {_shown(part_scores)}{_by_how_much(found)}."
                )


def _told_the_language(rows: pd.DataFrame, spaces: pd.DataFrame) -> Iterator[str]:
    """What the conditional VAE's latents say of the language, and what that costs in genre."""
    key = ["experiment", "representation", "role", "seed"]
    own = rows[rows["role"] == "own"].merge(spaces[[*key, *_PROBE]], on=key)
    of_vae, of_told = (
        own[(own["experiment"] == experiment) & (own["representation"] == name)].set_index("seed")
        for experiment, name in (("easy_vae", "vae"), ("hard_cvae_language", "cvae_language"))
    )
    seeds = of_vae.index.intersection(of_told.index)
    of_vae, of_told = of_vae.loc[seeds], of_told.loc[seeds]
    if not len(seeds) or not (of_vae["n_songs"] == of_told["n_songs"]).all():
        return
    probes, genres = (
        (of_told[name].dropna(), of_vae[name].dropna()) for name in ("language_probe", "ami_genre")
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
    chance = of_vae["language_probe_chance"].mean()
    yield (
        f"Does telling the decoder the language keep it out of the latents? {answer}: a linear "
        f"probe has balanced accuracy {_shown(probes[0])} on the latents of hard_cvae_language, "
        f"{_shown(probes[1])} on the VAE's (chance {chance:.3f}){_by_how_much(found)}. Their genre "
        f"AMI is {_shown(genres[0])} and {_shown(genres[1])}{_by_how_much(price)}."
    )


def _best_part(parts: pd.DataFrame, label: str) -> tuple[str, pd.Series] | None:
    candidates = []
    for (_, name), scores in parts.groupby(["experiment", "representation"], sort=False):
        values = _by_seed(scores, label)
        if len(values):
            candidates.append((name, values))
    return max(candidates, key=lambda part: part[1].mean(), default=None)


def _label_free(rows: pd.DataFrame, label: str) -> pd.DataFrame:
    """The rows of representations that know nothing of the label but what they found."""
    return rows.loc[[is_label_free(row, label) for _, row in rows.iterrows()]]


def _scores(rows: pd.DataFrame, representation: str, label: str) -> pd.Series:
    return _by_seed(rows[rows["representation"] == representation], label)


def _by_seed(rows: pd.DataFrame, label: str) -> pd.Series:
    return rows.set_index("seed")[f"ami_{label}"].dropna()


def _compared(first: pd.Series, second: pd.Series) -> PairedComparison:
    seeds = first.index.intersection(second.index)
    return compare_paired(first[seeds], second[seeds])


def _shown(scores: pd.Series) -> str:
    return mean_and_std(scores.mean(), scores.std())


def _by_how_much(found: PairedComparison) -> str:
    if found.verdict == "one seed":
        return ""
    p_value = "p < 0.001" if found.p_value < 0.001 else f"p = {found.p_value:.3f}"
    return (
        f"; over seeds the difference is {found.difference:+.3f} ({p_value}, 95 % interval "
        f"{found.low:+.3f} to {found.high:+.3f})"
    )
