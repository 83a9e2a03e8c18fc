"""Where a suite's time goes, stage by stage, from the manifests that its runs leave.

With a second results folder, of another version on the same machine, both are shown.
usage: python benchmarks/suite_time.py RESULTS_DIR [OTHER_RESULTS_DIR]
"""

import json
import sys
from pathlib import Path

STAGES = (
    *("features", "training", "posteriors", "clustering", "evidence", "stability", "factors"),
    *("writing", "figures"),
)


def read(folder: Path) -> dict[str, dict[str, float]]:
    """Seconds of each stage, by experiment, in the order the runs ended."""
    found = [json.loads(path.read_text()) for path in folder.glob("*/manifest.json")]
    found.sort(key=lambda about: about["finished_utc"])
    return {about["experiment"]: about["seconds"] for about in found}


def main(folders: list[Path]) -> None:
    runs = [read(folder) for folder in folders]
    totals = {
        stage: [sum(r.get(stage, 0) for r in run.values()) for run in runs] for stage in STAGES
    }
    print(f"| seconds | {' | '.join(STAGES)} | all |\n|---|{'---|' * (len(STAGES) + 1)}")
    for name in runs[0]:
        cells = [[run.get(name, {}).get(stage, 0) for run in runs] for stage in STAGES]
        print(row(name, [*cells, [sum(column) for column in zip(*cells, strict=True)]]))
    everything = [sum(values) for values in zip(*totals.values(), strict=True)]
    print(row("all", [*totals.values(), everything]))
    print(json.dumps({"folders": [str(f) for f in folders], "seconds": totals, "all": everything}))


def row(name: str, cells: list[list[float]]) -> str:
    return (
        f"| {name} | " + " | ".join(" / ".join(f"{v:.1f}" for v in cell) for cell in cells) + " |"
    )


if __name__ == "__main__":
    main([Path(argument) for argument in sys.argv[1:]])
