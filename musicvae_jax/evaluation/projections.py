"""Points in two dimensions, for looking at; distances in them are not evidence."""

import numpy as np
from threadpoolctl import threadpool_limits

from musicvae_jax.clustering import manifold

# Below this t-SNE has no valid perplexity and UMAP no neighbourhood worth the name.
MIN_SONGS = 8
# The defaults of umap-learn.
_NEIGHBOURS, _MIN_DIST = 15, 0.1


def tsne(x: np.ndarray, seed: int) -> np.ndarray:
    """t-SNE coordinates `[songs, 2]` of points `[songs, dimensions]`, at least MIN_SONGS songs.

    References:
        van der Maaten and Hinton, Visualizing Data using t-SNE, 2008.
    """
    from sklearn.manifold import TSNE

    perplexity = min(30.0, (len(x) - 1) / 3)
    # One dimension has no two components to start from.
    init = "pca" if x.shape[1] > 1 else "random"
    # Of 695 songs, 500 steps keep as many neighbours as 1,000, in half of the time: trustworthiness
    # is the same within 0.002. Many songs take longer to settle.
    n_steps = 500 if len(x) <= 2000 else 1000
    # One thread: at these sizes several gain little, and lose minutes when another program has
    # the cores that they wait for.
    with threadpool_limits(limits=1):
        tsne = TSNE(perplexity=perplexity, init=init, max_iter=n_steps, random_state=seed)
        return tsne.fit_transform(x)


def umap(x: np.ndarray, seed: int) -> np.ndarray:
    """UMAP coordinates `[songs, 2]` of points `[songs, dimensions]`, at least MIN_SONGS songs.

    References:
        McInnes, Healy and Melville, UMAP, 2018.
    """
    return manifold.umap(x, 2, _NEIGHBOURS, _MIN_DIST, seed)
