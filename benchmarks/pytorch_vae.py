"""The same VAE and training in PyTorch, written for `train_speed.py`.

Same layers, initialisation, loss, batches of 32 and Adam; the held-out loss after every epoch. Its
random numbers are its own.
"""

import time

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


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
                _like_flax(module)

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        mean, log_var = self.encoder(x).split(self.latent, dim=-1)
        z = mean + torch.exp(0.5 * log_var) * torch.randn_like(mean)
        return self.decoder(z), mean, log_var


def _like_flax(layer: nn.Linear) -> None:
    """Flax's default: a normal cut at two deviations, of variance 1 / inputs after the cut."""
    deviation = layer.in_features**-0.5 / 0.87962566103423978
    nn.init.trunc_normal_(layer.weight, std=deviation, a=-2 * deviation, b=2 * deviation)
    nn.init.zeros_(layer.bias)


def negative_elbo(model: VAE, x: torch.Tensor, beta: float) -> torch.Tensor:
    decoded, mean, log_var = model(x)
    reconstruction = ((x - decoded) ** 2).sum(dim=-1)
    kl = 0.5 * (torch.exp(log_var) + mean**2 - 1 - log_var).sum(dim=-1)
    return (reconstruction + beta * kl).mean()


def fit_with_loader(train, heldout, beta: float, seed: int, epochs: int) -> float:
    """What people write: a DataLoader and a step at a time. Returns the last held-out loss."""
    torch.manual_seed(seed)
    model = VAE(train.shape[1], 256, 32)
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-3)
    loader = DataLoader(TensorDataset(torch.as_tensor(train)), batch_size=32, shuffle=True)
    heldout = torch.as_tensor(heldout)
    for _ in range(epochs):
        total = 0.0
        for (x,) in loader:
            optimiser.zero_grad()
            loss = negative_elbo(model, x, beta)
            loss.backward()
            optimiser.step()
            total += loss.item() * len(x)
        with torch.no_grad():
            last = negative_elbo(model, heldout, beta).item()
    return last


def fit_in_memory(train, heldout, beta: float, seed: int, epochs: int) -> float:
    """PyTorch at its best here: no loader, no waiting for a loss, Adam in one fused kernel."""
    torch.manual_seed(seed)
    model = VAE(train.shape[1], 256, 32)
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)
    train, heldout = torch.as_tensor(train), torch.as_tensor(heldout)
    for _ in range(epochs):
        total = torch.zeros(())
        for index in torch.randperm(len(train)).split(32):
            x = train[index]
            optimiser.zero_grad()
            loss = negative_elbo(model, x, beta)
            loss.backward()
            optimiser.step()
            total += loss.detach() * len(x)
        with torch.no_grad():
            last = negative_elbo(model, heldout, beta)
    return last.item()


def timed(fit, threads: int, *arguments) -> tuple[float, float]:
    """Seconds and the last held-out loss of a training on a number of threads."""
    torch.set_num_threads(threads)
    start = time.perf_counter()
    loss = fit(*arguments)
    return time.perf_counter() - start, loss
