"""What is found in a folder of songs, besides songs, and cannot be used."""

from pathlib import Path
from typing import NamedTuple


class Unusable(NamedTuple):
    """Something that cannot be used.

    Attributes:
        file: where it is.
        reason: in words.
        row: in the file, from 0; 0 also where it is all of the file.
    """

    file: Path
    reason: str
    row: int = 0
