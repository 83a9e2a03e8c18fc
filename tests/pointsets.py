"""Points whose clusters are known, for tests of clusterers."""

import numpy as np


def blobs(n_blobs, per_blob=12):
    """Points around the corners of a simplex, and which corner each belongs to."""
    rng = np.random.default_rng(0)
    truth = np.repeat(np.arange(n_blobs), per_blob)
    return 8 * np.eye(n_blobs)[truth] + rng.normal(size=(len(truth), n_blobs)), truth
