"""Tables, figures and the page of finished runs. Computes nothing but means over seeds."""

from musicvae_jax.reporting.answers import answers
from musicvae_jax.reporting.curves import (
    cluster_selection,
    selection_overview,
    training_curves,
    training_overview,
)
from musicvae_jax.reporting.dimensions import posterior_dimensions
from musicvae_jax.reporting.factor_curves import disentanglement_curves
from musicvae_jax.reporting.finding import finding
from musicvae_jax.reporting.groups import cluster_distributions
from musicvae_jax.reporting.overview import comprehensive_results
from musicvae_jax.reporting.report import Contents, Maps, cards_html, page
from musicvae_jax.reporting.scatter import projection, projection_grid
from musicvae_jax.reporting.score_table import score_table
from musicvae_jax.reporting.spectra import cluster_spectra
from musicvae_jax.reporting.spectrograms import latent_interpolation, reconstruction_examples
from musicvae_jax.reporting.suite_table import SuiteTables, distinct, rows_of, suite_table
from musicvae_jax.reporting.summary import summary
from musicvae_jax.reporting.tradeoff import language_tradeoff

__all__ = [
    "Contents",
    "Maps",
    "SuiteTables",
    "answers",
    "cards_html",
    "cluster_distributions",
    "cluster_selection",
    "cluster_spectra",
    "comprehensive_results",
    "disentanglement_curves",
    "distinct",
    "finding",
    "language_tradeoff",
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
    "summary",
    "training_curves",
    "training_overview",
]
