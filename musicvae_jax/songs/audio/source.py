"""What one source of labels, such as the tags, says about the songs of a folder."""

from pathlib import Path
from typing import Any, NamedTuple

from musicvae_jax.songs.audio.unusable import Unusable

# Columns of the song table to values; a field that the source does not give is absent.
Fields = dict[str, Any]


class Source(NamedTuple):
    """The labels of one source.

    Attributes:
        fields: of each song, in the order of the files.
        read: files that were read besides the songs themselves.
        rejected: what could not be used.
    """

    fields: list[Fields]
    read: list[Path]
    rejected: list[Unusable]
