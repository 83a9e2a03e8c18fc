"""What reporting asks of an experiment: which comparisons and pictures it belongs to."""

from musicvae_jax.config import BLOCKS, Experiment, Label


def is_trained(experiment: Experiment) -> bool:
    """Whether its model has a history."""
    return experiment.model.traits.trained


def is_vae(experiment: Experiment) -> bool:
    """Whether its latents are those of VAEs of rows of features, with nothing beside them."""
    traits = experiment.model.traits
    return traits.has_kl and traits.reads == "rows" and not experiment.fuse


def is_plain_vae(experiment: Experiment) -> bool:
    """Whether it is one VAE of rows of audio features, with no condition and nothing beside it."""
    return (
        is_vae(experiment)
        and experiment.model.traits.has_normal_prior
        and not experiment.all_text_blocks
        and experiment.model.condition == "none"
        and not sweeps_beta(experiment)
    )


def is_fusion(experiment: Experiment) -> bool:
    """Whether it joins audio and lyrics, in the model or beside its latents."""
    reads_audio = len(experiment.text_blocks) < len(experiment.features.blocks)
    joined = (*experiment.text_blocks, *experiment.fuse)
    return reads_audio and any(BLOCKS[block].is_lyrics for block in joined)


def has_parts(experiment: Experiment) -> bool:
    """Whether it is a fusion with each part as a baseline, on the same songs."""
    return is_fusion(experiment) and experiment.cluster.songs == "complete"


def conditions_on(experiment: Experiment, label: Label) -> bool:
    """Whether its model is given the label with every song."""
    return experiment.model.condition == label


def sweeps_beta(experiment: Experiment) -> bool:
    """Whether it trains models of several weights on the KL term."""
    return len(experiment.train.beta) > 1


def sweeps_learning_rate(experiment: Experiment) -> bool:
    """Whether it trains models of several learning rates."""
    return len(experiment.train.learning_rate) > 1
