#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compares the exact solver with opt_einsum, in one run on one machine.

Both sides are timed in their own process, core against core: no start of a
program and no parsing. Costs are multiply-adds as docs/Search.md defines them.
Needs opt_einsum (pip install opt_einsum) and ContractionBench
(-DFETTA_ENABLE_BENCHMARKS=ON).
"""

import argparse
import json
import math
import platform
import subprocess
import sys
import time

import opt_einsum
from opt_einsum import paths


def instances(program):
    """(name, inputs, output, sizes) of each; indices are names."""
    listing = subprocess.run([program, "--list"], check=True, capture_output=True, text=True)
    name = ""
    for line in listing.stdout.splitlines():
        if line.startswith("# "):
            name = line[2:]
            continue
        einsum, text = line.split("\t")
        sizes = {key: int(size) for key, size in (entry.split("=") for entry in text.split(","))}
        left, right = einsum.split("->")
        named = " " in left.replace(", ", ",")

        def indices(term):
            return frozenset(term.split() if named else term.strip())

        yield name, [indices(term) for term in left.split(",")], indices(right), sizes


def cost(path, inputs, output, sizes):
    """Multiply-adds of a linear path; steps of more than two are refused."""
    left, total = list(inputs), 0
    for step in path:
        if len(step) == 1:
            continue
        if len(step) != 2:
            raise ValueError(f"step {step} is not pairwise")
        a, b = (left.pop(position) for position in sorted(step, reverse=True))
        total += math.prod(sizes[index] for index in a | b)
        rest = frozenset().union(output, *left)
        left.append((a | b) & rest)
    return total


def timed(optimizer, inputs, output, sizes, seconds):
    """Best time of at least one call, and the path."""
    best, begin, path = math.inf, time.perf_counter(), None
    while path is None or time.perf_counter() - begin < seconds:
        start = time.perf_counter()
        path = optimizer([set(term) for term in inputs], set(output), sizes)
        best = min(best, time.perf_counter() - start)
    return best, path


def geomean(values):
    return math.exp(sum(map(math.log, values)) / len(values)) if values else math.nan


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("program", help="ContractionBench")
    parser.add_argument("--seconds", type=float, default=0.1, help="at least, for each measurement")
    parser.add_argument("--dp-limit", type=int, default=14, help="tensors for dp (default 14)")
    parser.add_argument("--outer-limit", type=int, default=10,
                        help="tensors for dp with outer products (default 10)")
    parser.add_argument("--filter", default="", help="only instances with this in their name")
    parser.add_argument("--json", help="write the figures to this file, too")
    options = parser.parse_args()

    chosen = [entry for entry in instances(options.program) if options.filter in entry[0]]
    if not chosen:
        sys.exit(f"no instance has '{options.filter}' in its name")
    run = subprocess.run(
        [options.program, "--benchmark_format=json", f"--benchmark_filter=^exact/.*{options.filter}",
         f"--benchmark_min_time={options.seconds}"],
        check=True, capture_output=True, text=True)
    ours = {entry["name"].removeprefix("exact/"): entry
            for entry in json.loads(run.stdout)["benchmarks"]}

    never = 10**9
    peers = {
        "auto": (paths.auto, never),
        "greedy": (paths.greedy, never),
        "dp": (paths.DynamicProgramming(minimize="flops"), options.dp_limit),
        "dp outer": (paths.DynamicProgramming(minimize="flops", search_outer=True),
                     options.outer_limit),
    }
    versions = {"opt_einsum": opt_einsum.__version__, "python": platform.python_version(),
                "machine": platform.machine(), "system": platform.system()}
    print(" ".join(f"{key} {value}" for key, value in versions.items()))
    print("time: opt_einsum's / ours; cost: opt_einsum's / ours\n")
    header = f"{'instance':22} {'n':>3} {'ours us':>10}"
    print(header + "".join(f" | {peer:>9}: time, cost" for peer in peers))
    rows, ratios = [], {peer: ([], []) for peer in peers}
    losses = []
    for name, inputs, output, sizes in chosen:
        entry = ours[name]
        line = f"{name:22} {len(inputs):3} {entry['real_time']:10.1f}"
        row = {"instance": name, "tensors": len(inputs), "microseconds": entry["real_time"],
               "flops": entry["flops"], "proven": entry["proven"] == 1, "peers": {}}
        for peer, (optimizer, limit) in peers.items():
            if len(inputs) > limit:
                line += f" | {'-':>22}"
                continue
            seconds, path = timed(optimizer, inputs, output, sizes, options.seconds)
            slower = seconds * 1e6 / entry["real_time"]
            dearer = cost(path, inputs, output, sizes) / entry["flops"]
            ratios[peer][0].append(slower)
            ratios[peer][1].append(dearer)
            row["peers"][peer] = {"microseconds": seconds * 1e6, "time": slower, "cost": dearer}
            if slower < 1:
                losses.append(f"{name}: {peer} is {1 / slower:.2f}x faster, at {dearer:.4f}x the cost")
            if dearer < 1 - 1e-9:
                losses.append(f"{name}: {peer} costs {dearer:.4f}x ours")
            line += f" | {slower:11.3g}x {dearer:8.3f}x"
        rows.append(row)
        print(line, flush=True)
    print()
    for peer, (slower, dearer) in ratios.items():
        if slower:
            print(f"{peer:9} time {geomean(slower):.1f}x (geomean; worst for us {min(slower):.3g}x), "
                  f"cost {geomean(dearer):.3f}x (geomean; highest {max(dearer):.3f}x), "
                  f"{len(slower)} instances")
    print("\nwhere ours loses:" if losses else "\nours loses nowhere")
    for loss in losses:
        print("  " + loss)
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump({"versions": versions, "instances": rows, "losses": losses}, file, indent=1)


if __name__ == "__main__":
    main()
