"""Trained models for other software: weights, and the encoder as a program."""

from musicvae_jax.export.encoder import Encoder, encoder_of
from musicvae_jax.export.formats import to_onnx, to_safetensors, to_stablehlo

__all__ = ["Encoder", "encoder_of", "to_onnx", "to_safetensors", "to_stablehlo"]
