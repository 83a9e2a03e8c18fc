"""Tables, figures and the page of finished runs. Computes nothing but means over seeds."""

from musicvae_jax.reporting.answers import answers
from musicvae_jax.reporting.curves import (
    cluster_selection,
    selection_overview,
    training_curves,
    training_overview,
)
from musicvae_jax.reporting.groups import cluster_distributions
from musicvae_jax.reporting.mels import latent_interpolation, reconstruction_examples
from musicvae_jax.reporting.overview import comprehensive_results
from musicvae_jax.reporting.page import page
from musicvae_jax.reporting.posterior import posterior_dimensions
from musicvae_jax.reporting.scatter import projection, projection_grid
from musicvae_jax.reporting.scores import distinct, rows_of, score_table, suite_table

__all__ = [
    "answers",
    "cluster_distributions",
    "cluster_selection",
    "comprehensive_results",
    "distinct",
    "latent_interpolation",
    "page",
    "posterior_dimensions",
    "projection",
    "projection_grid",
    "reconstruction_examples",
    "rows_of",
    "score_table",
    "selection_overview",
    "suite_table",
    "training_curves",
    "training_overview",
]
