"""What finished runs of a suite leave together: tables, pictures and the page to read."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from musicvae_jax.config import Experiment
from musicvae_jax.config.folder import MAP, REPORT, SCORE_TABLES
from musicvae_jax.reporting.answers import answers
from musicvae_jax.reporting.pictures import PICTURES, draw_picture
from musicvae_jax.reporting.reading import read_cards, read_manifest, read_scores
from musicvae_jax.reporting.report import Contents, Maps, page
from musicvae_jax.reporting.report.figures import smaller
from musicvae_jax.reporting.report.ranking import leader, ranked
from musicvae_jax.reporting.score_table import score_table
from musicvae_jax.reporting.song_map import embedded_map, relative_url, write_suite_map
from musicvae_jax.reporting.suite_table import SuiteTables, distinct, suite_table
from musicvae_jax.reporting.summary import summary
from musicvae_jax.runtime.files import remove_abandoned, replacing, write_csv
from musicvae_jax.runtime.terminal import Terminal
from musicvae_jax.runtime.workers import Workers
from musicvae_jax.songs import LABELS, songs_name

VISUALIZATIONS = "visualizations"
# Experiment to name of a score table to the table.
_Scores = Mapping[str, Mapping[str, pd.DataFrame]]


def draw_overview(
    results_dir: Path,
    finished: Mapping[str, Sequence[Experiment]],
    workers: Workers,
    terminal: Terminal,
) -> None:
    """Writes SUITE_summary.csv, SUITE_task_results.csv, visualizations/, map.html and report.html.

    A picture whose experiments have not run is left out.

    Args:
        results_dir: where to.
        finished: experiments with results, by suite; at least one.
        workers: share the pictures.
        terminal: for tables, progress and notices.
    """
    runs = [one for of_suite in finished.values() for one in of_suite]
    scores = {one.name: read_scores(one.results_dir) for one in runs}
    about = {one.name: read_manifest(one.results_dir) for one in runs}
    data = about[runs[0].name]["data"]
    title = f"{songs_name(Path(data['path']))}, {data['songs']} songs"
    tables = {
        suite: _tables(scores, [one.name for one in of_suite])
        for suite, of_suite in finished.items()
        if of_suite
    }
    for suite, of_suite in tables.items():
        _write_tables(results_dir, suite, of_suite)
        heading = f"{suite} experiments on {title}"
        terminal.show(score_table(distinct(of_suite.summary), heading))
    folder = results_dir / VISUALIZATIONS
    pictures = _draw_pictures(folder, runs, tables, title, data["songs"], workers, terminal)
    folders = {one.name: one.results_dir for one in runs}
    write_suite_map(results_dir, title, folders, runs[0].map.audio, terminal)
    contents = Contents(
        title=f"musicvae_jax on {title}",
        tables=tables,
        alarms={name: of_run["alarms"] for name, of_run in about.items()},
        answers=answers(
            runs,
            *(
                pd.concat(one[name] for one in scores.values())
                for name in ("metrics", "spaces", "comparisons")
            ),
        ),
        maps=_maps(results_dir, tables, folders),
        cards={one.name: read_cards(one.results_dir) for one in runs},
        figures=pictures,
        about_data=_about_data(data),
        about_run=_about_runs(about),
    )
    with replacing(results_dir / REPORT) as aside:
        aside.write_text(page(contents), encoding="utf-8", newline="\n")
    terminal.say(f"map: {results_dir / MAP}")
    terminal.say(f"tables, {len(pictures)} pictures and report.html: {results_dir}")


def _maps(
    results_dir: Path, tables: Mapping[str, SuiteTables], folders: Mapping[str, Path]
) -> Maps:
    """The map of the page, of the experiment that leads and of others that fit, and all links."""
    first = leader(ranked(of_suite.summary for of_suite in tables.values()))["experiments"][0]
    ordered = {first: folders[first], **folders}
    shown = embedded_map("UMAP and t-SNE of the songs", ordered, results_dir)
    single = {
        name: relative_url(str(folder / MAP), results_dir)
        for name, folder in folders.items()
        if (folder / MAP).exists()
    }
    return Maps(shown.document, shown.shown, MAP, single, shown.is_whole)


def _tables(scores: _Scores, names: Sequence[str]) -> SuiteTables:
    of_names = {table: [scores[name][table] for name in names] for table in SCORE_TABLES}
    return SuiteTables(
        summary(**{table: pd.concat(parts) for table, parts in of_names.items()}),
        suite_table(of_names["metrics"]),
    )


def _write_tables(results_dir: Path, suite: str, tables: SuiteTables) -> None:
    by_name = {"summary": tables.summary, "task_results": tables.every_clusterer}
    for name, table in by_name.items():
        write_csv(results_dir / f"{suite}_{name}.csv", table)


def _draw_pictures(
    folder: Path,
    runs: Sequence[Experiment],
    tables: Mapping[str, SuiteTables],
    title: str,
    n_songs: int,
    workers: Workers,
    terminal: Terminal,
) -> dict[str, tuple[bytes, str]]:
    """Draws what the runs allow, and returns small pictures with their captions, by title."""
    folder.mkdir(exist_ok=True)
    remove_abandoned(folder)
    calls = [(name, runs, tables, title, folder) for name in PICTURES]
    with terminal.progress("drawing", len(calls)) as advance:
        for notices in workers.map(draw_picture, calls, n_songs):
            for line in notices:
                terminal.notice(line)
            advance()
    paths = {name: folder / f"{name}.png" for name in PICTURES}
    drawn = {name: path for name, path in paths.items() if path.exists()}
    small = workers.map(smaller, [(path.read_bytes(),) for path in drawn.values()], n_songs)
    return {
        PICTURES[name].title: (webp, PICTURES[name].caption)
        for name, webp in zip(drawn, small, strict=True)
    }


def _about_data(data: Mapping[str, Any]) -> dict[str, object]:
    return {
        "file": Path(data["path"]).name,
        "fingerprint": data["fingerprint"][:16],
        "songs": f"{data['songs']}, {data['rejected']} of {data['rows']} rows rejected",
        "held out of training": f"{data['heldout_songs']} songs, {_held_out_how(data)}",
        "with lyrics": data["with_lyrics"],
        **{f"{name}s": data[f"{name}s"] for name in LABELS},
    }


def _held_out_how(data: Mapping[str, Any]) -> str:
    return "by artists that training lacks" if data["artists"] else "by song, without artists"


def _about_runs(about: Mapping[str, Mapping[str, Any]]) -> dict[str, object]:
    first = next(iter(about.values()))
    runtimes = {run["lyrics"]["runtime"] for run in about.values() if run["lyrics"]}
    seconds = sum(sum(run["seconds"].values()) for run in about.values())
    return {
        "experiments": ", ".join(about),
        "seeds": ", ".join(map(str, first["seeds"])),
        "lyrics runtime": ", ".join(sorted(runtimes)) or "none used",
        "device": f"{first['device']['count']} x {first['device']['kind']}",
        "wall time of the experiments": f"{seconds:.0f} s",
        "code": first["code"]["computing"][:16],
        "versions": ", ".join(f"{name} {number}" for name, number in first["versions"].items()),
    }
