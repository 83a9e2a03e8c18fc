"""The patch VAE of mel crops against an ordinary convolutional VAE in PyTorch.

The PyTorch model has the layers of `ConvAutoencoder(architecture="conv")`: four strided 3 x 3
convolutions, mirrored, GELU and normalisation. Both train on the same crops in the same order of
songs, batch 32, Adam 2e-3, and are compared by seconds per epoch and by the held-out squared error
per standardised pixel, decoded from posterior means. They take turns, epoch by epoch.
Needs torch. usage: python benchmarks/conv_speed.py FILE.parquet [EPOCHS [SEEDS]]
"""

import json
import os
import sys
import time
from pathlib import Path
from statistics import median

import numpy as np
import torch
from conv_vae import CROPS, TRAIN, make_round, open_source, squared_error
from torch import nn

WIDTHS = (16, 32, 64, 128)
LATENT = 64


class TorchConvVAE(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        down, up = [], []
        for inputs, outputs in zip((1, *WIDTHS[:-1]), WIDTHS, strict=True):
            down += [nn.Conv2d(inputs, outputs, 3, 2, 1), nn.GELU(), nn.GroupNorm(1, outputs)]
        for inputs, outputs in zip(WIDTHS[::-1], (*WIDTHS[-2::-1], 1), strict=True):
            up += [nn.Conv2d(inputs, 4 * outputs, 3, 1, 1), nn.PixelShuffle(2)]
            if outputs > 1:
                up += [nn.GELU(), nn.GroupNorm(1, outputs)]
        cells = WIDTHS[-1] * 8 * 8
        self.down = nn.Sequential(*down, nn.Flatten(), nn.Linear(cells, 2 * LATENT))
        self.up = nn.Sequential(nn.Linear(LATENT, cells), nn.Unflatten(1, (WIDTHS[-1], 8, 8)), *up)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        mean, log_var = self.down(x[:, None]).split(LATENT, dim=-1)
        z = mean + torch.exp(0.5 * log_var) * torch.randn_like(mean)
        return self.up(z)[:, 0], mean, log_var

    def reconstruct(self, x: torch.Tensor) -> torch.Tensor:
        return self.up(self.down(x[:, None]).split(LATENT, dim=-1)[0])[:, 0]


def torch_epoch(model, optimiser, windows, scaler) -> None:
    for batch in windows:
        x = torch.from_numpy((batch.astype(np.float32) - scaler.mean) / scaler.scale)
        x = x.transpose(1, 2).contiguous()
        decoded, mean, log_var = model(x)
        error = ((x - decoded) ** 2).sum(dim=(1, 2))
        kl = 0.5 * (torch.exp(log_var) + mean**2 - 1 - log_var).sum(dim=-1)
        optimiser.zero_grad()
        (error + kl).mean().backward()
        optimiser.step()


def torch_error(model, heldout, scaler) -> float:
    x = torch.from_numpy((heldout - scaler.mean[:, None]) / scaler.scale[:, None])
    with torch.no_grad():
        return float(((model.reconstruct(x) - x) ** 2).mean())


def main(path: Path, epochs: int, seeds: int) -> None:
    import jax
    import jax.numpy as jnp

    from musicvae_jax.features.crops import fixed_crops, half_crops
    from musicvae_jax.models import ConvAutoencoder
    from musicvae_jax.training import Examples, init_state

    source = open_source(path)
    scaler = source.scaler
    heldout = fixed_crops(source.store, source.heldout, CROPS.frames, 2)
    heldout = heldout.reshape(-1, *heldout.shape[2:]).astype(np.float32)
    ours = ConvAutoencoder(frames=CROPS.frames)
    run = make_round(ours, source, in_loop=True)
    n_steps = len(source.train) * CROPS.per_song // TRAIN.batch_size
    seconds = {"patch": [], "PyTorch conv": []}
    errors = {"patch": [], "PyTorch conv": []}
    for seed in range(seeds):
        rng = np.random.default_rng(seed)
        torch.manual_seed(seed)
        theirs = TorchConvVAE()
        optimiser = torch.optim.Adam(theirs.parameters(), lr=TRAIN.learning_rate[0], fused=True)
        blank = Examples(jnp.zeros((1, 128, CROPS.frames)))
        state = init_state(ours, jax.random.key(seed), blank, TRAIN.learning_rate[0])
        for epoch in range(epochs):
            songs = rng.permutation(np.repeat(source.train, CROPS.per_song))
            songs = songs[: n_steps * TRAIN.batch_size]
            windows = half_crops(source.store, songs, CROPS.frames, rng.random(len(songs)))
            windows = windows.reshape(n_steps, TRAIN.batch_size, *windows.shape[1:])
            keys = jax.random.split(jax.random.fold_in(jax.random.key(seed), epoch), n_steps)
            start = time.perf_counter()
            state = jax.block_until_ready(run(state, windows, keys))
            # The very first epoch compiles.
            if seed or epoch:
                seconds["patch"].append(time.perf_counter() - start)
            start = time.perf_counter()
            torch_epoch(theirs, optimiser, windows, scaler)
            seconds["PyTorch conv"].append(time.perf_counter() - start)
        errors["patch"].append(squared_error(ours, state.params, heldout, scaler))
        errors["PyTorch conv"].append(torch_error(theirs, heldout, scaler))
    print(
        f"{path.stem}: {epochs} epochs of {n_steps} steps, {seeds} seed(s), {os.cpu_count()} cores"
    )
    print("| model | seconds per epoch | held-out error per pixel |\n|---|---|---|")
    for name in seconds:
        error = f"{np.mean(errors[name]):.3f} +- {np.std(errors[name]):.3f}"
        print(f"| {name} | {median(seconds[name]):.1f} | {error} |")
    ratio = median(seconds["PyTorch conv"]) / median(seconds["patch"])
    print(f"an epoch of PyTorch conv takes {ratio:.2f} times as long")
    print(json.dumps({"epochs": epochs, "ratio": ratio, "seconds": seconds, "errors": errors}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), *(int(v) for v in [*sys.argv[2:], *("15", "3")[len(sys.argv) - 2 :]]))
