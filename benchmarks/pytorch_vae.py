"""The same VAE and training in PyTorch, three ways, as rivals for `train_speed.py`.

Same layers, initialisation, loss, batches of 32 and Adam; the held-out loss after every epoch. Its
random numbers are its own.
"""

import time
from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

BATCH = 32
HIDDEN, LATENT = 256, 32


class VAE(nn.Module):
    def __init__(self, features: int, hidden: int, latent: int) -> None:
        super().__init__()
        self.latent = latent
        self.encoder = nn.Sequential(
            nn.Linear(features, hidden), nn.ReLU(), nn.Linear(hidden, 2 * latent)
        )
        self.decoder = nn.Sequential(
            nn.Linear(latent, hidden), nn.ReLU(), nn.Linear(hidden, features)
        )
        for module in self.modules():
            if isinstance(module, nn.Linear):
                _like_flax(module.weight, module.in_features)
                nn.init.zeros_(module.bias)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        mean, log_var = self.encoder(x).split(self.latent, dim=-1)
        z = mean + torch.exp(0.5 * log_var) * torch.randn_like(mean)
        return self.decoder(z), mean, log_var


class StackedVAE(nn.Module):
    """Several VAEs side by side: weights `[members, in, out]`, x `[members, examples, in]`."""

    def __init__(self, members: int, features: int, hidden: int, latent: int) -> None:
        super().__init__()
        self.latent = latent
        sizes = ((features, hidden), (hidden, 2 * latent), (latent, hidden), (hidden, features))
        self.weights = nn.ParameterList(torch.empty(members, *size) for size in sizes)
        self.biases = nn.ParameterList(torch.zeros(members, 1, size[1]) for size in sizes)
        for weight, size in zip(self.weights, sizes, strict=True):
            _like_flax(weight, size[0])

    def layer(self, place: int, x: torch.Tensor) -> torch.Tensor:
        return torch.baddbmm(self.biases[place], x, self.weights[place])

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        code = self.layer(1, torch.relu(self.layer(0, x)))
        mean, log_var = code.split(self.latent, dim=-1)
        z = mean + torch.exp(0.5 * log_var) * torch.randn_like(mean)
        return self.layer(3, torch.relu(self.layer(2, z))), mean, log_var


def _like_flax(weight: torch.Tensor, n_inputs: int) -> None:
    """Flax's default: a normal cut at two deviations, of variance 1 / inputs after the cut."""
    deviation = n_inputs**-0.5 / 0.87962566103423978
    nn.init.trunc_normal_(weight, std=deviation, a=-2 * deviation, b=2 * deviation)


def negative_elbo(
    model: nn.Module, x: torch.Tensor, beta: float | torch.Tensor = 1.0
) -> torch.Tensor:
    """Nats of each example, `[..., examples]`."""
    decoded, mean, log_var = model(x)
    reconstruction = ((x - decoded) ** 2).sum(dim=-1)
    kl = 0.5 * (torch.exp(log_var) + mean**2 - 1 - log_var).sum(dim=-1)
    return reconstruction + beta * kl


def fit_with_loader(
    train: np.ndarray,
    heldout: np.ndarray,
    beta: float,
    seed: int,
    epochs: int,
    device: str = "cpu",
) -> float:
    """What people write: a DataLoader and a step at a time. Returns the last held-out loss."""
    torch.manual_seed(seed)
    model = VAE(train.shape[1], HIDDEN, LATENT).to(device)
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-3)
    loader = DataLoader(TensorDataset(torch.as_tensor(train)), batch_size=BATCH, shuffle=True)
    unseen = torch.as_tensor(heldout, device=device)
    for _ in range(epochs):
        total = 0.0
        for (batch,) in loader:
            x = batch.to(device)
            optimiser.zero_grad()
            loss = negative_elbo(model, x, beta).mean()
            loss.backward()
            optimiser.step()
            total += loss.item() * len(x)
        with torch.no_grad():
            last = negative_elbo(model, unseen, beta).mean().item()
    return last


