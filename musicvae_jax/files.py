"""Files that are either whole or not there."""

import json
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A name to write to, which replaces `path` in one step when the block ends well.

    If the block fails, what it wrote is removed and the old file, if any, stays.

    Args:
        path: the file to make; its folder must exist.

    Raises:
        OSError: the folder cannot be written.
    """
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".partial-") as folder:
        aside = Path(folder) / path.name
        yield aside
        aside.replace(path)


def write_json(path: Path, content: dict) -> None:
    """Writes a JSON file in one step.

    Args:
        path: the file to make; its folder must exist.
        content: what `json.dumps` takes.
    """
    with replacing(path) as aside:
        text = json.dumps(content, indent=2, ensure_ascii=False)
        aside.write_text(text + "\n", encoding="utf-8")


def read_json(path: Path) -> dict | None:
    """The object in a JSON file; None if there is no such file or no such object in it."""
    if not path.is_file():
        return None
    try:
        content = json.loads(path.read_bytes())
    except ValueError:
        return None
    return content if isinstance(content, dict) else None


def remove_empty(folders: Sequence[Path]) -> None:
    """Removes those of the folders, inner ones first, that are there and empty."""
    for folder in folders:
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()
