"""Tabs of a browser with a map: what people do there, and what they see."""

from typing import NamedTuple

import numpy as np

WIDE = {"width": 1200, "height": 800}


class Opened(NamedTuple):
    """A map in a tab, and what went on while it was open."""

    tab: object
    requests: list
    errors: list


def place(tab, dot):
    """Where a dot is in the window."""
    return tab.evaluate(
        """(dot) => {
            const chart = document.getElementById("chart");
            const { xaxis, yaxis } = chart._fullLayout;
            const box = chart.getBoundingClientRect();
            const [x, y] = ["x", "y"].map((name) => chart._fullData[0][name][dot]);
            const [left, top] = [box.left + xaxis._offset, box.top + yaxis._offset];
            return [left + xaxis.l2p(x), top + yaxis.l2p(y)];
        }""",
        dot,
    )


def point_at(tab, dot):
    """Moves the mouse to a dot, and waits until the page says whose it is."""
    title = tab.evaluate("JSON.parse(document.getElementById('data').textContent).titles")[dot]
    tab.mouse.move(*place(tab, dot))
    tab.wait_for_function(
        """(title) => {
            const tip = document.getElementById("tip");
            return !tip.hidden && tip.firstChild.textContent === title;
        }""",
        arg=title,
    )


def click(tab, dot):
    """Clicks a dot, as people do: with the mouse on it, and again where a busy browser lost it."""
    for _ in range(5):
        point_at(tab, dot)
        tab.evaluate(
            """() => {
                window.isClicked = false;
                const chart = document.getElementById("chart");
                chart.once("plotly_click", () => { window.isClicked = true; });
            }"""
        )
        tab.mouse.down()
        tab.mouse.up()
        # The ring is drawn in the same task; what Plotly finishes later ends a hover.
        tab.evaluate("new Promise((done) => requestAnimationFrame(() => setTimeout(done, 100)))")
        if tab.evaluate("window.isClicked"):
            return
        tab.mouse.move(0, 0)
    raise AssertionError(f"no click on dot {dot} reached the chart")


def trace(tab, what):
    """A property of the drawn dots."""
    return tab.evaluate(f"Array.from(document.getElementById('chart').data[0].{what} ?? [])")


def listed(tab, where="#found"):
    """Titles of a list of songs."""
    buttons = tab.locator(f"{where} button")
    return [
        text.split("\n")[0]
        for text in buttons.evaluate_all("all => all.map(b => b.firstChild.textContent)")
    ]


def apart(n_songs=12):
    """Points far apart on a circle, so that every dot can be hit; song 0 is on the right."""
    angle = 2 * np.pi * np.arange(n_songs) / n_songs
    return np.stack([np.cos(angle), np.sin(angle), np.cos(2 * angle), np.sin(3 * angle)], axis=1)
