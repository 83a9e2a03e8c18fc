"""The system's chromium for the tests of pages."""

import os
import shutil

import pytest

# CI sets it where it has a chromium: a skip there would hide that the pages are not tested.
REQUIRED = "MUSICVAE_REQUIRE_CHROMIUM"
_FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--mute-audio"),
]


def launch(playwright):
    """A headless browser, or a skipped test that says what is missing."""
    names = ("chromium", "chromium-browser", "google-chrome")
    path = next(filter(None, map(shutil.which, names)), None)
    if path is None:
        reason = f"no chromium: none of {', '.join(names)} is on the PATH"
        (pytest.fail if os.environ.get(REQUIRED) else pytest.skip)(reason)
    return playwright.chromium.launch(executable_path=path, args=_FLAGS)
