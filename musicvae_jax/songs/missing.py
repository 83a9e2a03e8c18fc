"""Values that say that there is none."""

# How programs write that.
MISSING = ("", "nan", "NaN", "NAN", "NA", "N/A", "n/a", "#N/A", "null", "NULL", "None")
# What players and shops call what they do not know, in any case.
_UNKNOWN = ("unknown", "<unknown>", "unknown artist")
# A title may be any of these.
_COLUMNS = ("lyrics", "genre", "language", "artist_id", "artist_name")


def is_missing(column: str, text: str) -> bool:
    """Whether a label or lyrics are no more than a word for there being none.

    Args:
        column: of the song table; False for any but lyrics, genre, language and artist.
        text: its value.

    Example:
        >>> is_missing("genre", "N/A"), is_missing("artist_name", "<unknown>")
        (True, True)
        >>> is_missing("title", "Unknown")
        False
    """
    return column in _COLUMNS and (text.strip() in MISSING or text.strip().lower() in _UNKNOWN)
