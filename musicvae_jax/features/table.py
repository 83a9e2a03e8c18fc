"""The features of songs that come as numbers instead of mel spectrograms."""

from typing import Final

from musicvae_jax.config import BLOCKS, FeatureConfig
from musicvae_jax.errors import InputError
from musicvae_jax.songs import Songs

TABLE: Final = "table"


def check_blocks(songs: Songs, config: FeatureConfig) -> None:
    """Raises `InputError` if the songs do not have what the blocks are computed from."""
    with_mels = [name for name, traits in BLOCKS.items() if traits.needs_mels]
    if songs.has_mels and not set(config.blocks) <= set(with_mels):
        raise InputError(
            f"features.blocks: got {', '.join(config.blocks)}, expected some of "
            f"{', '.join(with_mels)}: {songs.path} has mel spectrograms and is no table of features"
        )
    if not songs.has_mels and config.blocks != (TABLE,):
        raise InputError(
            f"features.blocks: got {', '.join(config.blocks)}, expected {TABLE}: {songs.path} is a "
            "table of features, without mel spectrograms"
        )
