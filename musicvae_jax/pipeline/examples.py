"""reconstructions.npz: mels, their reconstructions, and an interpolation between two."""

import numpy as np

from musicvae_jax.features import fixed_crops
from musicvae_jax.pipeline.fit import Fitted
from musicvae_jax.training.streaming import make_source, posteriors
from musicvae_jax.training.streaming.crop_source import middle

_N_EXAMPLES = 4
_N_INTERPOLATED = 7


def mel_examples(fitted: Fitted) -> dict[str, np.ndarray]:
    """Examples from the first member of a model of crops; mels in decibels.

    Returns:
        titles `[n]`, original and reconstruction `[n, 128, frames]` of the middle crops of held-out
        songs; interpolation `[steps, 128, frames]` from the first of them to the last, and
        interpolation_titles `[2]`. Reconstructions are not clipped, so they show the model's full
        error.
    """
    trained, heldout, crops = fitted.trained, fitted.split.heldout, fitted.inputs.crops
    assert crops is not None
    places = np.linspace(0, len(heldout) - 1, min(_N_EXAMPLES, len(heldout)))
    chosen = heldout[places.round().astype(int)]
    source = make_source(fitted.inputs, chosen, chosen)
    means = np.asarray(posteriors(trained.model, trained.params(0), source, middle(chosen)).mean)
    share = np.linspace(0.0, 1.0, _N_INTERPOLATED, dtype=np.float32)[:, None]
    table = fitted.inputs.table
    titles = table["title"].fillna(table["music_id"]).iloc[chosen].to_numpy(str)
    return {
        "titles": titles,
        "original": fixed_crops(crops, chosen, trained.shape[1], 1)[:, 0],
        "reconstruction": trained.decode(means),
        "interpolation": trained.decode((1 - share) * means[0] + share * means[-1]),
        "interpolation_titles": titles[[0, -1]],
    }
