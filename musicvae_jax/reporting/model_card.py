"""README.md of a checkpoint, in the form that hubs of models read: what is in it, how good it is,
what it is not for, and how to load it."""

import json
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from musicvae_jax.config import Experiment, to_json
from musicvae_jax.reporting.markdown import code, plain, score_markdown, table
from musicvae_jax.reporting.style import (
    DERIVABLE_MARK,
    LEAK_MARK,
    cell_labels,
    is_label_free,
)
from musicvae_jax.runtime.printable import printable
from musicvae_jax.songs import songs_name

# Where files are, and how the map looks.
_NOT_OF_THE_MODEL = ("name", "seeds", "data.path", "features.cache_dir", "output_dir", "map.")


def model_card(
    experiment: Experiment,
    about: Mapping[str, Any],
    summary: pd.DataFrame,
    found: str,
    checkpoint: Path,
) -> str:
    """The text of a checkpoint's README.md.

    Names that come with the data are escaped, and of an absolute path only the last part is shown.

    Args:
        experiment: of the run.
        about: the run's manifest.
        summary: `reporting.summary` of the run, its main representation first.
        found: the sentence of `finding` on the same rows.
        checkpoint: folder of the checkpoint.

    Returns:
        Markdown after a front matter in YAML, whose `model-index` has no score that is no result.
    """
    front = yaml.safe_dump(
        _front(experiment, about, summary), sort_keys=False, allow_unicode=True, width=1000
    )
    parts = [
        f"---\n{front}---",
        f"# {code(experiment.name)}",
        _what(experiment, about),
        "## Data",
        _data(about),
        "## Settings",
        _settings(experiment),
        "## Scores",
        _scores(experiment, summary, found),
        "## Limits",
        "\n".join(f"- {line}" for line in _limits(experiment, about, summary)),
        "## Use",
        _use(experiment, checkpoint, Path(about["data"]["path"])),
    ]
    return "\n\n".join(parts) + "\n"


def _front(
    experiment: Experiment, about: Mapping[str, Any], summary: pd.DataFrame
) -> dict[str, Any]:
    front: dict[str, Any] = {
        "library_name": "musicvae_jax",
        "tags": ["music", "clustering", "jax", _family(experiment).replace(" ", "-")],
    }
    metrics = list(_metrics(experiment, summary.iloc[0]))
    if metrics:
        name = printable(_songs(about))
        result = {
            "task": {"type": "clustering", "name": "Clustering of songs"},
            "dataset": {"type": name, "name": name},
            "metrics": metrics,
        }
        front["model-index"] = [{"name": printable(experiment.name), "results": [result]}]
    return front


def _metrics(experiment: Experiment, row: pd.Series) -> Iterator[dict[str, Any]]:
    """Those of the main representation that are results. To group songs by language is no merit."""
    seeds = _counted(len(experiment.seeds), "seed")
    how = f"{row['representation']}, K-Means, k = {row['n_clusters']}, mean of {seeds}"
    if row["silhouette_mean"] == row["silhouette_mean"]:
        value = round(float(row["silhouette_mean"]), 3)
        yield {"type": "silhouette", "name": f"Silhouette ({how})", "value": value}
    if is_label_free(row, "genre") and row["ami_genre_mean"] == row["ami_genre_mean"]:
        value = round(float(row["ami_genre_mean"]), 3)
        yield {"type": "ami", "name": f"AMI with genres ({how})", "value": value}


def _what(experiment: Experiment, about: Mapping[str, Any]) -> str:
    model = experiment.model
    given = "" if model.condition == "none" else f", given the {model.condition} of each song"
    lines = [f"{_family(experiment).capitalize()} (`{model.kind}`) of {_reads(experiment)}{given}."]
    if model.traits.trained:
        swept = {"beta": experiment.train.beta, "learning rate": experiment.train.learning_rate}
        of_each = [f"{name} {_listed(values)}" for name, values in swept.items() if len(values) > 1]
        of_each.append(_seeds(experiment))
        lines.append(
            f"It turns a song into {model.latent} latent dimensions. The checkpoint holds "
            f"{_counted(len(experiment.members), 'model')} ({'; '.join(of_each)})."
        )
    if experiment.fuse:
        lines.append(f"Joined to that: {', '.join(map(code, experiment.fuse))}.")
    version = about["versions"]["musicvae_jax"]
    lines.append(f"K-Means groups the songs by it. Made with musicvae_jax {version}.")
    return " ".join(lines)


def _family(experiment: Experiment) -> str:
    traits = experiment.model.traits
    if traits.has_kl:
        return "variational autoencoder"
    if traits.trained:
        return "autoencoder"
    return "principal components" if traits.linear else "features without a model"


def _reads(experiment: Experiment) -> str:
    if experiment.model.traits.reads == "crops":
        return f"mel spectrograms, {experiment.crops.frames} frames at a time"
    return ", ".join(map(code, experiment.features.blocks))


