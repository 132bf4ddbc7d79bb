"""The judge on simulated histories, by family: how often is it right, whom does it blame, are its odds honest?

    python -m benchmarks.judge_bench                                   # all families, seeds 0-19, normal size
    python -m benchmarks.judge_bench --dev --seeds 0-2 --jobs 2        # what the judge may be tuned on
    python -m benchmarks.judge_bench --held-out --size small           # what it may not
    python -m benchmarks.judge_bench --families regression,quiet --dump out/   # one JSON per case: verdict and truth

Each world is simulated (benchmarks/worlds), served as GitHub would serve it, collected by the real collector with its
default budget of 1,200 requests, and judged by `diagnose` twice: with the team's question and without one. Collected
folders are kept under `--cache` (by default a temporary folder of this user's), and beside each its exposure table for
as long as analysis/correlate does not change, so that judging again takes only the judge's time. After a change of the
collector, the log reader or the status reader, give `--fresh` to collect anew. `--question asked|none|both` picks the
passes; `--files` says whether the server shows workflow files and releases (two worlds in three do, by default).
"""

from __future__ import annotations

import argparse
import hashlib
import inspect
import json
import os
import pickle
import tempfile
import time
import traceback
from collections import defaultdict
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.retries import saved_by_one_retry
from benchmarks.worlds.families import FAMILIES
from benchmarks.worlds.gather import gather
from benchmarks.worlds.hand_tests import hand_tests
from benchmarks.worlds.score import Score, failed, score
from benchmarks.worlds.world import World, held_out, make_world

Case = tuple[str, int, str]
Result = tuple[list[Score], dict[str, bool], int]


def run_case(
    case: Case, *, cache: Path, fresh: bool = False, question: str = "both", files: bool | None = None,
    dump: Path | None = None,
) -> Result:  # fmt: skip
    """Make, collect and judge one world.

    Returns
    -------
    tuple
        A score per pass, what the hand tests say, and whether the questioned version is guilty (0 or 1).
    """
    from analysis.diagnose import diagnose
    from analysis.scope import Scope
    from analysis.store import Store

    _remember_exposures()
    world = make_world(*case)
    folder, gathered = gather(world, cache, fresh=fresh, files=files)
    scores = []
    for asked in {"both": (True, False), "asked": (True,), "none": (False,)}[question]:
        wanted = world.question if asked else None
        started = time.perf_counter()
        document: dict[str, Any] = {}
        try:
            document = diagnose(
                Store(folder),
                Scope(),
                action=wanted.action if wanted else None,
                old=wanted.old if wanted else None,
                new=wanted.new if wanted else None,
            )
            took = time.perf_counter() - started
            found = score(world, document, asked=asked, seconds=took, requests=gathered.requests)
            found = replace(found, covered=(*found.covered, *_retry(world, document)))
        except Exception as error:
            where = traceback.format_exc(limit=-3).replace("\n", " | ")
            found = failed(world, f"{type(error).__name__}: {error} {where}", asked=asked, requests=gathered.requests)
        scores.append(found)
        if dump is not None:
            _dump(dump, world, folder, document, found)
    guilty = 0
    if world.question is not None:
        name = f"action-version:{world.question.action}@{world.question.new}"
        guilty = int(any(g.is_named_by(name) for g in world.guilty))
    return scores, hand_tests(world), guilty


def _retry(world: World, document: dict[str, Any]) -> list[tuple[str, float, float, float, float, bool]]:
    """The retry counterfactual beside the simulation's own count."""
    told = document.get("counterfactuals", {}).get("retry_once") or {}
    if not told.get("ci"):
        return []
    truth, (low, high) = saved_by_one_retry(world), map(float, told["ci"])
    return [("retry", truth, float(told["avoided"]), low, high, low <= truth <= high)]


def _remember_exposures() -> None:
    """Let `diagnose` take a folder's exposure table from a file beside it while the code that builds it is the same."""
    from analysis.correlate.exposure import exposure
    from analysis.diagnose import document

    digest = hashlib.sha256()
    for path in sorted(Path(inspect.getfile(exposure)).parent.rglob("*")):
        if path.suffix in (".py", ".toml"):
            digest.update(path.read_bytes())

    def remembered(store: Any, scope: Any, engine: str | None = None) -> Any:
        kept = Path(store.data_dir) / f"exposure-{digest.hexdigest()[:12]}.pickle"
        if not kept.exists():
            table = exposure(store, scope, engine)
            part = kept.with_suffix(f".{os.getpid()}")
            part.write_bytes(pickle.dumps(replace(table, connection=None)))
            part.replace(kept)
        return pickle.loads(kept.read_bytes())

    vars(document)["exposure"] = remembered


