"""Mel spectrograms: originals, reconstructions and points between two songs."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from musicvae_jax.features import HOP_SECONDS
from musicvae_jax.reporting.style import titled

_MAX_TITLE = 28


def reconstruction_examples(mels: Mapping[str, np.ndarray], title: str) -> Figure:
    """Original crops above what the model makes of them, with one colour scale.

    Args:
        mels: reconstructions.npz: titles `[n]`, original and reconstruction `[n, 128, frames]`
            in decibels.
        title: names the experiment, the data and the number of songs.
    """
    original, reconstruction = mels["original"], mels["reconstruction"]
    error = np.sqrt(np.mean((original - reconstruction) ** 2, axis=(1, 2)))
    below = [f"reconstruction, {value:.1f} dB rms off" for value in error]
    above = [_shortened(text) for text in mels["titles"]]
    rows = [list(zip(above, original, strict=True)), list(zip(below, reconstruction, strict=True))]
    return _grid(rows, f"held-out songs and their reconstructions, {title}")


def latent_interpolation(mels: Mapping[str, np.ndarray], title: str) -> Figure:
    """Decoded points on the line between the latents of two songs.

    Args:
        mels: reconstructions.npz: interpolation `[steps, 128, frames]` in decibels and
            interpolation_titles `[2]`.
        title: names the experiment, the data and the number of songs.
    """
    steps = mels["interpolation"]
    first, last = (_shortened(text) for text in mels["interpolation_titles"])
    shares = np.linspace(0, 1, len(steps))
    names = [f"{share:.0%}" for share in shares]
    row = list(zip(names, steps, strict=True))
    return _grid([row], f"from “{first}” (0%) to “{last}” (100%) in latent space, {title}")


def _shortened(text: object) -> str:
    whole = str(text)
    return whole if len(whole) <= _MAX_TITLE else f"{whole[: _MAX_TITLE - 1].rstrip()}…"


def _grid(rows: Sequence[Sequence[tuple[str, np.ndarray]]], title: str) -> Figure:
    n_columns = len(rows[0])
    figure = Figure(figsize=(2.6 * n_columns + 1.0, 2.5 * len(rows) + 0.8), layout="constrained")
    axes = figure.subplots(len(rows), n_columns, squeeze=False, sharex=True, sharey=True)
    low = min(float(mel.min()) for row in rows for _, mel in row)
    for axis_row, row in zip(axes, rows, strict=True):
        for axis, (name, mel) in zip(axis_row, row, strict=True):
            image = axis.imshow(
                mel,
                origin="lower",
                aspect="auto",
                cmap="magma",
                vmin=max(low, -80.0),
                vmax=0.0,
                interpolation="nearest",
                extent=(0, mel.shape[1] * HOP_SECONDS, 0, mel.shape[0]),
            )
            axis.set_title(name, fontsize="small", parse_math=False)
    for axis in axes[-1]:
        axis.set_xlabel("seconds")
    for axis in axes[:, 0]:
        axis.set_ylabel("mel band")
    figure.colorbar(
        image, ax=axes, label="dB relative to the\nsong's loudest cell", fraction=0.03, pad=0.01
    )
    return titled(figure, title)
