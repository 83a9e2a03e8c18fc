"""Which of several files with the same content is the song."""

from collections.abc import Sequence
from pathlib import Path


def find_originals(
    files: Sequence[Path], digests: Sequence[str], n_labels: Sequence[int]
) -> list[Path]:
    """For each file, the one of those with its content that is kept.

    That is the one with the most labels beside it, since those of the others are lost; of equals
    one that is no link; then the one with the shortest name, since programs that copy a file add to
    its name; then the first.

    Args:
        files: in the order of the table.
        digests: of their contents; "" for a file that cannot be read, which is no copy.
        n_labels: how many fields the files beside each give.

    Example:
        >>> files = [Path("song (1).wav"), Path("song.wav")]
        >>> [path.name for path in find_originals(files, ["same", "same"], [0, 0])]
        ['song.wav', 'song.wav']
    """

    def rank(place: int) -> tuple[int, bool, int]:
        file = files[place]
        return -n_labels[place], file.is_symlink(), len(file.name)

    kept: dict[str, Path] = {}
    for place in sorted(range(len(files)), key=rank):
        kept.setdefault(digests[place], files[place])
    return [kept[digest] for digest in digests]
