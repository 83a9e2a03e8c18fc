"""Terms of art: each is a button on the page that opens its explanation of one line."""

import inspect
import re
from collections.abc import Mapping
from html import escape

from musicvae_jax.evaluation import EXTERNAL_METRICS, metrics_with_nulls
from musicvae_jax.evaluation.external import ExternalMetric

_WRITTEN = {
    "1 song per artist": "The genre AMI when each artist counts with one song: without the credit "
    "for recognising artists.",
    "AMI": "Adjusted mutual information: how well clusters match labels, 1 exactly, 0 as well as "
    "shuffled labels.",
    "ARI": "Adjusted Rand index: how often two songs are together in clusters and labels alike, 0 "
    "by chance, 1 exactly.",
    "Calinski-Harabasz": "Spread between clusters over spread within them; higher is tighter, "
    "without an upper end.",
    "Davies-Bouldin": "How much each cluster overlaps its nearest one; lower is better, 0 best.",
    "DBSCAN": "Clusters songs where they are dense, and leaves those in thin places as noise.",
    "K-Means": "Clusters songs around k means in the space of the representation.",
    "KL term": "What a VAE pays for telling songs apart by its latents; beta is the weight on it.",
    "NMI": "Normalised mutual information, from 0 to 1; not adjusted, so many clusters score well "
    "by chance.",
    "PCA": "Principal component analysis: the linear projection that keeps most variance.",
    "against the hardest baseline": "Difference in genre AMI to the baseline of the same run that "
    "is hardest to beat, with a verdict.",
    "artist AMI": "How well clusters match artists: high where artists are recognised.",
    "baseline": "Something simple that a model has to beat: raw features, PCA, or a part of a "
    "fusion alone.",
    "chance": "What the same clusters score on shuffled genres; 95 % of shuffles score less.",
    "exemplar": "One of the songs nearest the mean of its cluster.",
    "genre AMI": "How well clusters match genres, by adjusted mutual information: 1 exactly, 0 as "
    "by chance.",
    "Fowlkes-Mallows": "How often songs that are together in one are together in the other, from 0 "
    "to 1; not adjusted for chance.",
    "in raw features": "Silhouette of the same clusters in the raw features, so that "
    "representations compare.",
    "interval": "Range of the score with any number of such artists, right 95 times in 100; few "
    "artists can lift a score above it.",
    "k": "Number of clusters; a range where seeds chose different numbers.",
    "inertia": "Sum of squared distances of songs to the mean of their cluster; falls as k grows.",
    "language AMI": "How well clusters match languages; a high one says that songs are sorted by "
    "language, not music.",
    "language mixing": "1 where neighbours are of any language, as if shuffled; 0 where they share "
    "one language.",
    "language probe": "How well a linear classifier reads the language of unseen artists from the "
    "points (balanced accuracy).",
    "latent": "A number by which a model describes a song; together they are its latent space.",
    "leak mark": "† the representation was given the label, ‡ it follows from what it was given: "
    "such a score is no finding.",
    "nearest has the genre": "Share of songs whose nearest neighbour has their genre.",
    "negligible": "A difference that is shown, but is less than 0.02 AMI.",
    "noise": "Share of songs that the clusterer leaves in no cluster.",
    "of other artists": "The same with the nearest neighbour by another artist.",
    "p, artists": "Share of shuffles of genres over whole artists that score as high; the largest "
    "of all seeds.",
    "purity": "Share of songs that have their cluster's most frequent genre; grows with k.",
    "posterior": "What a VAE makes of a song: a mean and a spread for each latent dimension.",
    "representation": "What is clustered: features of songs, or what a model made of them.",
    "seed": "Start of the random numbers of a training or clustering; other seeds give other "
    "results.",
    "silhouette": "How much nearer songs are to their own cluster than to the next, from -1 to 1, "
    "in their own space.",
    "spectrum": "How loud the cluster's songs are in each frequency band, against all songs.",
    "supervised reference": "Genre AMI of a linear / a Gaussian support vector machine that "
    "predicts genres of unseen artists.",
    "t-SNE": "A picture of a space that keeps neighbours together; distances in it mean little.",
    "tag": "What an automatic tagger hears more often here than in other songs.",
    "UMAP": "A picture of a space that keeps neighbours together; distances in it mean little.",
    "VAE": "Variational autoencoder: a model that learns to describe songs by a few numbers each.",
    "whitened PCA": "PCA whose components are scaled to the same variance.",
    "word": "A word that is more frequent here than in other songs of the same language.",
}


def of_metrics(metrics: Mapping[str, ExternalMetric]) -> dict[str, str]:
    """Headings of metrics to what these are: the first line of each function's docstring.

    Example:
        >>> from musicvae_jax.evaluation import EXTERNAL_METRICS
        >>> of_metrics({"purity": EXTERNAL_METRICS["purity"]})
        {'purity': "Share of songs that carry their cluster's most frequent label."}
    """
    about = {one.heading: inspect.getdoc(one.of_songs) for one in metrics.values()}
    return {heading: text.splitlines()[0] for heading, text in about.items() if text}


# A term as the page writes it, to what it means. The page shows the metrics that have nulls.
TERMS = of_metrics({name: EXTERNAL_METRICS[name] for name in metrics_with_nulls()}) | _WRITTEN


def _pattern(name: str) -> str:
    """Also where the term begins a sentence."""
    first = f"[{name[0]}{name[0].upper()}]" if name[0].islower() and len(name) > 1 else ""
    return first + re.escape(name[1:] if first else name)


# Longer terms first: "genre AMI" is not "genre" and "AMI". Plurals are the same terms.
_ANY = re.compile(
    r"(?<![\w-])(" + "|".join(sorted(map(_pattern, TERMS), key=len, reverse=True)) + r")s?(?![\w-])"
)


def marked(text: str) -> str:
    """Text as HTML in which every term, where it first occurs, opens its explanation.

    Example:
        >>> marked("1 < 2")
        '1 &lt; 2'
        >>> "popovertarget='term-genre-ami'" in marked("Their genre AMI")
        True
    """
    parts, end, seen = [], 0, set()
    for found in _ANY.finditer(text):
        name = found[1] if found[1] in TERMS else found[1][0].lower() + found[1][1:]
        if name not in seen:
            parts += [escape(text[end : found.start()]), _button(name, found[0])]
            end = found.end()
            seen.add(name)
    return "".join([*parts, escape(text[end:])])


def glossary(page: str) -> str:
    """The explanations that a page's buttons open; a list of them on paper.

    Args:
        page: HTML with terms from `marked`.
    """
    used = [name for name in TERMS if f"popovertarget='{_id(name)}'" in page]
    items = "".join(
        f"<p class='tip' popover id='{_id(name)}'><strong>{escape(name)}</strong> "
        f"{escape(TERMS[name])}</p>"
        for name in sorted(used, key=str.lower)
    )
    return f"<section id='terms' aria-label='Terms'>{items}</section>" if items else ""


def _button(name: str, text: str) -> str:
    about = f"popovertarget='{_id(name)}' title='{escape(TERMS[name], quote=True)}'"
    return f"<button type='button' class='term' {about}>{escape(text)}</button>"


def _id(name: str) -> str:
    return "term-" + re.sub(r"\W+", "-", name.lower())
