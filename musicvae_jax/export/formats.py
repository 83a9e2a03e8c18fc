"""Writes weights and encoders in formats that other software reads."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import jax
import numpy as np
from jax import export

from musicvae_jax.errors import InputError
from musicvae_jax.export.encoder import encoder_of
from musicvae_jax.runtime.files import replacing
from musicvae_jax.trained import Trained

# Of the operations in the ONNX file; onnxruntime has read it since 2023.
_ONNX_OPSET = 19


@contextmanager
def _needs(extra: str) -> Iterator[None]:
    """Turns the failure of an import into the name of the extra that is missing."""
    try:
        yield
    except ImportError as error:
        raise InputError(
            f"export: {error.name} is not installed; expected the extra {extra!r}: "
            f"pip install 'musicvae_jax[{extra}]'"
        ) from error


def to_safetensors(trained: Trained, path: Path | str, member: int = 0) -> None:
    """Writes the weights of one member, and what is needed to use them.

    Names are those of the layers: "encoder.Dense_0.kernel" is the matrix `[inputs, outputs]` of
    the encoder's first dense layer; "scaler.mean" and "scaler.scale" standardise the features. The
    metadata hold the settings of the model and the vocabulary of its condition as JSON.

    Raises:
        InputError: the extra `export` is missing, or see `encoder_of`.
    """
    with _needs("export"):
        from safetensors.numpy import save_file
    encoder = encoder_of(trained, member)
    leaves = jax.tree_util.tree_leaves_with_path(trained.params(member)["params"])
    arrays = {".".join(key.key for key in place): np.asarray(leaf) for place, leaf in leaves}
    scaler = trained.preprocessor.scaler
    arrays |= {"scaler.mean": scaler.mean, "scaler.scale": scaler.scale}
    settings = trained.experiment.model
    about = {
        "model": settings.kind,
        "hidden": settings.hidden,
        "latent": settings.latent,
        "features": trained.experiment.features.blocks,
        "inputs": encoder.inputs,
        "condition": settings.condition,
        "conditions": trained.preprocessor.vocabularies.get(settings.condition, ()),
        "member": trained.experiment.members[member]._asdict(),
    }
    with replacing(path) as aside:
        # Contiguous: safetensors writes the bytes as they lie.
        contiguous = {name: np.ascontiguousarray(one) for name, one in arrays.items()}
        save_file(contiguous, aside, {name: json.dumps(value) for name, value in about.items()})


def to_stablehlo(trained: Trained, path: Path | str, member: int = 0) -> None:
    """Writes the encoder as a StableHLO program for any number of songs.

    `jax.export.deserialize` reads it, without this package.

    Raises:
        InputError: the extra `export` is missing, or see `encoder_of`.
    """
    with _needs("export"):
        # What `serialize` imports.
        import flatbuffers  # noqa: F401
    encoder = encoder_of(trained, member)
    (songs,) = export.symbolic_shape("songs")
    shapes = [
        jax.ShapeDtypeStruct((songs, *shape), np.float32) for shape in encoder.inputs.values()
    ]
    program = export.export(jax.jit(encoder.function), platforms=("cpu", "cuda", "tpu"))(*shapes)
    with replacing(path) as aside:
        aside.write_bytes(program.serialize())


def to_onnx(trained: Trained, path: Path | str, member: int = 0) -> None:
    """Writes the encoder as an ONNX model for any number of songs.

    Its inputs have the names of `Encoder.inputs`, its output is "latents".

    Raises:
        InputError: the extra `onnx` is missing, or see `encoder_of`.
    """
    with _needs("onnx"):
        import onnx
        from jax2onnx import to_onnx as convert
    encoder = encoder_of(trained, member)
    model = convert(
        encoder.function,
        inputs=[("songs", *shape) for shape in encoder.inputs.values()],
        input_names=list(encoder.inputs),
        output_names=["latents"],
        opset=_ONNX_OPSET,
    )
    with replacing(path) as aside:
        onnx.save_model(model, aside)
