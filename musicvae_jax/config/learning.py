"""The model that turns features into latents, and how it is trained."""

import dataclasses
import math
from typing import Literal, NamedTuple, get_args

from musicvae_jax.config.checks import require, require_one_of
from musicvae_jax.config.field_types import conform
from musicvae_jax.config.traits import MODELS, ModelKind, ModelTraits

Architecture = Literal["auto", "patch", "conv"]
Condition = Literal["none", "genre", "language"]
Likelihood = Literal["squared_error", "gaussian"]
KLWarmup = Literal["none", "linear", "cyclical"]


@dataclasses.dataclass(frozen=True)
class ModelConfig:
    """The model that turns features into latents."""

    kind: ModelKind = "vae"
    """vae: Gaussian posterior; ae: deterministic encoder, no KL; conv_vae: VAE of mel crops; mvae,
    mopoe, mvtcae: multimodal VAEs, one encoder for audio and one for each block of text; vade: VAE
    with a mixture of Gaussians as prior; pca: principal components, no training; whitened_pca:
    these scaled to variance 1; raw: the standardised features themselves."""
    architecture: Architecture = "auto"
    """Layers of a conv_vae: patch (space-to-depth and dense) or conv (ordinary strided
    convolutions, very slow on a CPU); auto is conv on accelerators, patch on a CPU."""
    hidden: tuple[int, ...] = (256,)
    """Widths of the encoder's hidden layers, reversed in the decoder; each at least 1."""
    latent: int = 32
    """Number of latent dimensions (components, for pca); at least 1."""
    components: int = 10
    """Gaussians in the prior of a vade, one for each expected cluster; at least 1."""
    condition: Condition = "none"
    """Label given to encoder and decoder as a one-hot vector (conditional VAE)."""
    decoded: bool = False
    """Cluster the features decoded from the posterior means, too: they keep the input's geometry,
    where latents have that of the prior."""

    def __post_init__(self) -> None:
        conform(self, "model")
        require_one_of("model.kind", self.kind, get_args(ModelKind))
        require_one_of("model.architecture", self.architecture, get_args(Architecture))
        require_one_of("model.condition", self.condition, get_args(Condition))
        require(
            len(self.hidden) > 0 and min(self.hidden) >= 1,
            "model.hidden",
            self.hidden,
            "one or more widths of at least 1",
        )
        require(self.components >= 1, "model.components", self.components, "at least 1")
        require(self.latent >= 1, "model.latent", self.latent, "at least 1")
        require(
            self.traits.conditional or self.condition == "none",
            "model.condition",
            self.condition,
            f"'none' for model.kind {self.kind!r}",
        )
        require(
            not self.decoded or (self.traits.trained and self.traits.reads != "crops"),
            "model.decoded",
            self.decoded,
            f"False for model.kind {self.kind!r}, which decodes no features",
        )

    @property
    def traits(self) -> ModelTraits:
        """What a model of this kind can do."""
        return MODELS[self.kind]


@dataclasses.dataclass(frozen=True)
class TrainConfig:
    """How models are trained: Adam on the beta-weighted negative ELBO."""

    epochs: int = 100
    """Passes over the training songs; at least 1."""
    pretrain_epochs: int = 50
    """Epochs of the autoencoder that a vade starts from; at least 1."""
    batch_size: int = 32
    """Songs per gradient step; at least 1."""
    learning_rate: tuple[float, ...] = (1e-3,)
    """Adam's learning rates, one model for each; above 0, none twice."""
    decay_share: float = 0.0
    """Share of the training, at its end, in which the learning rate falls to 0, epoch by epoch; at
    least 0 and at most 1."""
    beta: tuple[float, ...] = (1.0,)
    """Weights of the KL term, one model for each; at least 0, none twice (Higgins et al., beta-VAE,
    2017); 0 for an ae."""
    reconstruction: Likelihood = "squared_error"
    """squared_error: sum of squares, a Gaussian of variance 1/2 without its constant;
    gaussian: negative log-likelihood under unit variance, constant included."""
    kl_warmup: KLWarmup = "none"
    """Against posterior collapse, raise beta from 0, epoch by epoch: once (linear; Bowman et al.,
    2016) or repeatedly (cyclical; Fu et al., 2019). The ELBO in the history uses the full beta."""
    warmup_share: float = 0.5
    """Share of the training, or of each cycle, in which beta rises; above 0 and at most 1."""
    warmup_cycles: int = 4
    """Cycles of a cyclical warm-up; at least 1, and each at least 2 epochs long."""
    free_bits: float = 0.0
    """Nats, at least 0: a latent dimension whose mean KL over a batch is lower is not pulled
    towards the prior (Kingma et al., 2016). The history records the plain KL."""

    @property
    def is_plain(self) -> bool:
        """Whether training always minimises the loss that its history records."""
        return self.kl_warmup == "none" and self.free_bits == 0

    def __post_init__(self) -> None:
        conform(self, "train")
        require(self.epochs >= 1, "train.epochs", self.epochs, "at least 1")
        require(
            self.pretrain_epochs >= 1, "train.pretrain_epochs", self.pretrain_epochs, "at least 1"
        )
        require(self.batch_size >= 1, "train.batch_size", self.batch_size, "at least 1")
        require(
            len(self.learning_rate) > 0
            and all(0 < rate < math.inf for rate in self.learning_rate)
            and len(set(self.learning_rate)) == len(self.learning_rate),
            "train.learning_rate",
            self.learning_rate,
            "one or more different finite numbers above 0",
        )
        require(
            0 <= self.decay_share <= 1,
            "train.decay_share",
            self.decay_share,
            "a share of at least 0 and at most 1",
        )
        require(
            len(self.beta) > 0
            and all(0 <= beta < math.inf for beta in self.beta)
            and len(set(self.beta)) == len(self.beta),
            "train.beta",
            self.beta,
            "one or more different finite numbers >= 0",
        )
        require_one_of("train.reconstruction", self.reconstruction, get_args(Likelihood))
        require_one_of("train.kl_warmup", self.kl_warmup, get_args(KLWarmup))
        require(
            0 < self.warmup_share <= 1,
            "train.warmup_share",
            self.warmup_share,
            "a share above 0 and at most 1",
        )
        require(
            self.warmup_cycles >= 1
            and (self.kl_warmup != "cyclical" or 2 * self.warmup_cycles <= self.epochs),
            "train.warmup_cycles",
            self.warmup_cycles,
            f"at least 1 and at most half of train.epochs, which is {self.epochs}",
        )
        require(
            0 <= self.free_bits < math.inf,
            "train.free_bits",
            self.free_bits,
            "a finite number >= 0, in nats",
        )


class Member(NamedTuple):
    """The settings that distinguish one model of a sweep from another."""

    beta: float
    learning_rate: float
    seed: int

    def __str__(self) -> str:
        return f"beta {self.beta:g}, learning rate {self.learning_rate:g}, seed {self.seed}"
