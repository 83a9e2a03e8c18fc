"""Preprocessing of songs for a model, fitted on the training songs and saved with the model.

`fit_transform` is for training, `transform` for any songs afterwards; all code uses these two.
"""

from musicvae_jax.preprocess.fitting import audio_config, fit_transform, split_inputs, transform
from musicvae_jax.preprocess.inputs import ModelInputs, Preprocessor

__all__ = [
    "ModelInputs",
    "Preprocessor",
    "audio_config",
    "fit_transform",
    "split_inputs",
    "transform",
]