def _data(about: Mapping[str, Any]) -> str:
    data = about["data"]
    counts = [_counted(data[f"{name}s"], name) for name in ("artist", "genre", "language")]
    return (
        f"{code(_songs(about))}: {_counted(data['songs'], 'song')} ({', '.join(counts)}; "
        f"{data['with_lyrics']} with lyrics). {data['training_songs']} trained the model, "
        f"{data['heldout_songs']} were held out, {data['clustered_songs']} are clustered. "
        f"Fingerprint of the songs: `{data['fingerprint']}`. A run does not record their licence, "
        "so none is named."
    )


def _settings(experiment: Experiment) -> str:
    chosen, usual = _flat(to_json(experiment)), _flat(to_json(Experiment(experiment.name)))
    rows = [
        (code(name), _value(value), _value(usual[name]))
        for name, value in chosen.items()
        if value != usual[name] and not name.startswith(_NOT_OF_THE_MODEL)
    ]
    if not rows:
        return f"The defaults with {_seeds(experiment)}; `model.experiment` has all."
    return (
        f"The defaults with {_seeds(experiment)}, except for these; `model.experiment` has all.\n\n"
        + table(("setting", "value", "default"), rows)
    )


def _flat(settings: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Settings under the names of the command line."""
    found: dict[str, Any] = {}
    for name, value in settings.items():
        inner = isinstance(value, Mapping)
        found |= _flat(value, f"{prefix}{name}.") if inner else {f"{prefix}{name}": value}
    return found


def _value(value: Any) -> str:
    if value is None or value == []:
        return "none"
    return code(_listed(map(_named, value)) if isinstance(value, list) else _named(value))


def _named(value: Any) -> str:
    """A path without the folders of this machine; any other value as it is."""
    text = str(value)
    return Path(text).name if Path(text).is_absolute() else text


def _scores(experiment: Experiment, summary: pd.DataFrame, found: str) -> str:
    spread = " ± standard deviation" if len(experiment.seeds) > 1 else ""
    return (
        f"{plain(found)}\n\n"
        f"K-Means on all clustered songs, mean{spread} over "
        f"{_counted(len(experiment.seeds), 'seed')}. AMI compares clusters with labels: 1 if they "
        "are the same, 0 by chance. Its interval is over artists; chance is the 95th percentile of "
        "shuffled labels; the last column is the difference in genre AMI to the best PCA.\n\n"
        + score_markdown(summary)
    )


def _limits(
    experiment: Experiment, about: Mapping[str, Any], summary: pd.DataFrame
) -> Iterator[str]:
    yield from about["alarms"]
    of_marks = {
        LEAK_MARK: ("labels_seen", "the representation was given the label"),
        DERIVABLE_MARK: ("labels_derivable", "the label follows from what it was given"),
    }
    for mark, (column, reason) in of_marks.items():
        if any(summary[column].map(cell_labels)):
            yield f"A score marked {mark} is no result: {reason}."
    yield (
        "The scores are of the songs above, most of which the model was trained on; other songs "
        "may score lower."
    )
    if about["approximated"]:
        yield f"Approximate, for so many songs: {', '.join(about['approximated'])}."
    if experiment.model.condition != "none":
        yield f"It refuses a song whose {experiment.model.condition} no training song has."
    yield (
        "Clusters are of similar songs, not of good ones. Do not use them to decide about people "
        "or rights, or as the truth about a song's genre, language or artist."
    )


def _use(experiment: Experiment, checkpoint: Path, songs: Path) -> str:
    folder = printable(_shown(checkpoint))
    commands = [f"python -m musicvae_jax.assign {shlex.quote(folder)} SONG ..."]
    if experiment.model.traits.trained:
        commands.append(f"python -m musicvae_jax.export {shlex.quote(folder)} --to safetensors")
    return "\n".join(
        (
            "```python",
            "import musicvae_jax as mv",
            "",
            f"model = mv.load({_literal(checkpoint)})  # the folder of this file",
            f"songs = mv.load_songs({_literal(songs)}, model.experiment.data)  # or others",
            "latents = model.encode(songs)",
            'print(mv.assign(model, songs)[["title", "cluster", "nearest_1_title"]])',
            "```",
            "",
            "From the command line:",
            "",
            *(f"    {command}" for command in commands),
        )
    )


def _shown(path: Path) -> str:
    return path.name if path.is_absolute() else path.as_posix()


def _literal(path: Path) -> str:
    """A path in Python."""
    return json.dumps(_shown(path), ensure_ascii=False)


def _songs(about: Mapping[str, Any]) -> str:
    return songs_name(Path(about["data"]["path"]))


def _seeds(experiment: Experiment) -> str:
    return f"seed{'' if len(experiment.seeds) == 1 else 's'} {_listed(experiment.seeds)}"


def _counted(n: int, noun: str) -> str:
    return f"{n:,} {noun}{'' if n == 1 else 's'}"


def _listed(values: Any) -> str:
    return ", ".join(map(str, values))
