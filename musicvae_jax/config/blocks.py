"""The feature blocks that can describe a song: audio, tables, lyrics, labels and tags alike.

To add a block, write a file with its function and add a row here. Standard library only: the
functions are imported where they are called.
"""

from collections.abc import Callable
from importlib import import_module
from typing import Any, Final, Literal, NamedTuple, get_args

Block = Literal[
    "statistics",
    "mfcc",
    "rhythm",
    "table",
    "lyrics",
    "lyrics_plain",
    "lyrics_centred",
    "style",
    "tfidf",
    "tfidf_centred",
    "tfidf_32",
    "tfidf_32_centred",
    "genre",
    "tags",
]
Label = Literal["genre", "language", "artist"]


class BlockTraits(NamedTuple):
    """Where a block's numbers come from.

    Attributes:
        column: the column of the song table it is computed from: "melspectrogram", "lyrics",
            "musicnn_tags" or a label, which becomes a one-hot vector; or "features", the numbers
            that songs without mel spectrograms come with.
        function: "package.file.function" in `musicvae_jax`. It maps one song, decibels
            `[128, frames]` or cleaned lyrics, to float32 `[width]`. "" for labels, and for vectors
            of lyrics and tags, which are fitted on training songs, and for numbers that are there.
        width: how many numbers the function returns.
        least_scale: the smallest standard deviation that standardisation divides by, in the unit
            of the numbers: 1 dB, about the smallest audible change of level. 0 for numbers of any
            unit, of which only constant ones are not divided by their standard deviation.
        version: part of the cache key of audio blocks. Raise it whenever the numbers for the same
            input change.
        lyrics: changes to an experiment's `LyricsConfig`, for lyrics vectors.
    """

    column: Literal["melspectrogram", "features", "lyrics", "genre", "musicnn_tags"]
    function: str = ""
    width: int = 0
    least_scale: float = 1.0
    version: int = 1
    lyrics: tuple[tuple[str, Any], ...] = ()

    def load(self) -> Callable[..., Any]:
        """The block's function."""
        return load_function(self.function)

    @property
    def is_audio(self) -> bool:
        """Whether it says how a song sounds, from its mel spectrogram or in a table."""
        return self.column in (_MELS, _NUMBERS)

    @property
    def needs_mels(self) -> bool:
        return self.column == _MELS

    @property
    def is_lyrics(self) -> bool:
        return self.column == "lyrics"

    @property
    def is_tags(self) -> bool:
        return self.column == "musicnn_tags"

    @property
    def noun(self) -> str:
        """What messages call the column: "lyrics", "tags", "genre"."""
        return self.column.removeprefix("musicnn_")

    @property
    def is_text(self) -> bool:
        """Whether it is words about a song, which it may lack: its lyrics or its tags."""
        return self.is_lyrics or self.is_tags

    @property
    def is_label(self) -> bool:
        return self.column in get_args(Label)


_MELS: Final = "melspectrogram"
_NUMBERS: Final = "features"
_LYRICS: Final = "lyrics"
_TFIDF = (("runtime", "tfidf"), ("centred", False))
_CENTRED = ("centred", True)
BLOCKS: dict[Block, BlockTraits] = {
    "statistics": BlockTraits(_MELS, "features.statistics.mel_statistics", 512, version=2),
    "mfcc": BlockTraits(_MELS, "features.mfcc.mfcc_statistics", 60),
    "rhythm": BlockTraits(_MELS, "features.rhythm.rhythm_spectrum", 96),
    "table": BlockTraits(_NUMBERS, least_scale=0.0),
    "lyrics": BlockTraits(_LYRICS),
    "lyrics_plain": BlockTraits(_LYRICS, lyrics=(("centred", False),)),
    "lyrics_centred": BlockTraits(_LYRICS, lyrics=(("centred", True),)),
    "style": BlockTraits(_LYRICS, "lyrics.writing_style.lyrics_style", 10),
    "tfidf": BlockTraits(_LYRICS, lyrics=_TFIDF),
    "tfidf_centred": BlockTraits(_LYRICS, lyrics=(*_TFIDF, _CENTRED)),
    "tfidf_32": BlockTraits(_LYRICS, lyrics=(*_TFIDF, ("components", 32))),
    "tfidf_32_centred": BlockTraits(_LYRICS, lyrics=(*_TFIDF, ("components", 32), _CENTRED)),
    "genre": BlockTraits("genre"),
    "tags": BlockTraits("musicnn_tags"),
}


def load_function(path: str) -> Callable[..., Any]:
    """The function of this package that "package.file.function" names."""
    module, name = path.rsplit(".", 1)
    return getattr(import_module(f"musicvae_jax.{module}"), name)
