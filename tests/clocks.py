"""A clock for tests of what depends on time."""


class Clock:
    """Stands still until it is set."""

    def __init__(self, now=0.0):
        self.now = now

    def __call__(self):
        return self.now
