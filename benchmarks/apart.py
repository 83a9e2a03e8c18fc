"""How far trainings on these devices are from those on one CPU core, and how far they may be."""

import os

import numpy as np

# Of processes that compare. On a GPU most of the processor's time of a compile goes into trying
# which of several programs is fastest, and results differ by rounding only.
UNTUNED = {
    "XLA_FLAGS": f"{os.environ.get('XLA_FLAGS', '')} --xla_gpu_autotune_level=0".strip(),
}
# Largest difference, by precision of matrix products: of a loss, as a share of it; of a latent, in
# standard deviations of all latents. TF32 rounds to 10 bits, which alone moves a latent on a CPU by
# up to 0.4; float32 differs in the order of sums. Adam's division by a small gradient's size makes
# both larger.
TOLERANCES = {"default": (0.02, 1.0), "highest": (0.002, 0.02)}


def of_losses(here: np.ndarray, there: np.ndarray) -> float:
    """The largest difference, relative to the reference, `there`, or a thousandth of its largest.

    Losses that both lack are left out, such as the KL of an autoencoder; the difference is infinite
    if only one lacks some, or both lack all.

    Example:
        >>> losses = np.array([2.0, 4.0, np.nan])
        >>> of_losses(losses * 1.5, losses)
        0.5
    """
    known = ~np.isnan(there)
    if not _have_same(here, known):
        return float("inf")
    here, there = here[known], there[known]
    scale = np.maximum(np.abs(there), 1e-3 * np.abs(there).max())
    return float(np.max(np.abs(here - there) / scale))


def of_latents(here: np.ndarray, there: np.ndarray) -> float:
    """The largest difference in standard deviations of the reference, `there`.

    Latents that both lack are left out; the difference is infinite if only one lacks some, or both
    lack all.

    Example:
        >>> points = np.array([[1.0], [-1.0], [np.nan]])
        >>> of_latents(points + 0.25, points)
        0.25
    """
    known = ~np.isnan(there)
    if not _have_same(here, known):
        return float("inf")
    return float(np.max(np.abs(here - there)[known]) / there[known].std())


def _have_same(here: np.ndarray, known: np.ndarray) -> bool:
    """Whether `here` has numbers exactly where they are known, and there are any."""
    return bool(known.any() and (~np.isnan(here) == known).all())


def is_within(precision: str, loss: float, latent: float) -> bool:
    """Whether both are within their tolerance; NaN is not."""
    most_loss, most_latent = TOLERANCES[precision]
    return loss <= most_loss and latent <= most_latent
