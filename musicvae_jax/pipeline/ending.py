"""What a command shows at the end of a run, the most wanted first."""

from collections.abc import Callable, Sequence

from musicvae_jax.config import Experiment
from musicvae_jax.config.folder import MAP
from musicvae_jax.runtime.tasks import duration
from musicvae_jax.runtime.terminal import Terminal


def show_results(
    experiment: Experiment,
    seconds: float,
    terminal: Terminal,
    next_steps: Callable[[int], Sequence[tuple[str, str]]],
) -> None:
    """Prints where the map of a finished run is, what was found, what to try next, and the scores.

    Args:
        experiment: the finished one.
        seconds: how long the run took.
        terminal: prints.
        next_steps: from the number of clusters to commands to try next, each with its purpose.
    """
    from musicvae_jax import reporting
    from musicvae_jax.reporting.reading import read_scores, read_table
    from musicvae_jax.reporting.run_figures import run_title

    scores = read_scores(experiment.results_dir)
    selection = read_table(experiment.results_dir, "cluster_selection")
    metrics, summary = scores["metrics"], reporting.summary(**scores)
    k = int(selection.loc[selection["chosen"], "k"].iloc[0])
    terminal.say(f"map: {experiment.results_dir / MAP}")
    terminal.say(reporting.finding(experiment, metrics, summary, scores["comparisons"], selection))
    terminal.say("try next:")
    steps = next_steps(k)
    width = max(len(command) for command, _ in steps)
    for command, purpose in steps:
        terminal.say(f"  {command:{width}}  # {purpose}")
    title = run_title(experiment.name, experiment.data.source, metrics["n_songs"].max())
    terminal.show(reporting.score_table(summary, title))
    terminal.say(f"results: {experiment.results_dir}")
    terminal.say(f"checkpoint: {experiment.checkpoint_dir}")
    terminal.say(f"took {duration(seconds)}")