def fit_in_memory(
    train: np.ndarray,
    heldout: np.ndarray,
    beta: float,
    seed: int,
    epochs: int,
    device: str = "cpu",
) -> float:
    """No loader, data on the device, no waiting for a loss, Adam in one fused kernel."""
    torch.manual_seed(seed)
    model = VAE(train.shape[1], HIDDEN, LATENT).to(device)
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)
    seen, unseen = (torch.as_tensor(part, device=device) for part in (train, heldout))
    for _ in range(epochs):
        total = torch.zeros((), device=device)
        for index in torch.randperm(len(seen), device=device).split(BATCH):
            x = seen[index]
            optimiser.zero_grad()
            loss = negative_elbo(model, x, beta).mean()
            loss.backward()
            optimiser.step()
            total += loss.detach() * len(x)
        with torch.no_grad():
            last = negative_elbo(model, unseen, beta).mean()
    return last.item()


def stacked_training(
    train: np.ndarray, heldout: np.ndarray, betas: Sequence[float], seed: int, device: str
) -> Callable[[int], list[float]]:
    """PyTorch at its best on a card: weights stacked, an epoch captured as one CUDA graph.

    Args:
        train: float32 `[examples, features]`.
        heldout: the same, of examples held out.
        betas: a VAE for each.
        seed: of all of them.
        device: where to train; only a CUDA device captures.

    Returns:
        `fit(epochs)`, which trains on from where it stopped, and returns the held-out losses. The
        two epochs before capturing are trained here.
    """
    torch.manual_seed(seed)
    n, members = len(train), len(betas)
    model = StackedVAE(members, train.shape[1], HIDDEN, LATENT).to(device)
    on_card = device.startswith("cuda")
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True, capturable=on_card)
    seen, unseen = (torch.as_tensor(part, device=device) for part in (train, heldout))
    beta = torch.tensor(betas, device=device)[:, None]
    n_steps = -(-n // BATCH)
    # The last batch is filled with examples of weight 0.
    order = torch.zeros(members, n_steps * BATCH, dtype=torch.long, device=device)
    weight = (torch.arange(n_steps * BATCH, device=device) < n).float()
    last = torch.zeros(members, device=device)

    def shuffle() -> None:
        order[:, :n] = torch.rand(members, n, device=device).argsort(dim=1)

    def epoch() -> None:
        for index, used in zip(order.split(BATCH, dim=1), weight.split(BATCH), strict=True):
            optimiser.zero_grad(set_to_none=True)
            losses = used * negative_elbo(model, seen[index], beta)
            (losses.sum() / used.sum()).backward()
            optimiser.step()
        with torch.no_grad():
            own = unseen.expand(members, *unseen.shape)
            last.copy_(negative_elbo(model, own, beta).mean(dim=1))

    run = Captured(shuffle, epoch) if on_card else epoch

    def fit(epochs: int) -> list[float]:
        for _ in range(epochs):
            shuffle()
            run()
        return last.tolist()

    return fit


class Captured:
    """A piece of work as a CUDA graph, after two times on a side stream, as PyTorch wants it."""

    def __init__(self, before: Callable[[], None], work: Callable[[], None]) -> None:
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(2):
                before()
                work()
        torch.cuda.current_stream().wait_stream(side)
        self._graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self._graph):
            work()
        # The graph has the addresses of its tensors, but only the work keeps them.
        self._work = work

    def __call__(self) -> None:
        self._graph.replay()


def use_tf32() -> None:
    """Multiplies matrices on a card as JAX does by default."""
    torch.set_float32_matmul_precision("high")


def timed(fit: Callable[..., float], threads: int, *arguments: object) -> tuple[float, float]:
    """Seconds and the last held-out loss of a training on a number of threads."""
    torch.set_num_threads(threads)
    start = time.perf_counter()
    loss = fit(*arguments)
    return time.perf_counter() - start, loss
