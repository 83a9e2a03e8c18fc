"""Collects the numbers of a table, and finds out which of its columns hold any."""

import re
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from musicvae_jax.config.songs import DROP
from musicvae_jax.errors import InputError
from musicvae_jax.songs.feature_table.files import is_number
from musicvae_jax.songs.missing import MISSING
from musicvae_jax.songs.table import Features

# A column with a smaller share of numbers is text.
_LEAST_SHARE = 0.9
_DECIMAL_COMMA = re.compile(r"\s*[+-]?\d*,\d+(e[+-]?\d+)?\s*", re.IGNORECASE)


class Numbers:
    """The numbers of some columns, as the rows arrive; memory for one copy of them.

    Args:
        path: the table, for errors.
        names: the columns, of numbers or text.
    """

    def __init__(self, path: Path, names: Sequence[str]) -> None:
        self._path = path
        self._names = tuple(names)
        self._chunks: deque[np.ndarray] = deque()
        self._n_rows = 0
        self._n_numbers = np.zeros(len(names), np.int64)
        self._n_texts = np.zeros(len(names), np.int64)
        # Column to the first row with text, and that text.
        self._first_text: dict[str, tuple[int, str]] = {}

    def add(self, batch: pa.RecordBatch) -> None:
        """Adds the next rows."""
        chunk = np.empty((len(batch), len(self._names)), np.float32)
        for place, name in enumerate(self._names):
            cells = batch[name]
            values, is_text = _numbers(cells)
            # Numbers beyond float32 become infinite, which is found later.
            with np.errstate(over="ignore"):
                chunk[:, place] = values
            self._n_numbers[place] += np.count_nonzero(~np.isnan(values))
            self._n_texts[place] += np.count_nonzero(is_text)
            if is_text.any() and name not in self._first_text:
                row = int(np.argmax(is_text))
                self._first_text[name] = self._n_rows + row, cells[row].as_py()
        self._chunks.append(chunk)
        self._n_rows += len(batch)

    def features(self) -> tuple[Features, Mapping[str, str]]:
        """The columns of numbers, and why each other column is none. Empties the collection.

        Raises:
            InputError: a column of numbers has a cell of text.
        """
        left_out = self._left_out()
        kept = [place for place, name in enumerate(self._names) if name not in left_out]
        self._check_no_text([self._names[place] for place in kept])
        values = np.empty((self._n_rows, len(kept)), np.float32)
        first = 0
        while self._chunks:
            chunk = self._chunks.popleft()
            values[first : first + len(chunk)] = chunk[:, kept]
            first += len(chunk)
        return Features(values, tuple(self._names[place] for place in kept)), left_out

    def _left_out(self) -> dict[str, str]:
        found = {}
        for name, n_numbers, n_texts in zip(
            self._names, self._n_numbers, self._n_texts, strict=True
        ):
            if n_numbers + n_texts == 0:
                found[name] = "empty"
            elif n_numbers < _LEAST_SHARE * (n_numbers + n_texts):
                found[name] = self._kind_of_text(name)
        return found

    def _kind_of_text(self, name: str) -> str:
        _, text = self._first_text[name]
        if _DECIMAL_COMMA.fullmatch(text):
            return "decimal commas, not points"
        return "text"

    def _check_no_text(self, names: Sequence[str]) -> None:
        for name in names:
            if name in self._first_text:
                row, text = self._first_text[name]
                n_texts = self._n_texts[self._names.index(name)]
                more = f" (and {n_texts - 1} more)" if n_texts > 1 else ""
                raise InputError(
                    f"{self._path}: row {row}: column {name!r} is {text[:40]!r}, expected a "
                    f"number{more}; --data.columns {DROP}={name} leaves the column out"
                )


def _numbers(cells: pa.Array) -> tuple[np.ndarray, np.ndarray]:
    """Numbers, float64 with NaN for all other cells, and which cells are text."""
    no_text = np.zeros(len(cells), bool)
    if is_number(cells.type):
        return _floats(cells), no_text
    cells = cells.cast(pa.string())
    try:
        return _floats(cells), no_text
    except pa.ArrowInvalid:
        # Some cell is no number: slower, but it does not stop there.
        texts = cells.to_pandas().astype(object).str.strip()
        texts = texts.where(~texts.isin(MISSING), None)
        values = pd.to_numeric(texts, errors="coerce").to_numpy(float)
        return values, np.isnan(values) & texts.notna().to_numpy()


def _floats(cells: pa.Array) -> np.ndarray:
    return pc.cast(cells, pa.float64(), safe=False).to_numpy(zero_copy_only=False)
