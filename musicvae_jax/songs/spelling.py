"""Labels whose spelling differs only in case."""

from collections.abc import Iterator

import pandas as pd


def case_notices(table: pd.DataFrame) -> Iterator[str]:
    """A line for each kind of label that has values which differ only in case.

    They are not made one: "Abba" and "ABBA" may be two artists, which only a person can tell.
    Languages are codes, which have one case, and ids mean what they say.

    Args:
        table: `Songs.table`.

    Example:
        >>> table = pd.DataFrame({"genre": ["Rock", "rock"], "artist_id": None, "artist_name": ""})
        >>> list(case_notices(table))
        ["genre: 'Rock' and 'rock' differ only in case and count as different"]
    """
    named = {"genre": table["genre"], "artist": table["artist_name"][table["artist_id"].isna()]}
    for label, column in named.items():
        values = pd.Series(sorted(column.dropna().unique()), dtype=object)
        groups = [list(group) for _, group in values.groupby(values.str.casefold())]
        alike = [group for group in groups if len(group) > 1]
        if alike:
            more = f" (and {len(alike) - 1} more)" if len(alike) > 1 else ""
            pair = " and ".join(map(repr, alike[0][:2]))
            yield f"{label}: {pair} differ only in case and count as different{more}"
