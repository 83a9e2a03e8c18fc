"""Small pieces of HTML that several sections of the page are made of."""

from collections.abc import Mapping
from html import escape


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
