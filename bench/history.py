"""What runs measured, one line a run, in a file for each machine; and two runs side by side."""

import json
import re
import subprocess
from pathlib import Path

FOLDER = Path(__file__).parent / "history"


def add(json_path: Path) -> Path:
    """Add the times of a run to the file of its machine."""
    run = json.loads(json_path.read_text())
    line = {
        "commit": commit(),
        "device": run["device"],
        "versions": run["versions"],
        "quick": run["quick"],
        "cases": [
            {"name": case["name"], "results": [kept(result) for result in case["results"] if result["median_s"]]}
            for case in run["cases"]
        ],
    }
    name = re.sub(r"[^A-Za-z0-9]+", "-", f"{run['device']['cpu']} {run['device']['cores']} {run['device']['jax']}")
    path = FOLDER / f"{name.strip('-').lower()}.jsonl"
    path.parent.mkdir(exist_ok=True)
    with path.open("a") as file:
        file.write(json.dumps(line) + "\n")
    return path


def kept(result: dict) -> dict:
    return {key: result[key] for key in ("name", "kind", "median_s", "spread_s", "compile_s", "accuracy")}


def commit() -> str:
    command = ["git", "describe", "--always", "--dirty"]
    done = subprocess.run(command, cwd=FOLDER.parent, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


def load(run: str) -> dict:
    """A run: a file that `python -m bench` wrote, or the last one of a commit in the history."""
    if Path(run).exists():
        return json.loads(Path(run).read_text())
    lines = [json.loads(line) for path in sorted(FOLDER.glob("*.jsonl")) for line in path.read_text().splitlines()]
    of_commit = [line for line in lines if line["commit"].startswith(run)]
    if not of_commit:
        known = ", ".join(sorted({line["commit"] for line in lines})) or "none"
        raise SystemExit(f"no file and no commit of bench/history: {run!r}. Known commits: {known}.")
    return of_commit[-1]


def ratios(before: dict, after: dict) -> list[tuple[str, str, float, float]]:
    """(case, contender, time after / time before, relative spread of that ratio) for all that both runs measured."""
    rows = []
    earlier = {(case["name"], r["name"]): r for case in before["cases"] for r in case["results"] if r["median_s"]}
    for case in after["cases"]:
        for result in case["results"]:
            old = earlier.get((case["name"], result["name"]))
            if old is not None and result["median_s"]:
                spread = sum((r["spread_s"] or 0) / r["median_s"] for r in (old, result))
                rows.append((case["name"], result["name"], result["median_s"] / old["median_s"], spread))
    return rows