def _dump(dump: Path, world: World, folder: Path, document: dict[str, Any], found: Score) -> None:
    dump.mkdir(parents=True, exist_ok=True)
    truth = {
        "accepted": sorted(world.accepted),
        "guilty": [{"cause": g.cause, "names": g.names} for g in world.guilty],
        "killed": world.killed,
        "question": vars(world.question) if world.question else None,
        "data_folder": str(folder),
    }
    name = f"{found.outcome}-{world.name}-{'asked' if found.asked else 'unasked'}.json"
    for old in dump.glob(f"*-{world.name}-{'asked' if found.asked else 'unasked'}.json"):
        old.unlink()
    body = {"truth": truth, "score": found.row(), "document": document}
    (dump / name).write_text(json.dumps(body, indent=1, default=str), "utf-8")


# ---- the tables --------------------------------------------------------------------------------------------------


def tell(results: list[tuple[Case, Result]], title: str) -> str:
    """The tables of one set of results, as text."""
    lines = [title, ""]
    passes = sorted({s.asked for _, (scores, _, _) in results for s in scores}, reverse=True)
    for asked in passes:
        scores = [s for _, (found, _, _) in results for s in found if s.asked == asked]
        lines += [f"## {'with the question (--action --old --new)' if asked else 'without a question'}", ""]
        lines += _by_family(scores)
        lines += ["", *_reliability(scores), ""]
    lines += _by_hand(results)
    return "\n".join(lines)


_HEAD = (
    f"{'family':40s} {'n':>4} {'right':>6} {'wrong':>6} {'undec':>6} {'error':>6} {'blamed':>7} {'acquit':>7} "
    f"{'blame*':>7} {'brier':>6} {'secs':>6} {'reqs':>6}"
)


def _by_family(scores: list[Score]) -> list[str]:
    groups: dict[str, list[Score]] = defaultdict(list)
    for s in scores:
        groups[s.family].append(s)
    lines = [_HEAD]
    for name in [f for f in FAMILIES if f in groups]:
        lines.append(_line(f"{name}{' (held out)' if held_out(name) else ''}", groups[name]))
    return [*lines, _line("all", scores)]


def _line(name: str, scores: list[Score]) -> str:
    n = len(scores)
    count = {o: sum(s.outcome == o for s in scores) for o in ("right", "wrong", "undecided", "error")}
    return (
        f"{name:40s} {n:4d} {count['right'] / n:6.1%} {count['wrong'] / n:6.1%} {count['undecided'] / n:6.1%} "
        f"{count['error'] / n:6.1%} {sum(s.blamed_action for s in scores):7d} "
        f"{sum(s.acquitted_action for s in scores):7d} {sum(s.blamed_any for s in scores):7d} "
        f"{brier((s.question_probability, s.question_truth) for s in scores):6.3f} "
        f"{sum(s.seconds for s in scores) / n:6.2f} {sum(s.requests for s in scores) / n:6.0f}"
    )


def brier(pairs: Iterable[tuple[float, int]]) -> float:
    """Mean squared distance of probabilities from the truth."""
    rows = list(pairs)
    return sum((p - t) ** 2 for p, t in rows) / len(rows) if rows else 0.0


def expected_calibration_error(pairs: list[tuple[float, int]]) -> float:
    """Distance of mean probability from share of truth, over ten bins, weighted by their size."""
    total = 0.0
    for rows in _bins(pairs).values():
        total += abs(sum(p for p, _ in rows) / len(rows) - sum(t for _, t in rows) / len(rows)) * len(rows)
    return total / len(pairs) if pairs else 0.0


def _bins(pairs: list[tuple[float, int]]) -> dict[int, list[tuple[float, int]]]:
    groups: dict[int, list[tuple[float, int]]] = defaultdict(list)
    for p, t in pairs:
        groups[min(9, int(p * 10))].append((p, t))
    return dict(sorted(groups.items()))


def _reliability(scores: list[Score]) -> list[str]:
    pairs = [(p, t) for s in scores for _, p, t in s.suspects]
    asked = [(s.question_probability, s.question_truth) for s in scores if s.outcome != "error"]
    lines = ["reliability (all suspects named in `causes`): probability, share guilty, n"]
    for bin_, rows in _bins(pairs).items():
        mean, share = sum(p for p, _ in rows) / len(rows), sum(t for _, t in rows) / len(rows)
        lines.append(f"  {bin_ / 10:.1f}-{bin_ / 10 + 0.1:.1f}  {mean:6.3f} {share:6.3f} {len(rows):6d}")
    lines.append(f"Brier of suspects {brier(pairs):.4f}, of the questioned version {brier(asked):.4f}")
    errors = [expected_calibration_error(pairs), expected_calibration_error(asked)]
    lines.append(f"expected calibration error of suspects {errors[0]:.4f}, of the questioned version {errors[1]:.4f}")
    for what in ("explained", "rollback", "retry"):
        rows = [c for s in scores for c in s.covered if c[0] == what]
        if rows:
            inside = sum(c[5] for c in rows)
            ratio = sum(c[2] for c in rows) / max(1.0, sum(c[1] for c in rows))
            lines.append(
                f"intervals of {what}: {inside}/{len(rows)} hold the truth ({inside / len(rows):.0%}); "
                f"sum of estimates / truth {ratio:.2f}"
            )
    return lines


