"""Makes the source for a model's inputs: rows of features, or crops of mel spectrograms."""

import numpy as np

from musicvae_jax.preprocess import ModelInputs
from musicvae_jax.training.state import Examples
from musicvae_jax.training.streaming.crop_source import CropSource
from musicvae_jax.training.streaming.row_source import RowSource


def make_source(
    inputs: ModelInputs, train: np.ndarray, heldout: np.ndarray
) -> CropSource | RowSource:
    """Examples of the songs at the places `train` and `heldout`."""
    if inputs.crops is not None:
        return CropSource(inputs.crops, train, heldout, inputs.scaler, inputs.experiment.crops)
    return RowSource(Examples(inputs.x, inputs.condition, inputs.mask), train, heldout)
