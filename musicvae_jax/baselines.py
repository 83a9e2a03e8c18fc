"""What a learned representation has to beat: linear latents on the same features and songs."""

import numpy as np


def pca_latents(x: np.ndarray, train: np.ndarray, n_components: int) -> np.ndarray:
    """Principal components fitted on the training songs, for all songs.

    Args:
        x: standardised features, `[songs, features]`.
        train: indices of the training songs.
        n_components: dimensions wanted; fewer come back if songs or features are fewer.

    Returns:
        float32 `[songs, components]`.
    """
    from sklearn.decomposition import PCA

    n_components = min(n_components, len(train), x.shape[1])
    # The full decomposition needs no random start, so PCA is the same for every seed.
    fitted = PCA(n_components, svd_solver="full").fit(x[train])
    return fitted.transform(x).astype(np.float32)