def _by_hand(results: list[tuple[Case, Result]]) -> list[str]:
    lines = ["by hand, with every job's version known: innocent version blamed, guilty one acquitted"]
    for test in ("fisher", "before-after"):
        rows = [(hand[test], guilty) for _, (_, hand, guilty) in results if test in hand]
        blamed = sum(b and not g for b, g in rows)
        acquitted = sum(not b and g for b, g in rows)
        innocent, guilty = sum(not g for _, g in rows), sum(bool(g) for _, g in rows)
        lines.append(f"  {test:14s} blamed {blamed} of {innocent}, acquitted {acquitted} of {guilty}")
    return lines


# ---- command line -------------------------------------------------------------------------------------------------


def main(arguments: list[str] | None = None) -> None:
    """Run the bench and print its tables."""
    options = _options(arguments)
    names = [n for n in (options.families.split(",") if options.families else FAMILIES) if _wanted(n, options)]
    seeds = _range(options.seeds)
    sizes = ["normal", "small"] if options.size == "both" else [options.size]
    cases: list[Case] = [(n, seed, size) for seed in seeds for size in sizes for n in names]
    work = partial(
        run_case, cache=options.cache, fresh=options.fresh, question=options.question,
        files={"yes": True, "no": False, "mixed": None}[options.files], dump=options.dump,
    )  # fmt: skip
    results: list[tuple[Case, Result]] = []
    if options.jobs == 1:
        for case in cases:
            results.append(_told(case, work(case), options.verbose))
    else:
        with ProcessPoolExecutor(options.jobs) as pool:
            waiting = {pool.submit(work, case): case for case in cases}
            for done in as_completed(waiting):
                results.append(_told(waiting[done], done.result(), options.verbose))
    results.sort(key=lambda r: r[0])
    for size in sizes:
        own = [r for r in results if r[0][2] == size]
        print(tell(own, f"# {size}: {len(names)} families, seeds {options.seeds}"), "\n")
    if options.output:
        rows = [replace(s).row() for _, (scores, _, _) in results for s in scores]
        options.output.write_text(json.dumps(rows, default=str), "utf-8")


def _told(case: Case, result: Result, verbose: bool) -> tuple[Case, Result]:
    for s in result[0]:
        if verbose or s.outcome != "right":
            print(
                f"{s.outcome:9s} {s.family}-{s.size}-{s.seed} {'asked' if s.asked else 'unasked'}: said {s.verdict} "
                f"{list(s.named)}, truth {list(s.truth)} {s.error}",
                flush=True,
            )
    return case, result


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    cache = Path(tempfile.gettempdir()) / f"judge-bench-{os.getuid()}"
    parser.add_argument("--seeds", default="0-19", help="a range (0-19) or a list (3,5)")
    parser.add_argument("--size", choices=("normal", "small", "both"), default="normal")
    parser.add_argument("--families", default="", help="names, with commas; all by default")
    parser.add_argument("--dev", action="store_true", help="only families that the judge may be tuned on")
    parser.add_argument("--held-out", action="store_true", help="only families that tuning never saw")
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    parser.add_argument("--cache", type=Path, default=cache, help="where collected worlds are kept")
    parser.add_argument("--fresh", action="store_true", help="collect anew")
    parser.add_argument("--question", choices=("both", "asked", "none"), default="both")
    parser.add_argument("--files", choices=("mixed", "yes", "no"), default="mixed")
    parser.add_argument("--dump", type=Path, help="write a JSON per case here")
    parser.add_argument("--output", type=Path, help="write every score as JSON here")
    parser.add_argument("--verbose", action="store_true", help="tell of the cases that are right, too")
    return parser.parse_args(arguments)


def _wanted(name: str, options: argparse.Namespace) -> bool:
    if name not in FAMILIES:
        raise SystemExit(f"no family {name}; there are: {', '.join(FAMILIES)}")
    if options.dev and options.held_out:
        return True
    return not (options.dev and held_out(name)) and not (options.held_out and not held_out(name))


def _range(text: str) -> list[int]:
    if "-" in text:
        low, high = text.split("-")
        return list(range(int(low), int(high) + 1))
    return [int(part) for part in text.split(",")]


if __name__ == "__main__":
    main()
