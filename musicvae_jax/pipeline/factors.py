"""disentanglement.csv: how well single latent dimensions match the known factors of songs."""

from collections.abc import Callable
from itertools import islice
from typing import NamedTuple

import numpy as np
import pandas as pd

from musicvae_jax.clustering import sample_songs, sample_text
from musicvae_jax.evaluation import mean_scores, score_factor
from musicvae_jax.pipeline.listing import Listing
from musicvae_jax.pipeline.stages import Stages
from musicvae_jax.runtime.terminal import Terminal
from musicvae_jax.songs import FACTOR_PREFIX

# Integers with at most this many values are categories, such as keys.
_MOST_NAMES = 20
_MIN_FACTORS = 2
# Forests on more dimensions take minutes, and raw features have no dimension for a factor.
_MIN_DIMENSIONS, _MAX_DIMENSIONS = 2, 128
# Sample size for many songs: the forests take longer than all clusterings.
_SAMPLED = 2000
SCORES = ("mig", "sap", "disentanglement", "completeness", "informativeness")
_COLUMNS = ("experiment", "seed", "representation", "n_songs", "n_factors", *SCORES)


class Disentangled(NamedTuple):
    """The rows of disentanglement.csv, and how they are approximated, if at all."""

    table: pd.DataFrame
    approximated: dict[str, str]


def start_factors(
    name: str, listing: Listing, exact_songs: int, stages: Stages, terminal: Terminal
) -> Callable[[], Disentangled]:
    """One row per seed and own representation of 2 to 128 dimensions; none without factors.

    Starts the work, and returns a function that waits for it.

    Args:
        name: name of the experiment.
        listing: its representations; the factors are the factor_* columns of their songs.
        exact_songs: if there are more songs, a sample is used.
        stages: runs the scoring, or finds it in the cache.
        terminal: for progress and notices.
    """
    own = [one for one in listing.own if _MIN_DIMENSIONS <= one.points.shape[2] <= _MAX_DIMENSIONS]
    columns = listing.songs.filter(regex=f"^{FACTOR_PREFIX}").dropna(axis=1, how="all")
    if columns.empty or not own:
        return _no_factors
    places, approximated = _places(columns, exact_songs, listing.seeds[0])
    factors = known_factors(columns.iloc[places], terminal)
    if len(factors) < _MIN_FACTORS:
        terminal.notice(
            f"disentanglement is skipped: got {len(factors)} factor(s), expected at least "
            f"{_MIN_FACTORS}"
        )
        return _no_factors
    tasks = [(one, place, seed) for one in own for place, seed in enumerate(listing.seeds)]
    calls = [
        # Points that are the same under every seed have the same scores.
        (points, values, seed if len(one.points) > 1 else listing.seeds[0])
        for one, place, seed in tasks
        for points in [one.of_seed(place)[places]]
        for values in factors.values()
    ]
    found = stages.map("factors", score_factor, calls, len(places))

    def finish() -> Disentangled:
        rows = []
        with terminal.progress("factors", len(tasks)) as advance:
            for one, _, seed in tasks:
                of_factors = list(islice(found, len(factors)))
                scores = mean_scores(one.points.shape[2], of_factors)
                about = (name, seed, one.name, len(places), len(factors))
                rows.append((*about, *(scores[score] for score in SCORES)))
                advance()
        return Disentangled(pd.DataFrame(rows, columns=_COLUMNS), approximated)

    return finish


def _no_factors() -> Disentangled:
    return Disentangled(pd.DataFrame(columns=_COLUMNS), {})


def known_factors(columns: pd.DataFrame, terminal: Terminal) -> dict[str, np.ndarray]:
    """Factors as `evaluation.factor_scores` takes them: floats, or text for categories.

    Args:
        columns: one per factor, without nulls.
        terminal: for a notice about the factors left out: those with only one value, and
            categorical ones with a category of a single song.
    """
    factors, left_out = {}, []
    for column in columns.columns:
        name, values = column.removeprefix(FACTOR_PREFIX), _typed(columns[column])
        counts = np.unique(values, return_counts=True)[1]
        if len(counts) < 2 or (values.dtype != float and counts.min() < 2):
            left_out.append(name)
        else:
            factors[name] = values
    if left_out:
        terminal.notice(
            f"disentanglement leaves out {', '.join(left_out)}: expected different values, and two "
            "songs or more in each category"
        )
    return factors


def _typed(values: pd.Series) -> np.ndarray:
    if pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_bool_dtype(values):
        numbers = values.to_numpy(float)
        # Integer columns with nulls arrive as floats.
        if np.any(numbers % 1) or len(np.unique(numbers)) > _MOST_NAMES:
            return numbers
    return values.to_numpy().astype(str)


def _places(
    columns: pd.DataFrame, exact_songs: int, seed: int
) -> tuple[np.ndarray, dict[str, str]]:
    """The songs that have all factors, or a sample of them, and how it was drawn."""
    finite = pd.DataFrame(np.isfinite(columns.select_dtypes("number"))).all(axis=1)
    known = np.flatnonzero(finite & columns.notna().all(axis=1))
    if len(known) <= exact_songs:
        return known, {}
    size = min(_SAMPLED, exact_songs)
    return known[sample_songs(len(known), size, seed)], {"disentanglement": sample_text(size)}
