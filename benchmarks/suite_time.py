"""Where a suite's time goes, stage by stage, from the manifests that its runs leave.

With a second results folder, of another version on the same machine, both are shown. A stage or an
experiment that a folder lacks is "-" there; the last row adds up the experiments of every folder.
usage: python benchmarks/suite_time.py RESULTS_DIR [OTHER_RESULTS_DIR]
"""

import json
import sys
from pathlib import Path

STAGES = (
    *("features", "training", "posteriors", "clustering", "evidence", "comparisons"),
    *("stability", "factors", "projections", "writing", "figures"),
)


def read(folder: Path) -> dict[str, dict[str, float]]:
    """Seconds of each stage, by experiment, in the order the runs ended."""
    found = [json.loads(path.read_text()) for path in folder.glob("*/manifest.json")]
    found.sort(key=lambda about: about["finished_utc"])
    return {about["experiment"]: about["seconds"] for about in found}


def stages_of(runs: list[dict[str, dict[str, float]]]) -> list[str]:
    """The stages of all runs: first those known here, then those of other versions."""
    taken = dict.fromkeys(stage for run in runs for seconds in run.values() for stage in seconds)
    return sorted(taken, key=lambda stage: STAGES.index(stage) if stage in STAGES else len(STAGES))


def main(folders: list[Path]) -> None:
    runs = [read(folder) for folder in folders]
    stages = stages_of(runs)
    print(f"| seconds | {' | '.join(stages)} | all |\n|---|{'---|' * (len(stages) + 1)}")
    for name in dict.fromkeys(name for run in runs for name in run):
        print(row(name, stages, [run.get(name, {}) for run in runs]))
    shared = [name for name in runs[0] if all(name in run for run in runs)]
    totals = [total([run[name] for name in shared]) for run in runs]
    print(row("all", stages, totals))
    seconds = {stage: [found.get(stage, 0) for found in totals] for stage in stages}
    everything = [sum(found.values()) for found in totals]
    folders_read = [str(folder) for folder in folders]
    print(json.dumps({"folders": folders_read, "seconds": seconds, "all": everything}))


def total(runs: list[dict[str, float]]) -> dict[str, float]:
    """Seconds of each stage over several experiments."""
    stages = dict.fromkeys(stage for run in runs for stage in run)
    return {stage: sum(run.get(stage, 0) for run in runs) for stage in stages}


def row(name: str, stages: list[str], runs: list[dict[str, float]]) -> str:
    """One experiment: the seconds of each folder's run, stage by stage and in all."""
    cells = [[run.get(stage) for run in runs] for stage in stages]
    cells.append([sum(run.values()) if run else None for run in runs])
    texts = (" / ".join("-" if v is None else f"{v:.1f}" for v in cell) for cell in cells)
    return f"| {name} | {' | '.join(texts)} |"


if __name__ == "__main__":
    main([Path(argument) for argument in sys.argv[1:]])
