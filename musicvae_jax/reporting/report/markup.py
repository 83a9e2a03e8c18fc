"""Small pieces of HTML that several sections of the page are made of."""

from collections.abc import Mapping, Sequence
from html import escape

# Names beyond these are counted.
_MOST_NAMED = 3


def folded(summary: str, body: str) -> str:
    """Something that readers open when they want it.

    Args:
        summary: text of the line that opens it.
        body: HTML.

    Example:
        >>> folded("R&B", "<p>1</p>")
        '<details><summary>R&amp;B</summary><p>1</p></details>'
    """
    return f"<details><summary>{escape(summary)}</summary>{body}</details>"


def definitions(facts: Mapping[str, object]) -> str:
    """Names and values as a list; "" where there are none.

    Example:
        >>> definitions({"songs": 9})
        '<dl><dt>songs</dt><dd>9</dd></dl>'
    """
    items = "".join(
        f"<dt>{escape(str(name))}</dt><dd>{escape(str(value))}</dd>"
        for name, value in facts.items()
    )
    return f"<dl>{items}</dl>" if items else ""


def some(names: Sequence[str]) -> str:
    """Names as text, of many the first few and how many more there are.

    Example:
        >>> some(["a", "b"]), some(["a", "b", "c", "d"]), some(["a", "b", "c", "d", "e"])
        ('a, b', 'a, b, c, d', 'a, b, c and 2 more')
    """
    # "and 1 more" is no shorter than the name.
    if len(names) <= _MOST_NAMED + 1:
        return ", ".join(names)
    return f"{', '.join(names[:_MOST_NAMED])} and {len(names) - _MOST_NAMED} more"
