#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compares the exact solver with opt_einsum and cotengrust, in one run.

    compare_exact.py build/benchmarks/bin/ContractionBench --venv build/peers

makes a virtual environment with the peers from PyPI where there is none, and
measures with its Python. cotengra's own exact search is cotengrust's; its
search for large networks has its own script, compare_cotengra.py.

Core against core on one thread: no start of a program, no parsing; CPU time on
both sides, so that other work on the machine counts for neither. What a call
from Python costs by itself is printed. Costs are multiply-adds as
docs/Search.md defines them. Needs ContractionBench
(-DFETTA_ENABLE_BENCHMARKS=ON).
"""

import argparse
import datetime
import importlib.metadata
import json
import math
import os
import platform
import subprocess
import sys
import time
import venv

PEERS = ["opt_einsum", "cotengra", "cotengrust"]


def enter_venv(folder):
    """Runs this script again with the Python of a venv that has the peers."""
    python = os.path.join(folder, "bin", "python3")
    if not os.path.exists(python):
        venv.create(folder, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *PEERS], check=True)
    if os.path.realpath(sys.prefix) != os.path.realpath(folder):
        os.execv(python, [python, *sys.argv])


def instances(program):
    """(name, inputs, output, sizes) of each; an index is a character."""
    listing = subprocess.run([program, "--list"], check=True, capture_output=True, text=True)
    name = ""
    for line in listing.stdout.splitlines():
        if line.startswith("# "):
            name = line[2:]
            continue
        einsum, text = line.split("\t")
        sizes = dict(entry.split("=") for entry in text.split(","))
        letter = {index: chr(0x100 + number) for number, index in enumerate(sizes)}
        left, right = einsum.split("->")
        named = any(len(index) > 1 for index in sizes)

        def indices(term):
            return [letter[index] for index in (term.split() if named else term.strip())]

        yield (name, [indices(term) for term in left.split(",")], indices(right),
               {letter[index]: int(size) for index, size in sizes.items()})


def cost(path, inputs, output, sizes):
    """Multiply-adds of a linear path of pairwise steps."""
    left, total, kept = [frozenset(term) for term in inputs], 0, frozenset(output)
    for step in path:
        if len(step) == 1:
            continue
        if len(step) != 2:
            raise ValueError(f"step {step} is not pairwise")
        a, b = (left.pop(position) for position in sorted(step, reverse=True))
        total += math.prod(sizes[index] for index in a | b)
        left.append((a | b) & frozenset().union(kept, *left))
    return total


def timed(search, inputs, output, sizes, seconds):
    """Best CPU time of at least one call, and the path."""
    best, spent, path = math.inf, 0.0, None
    while path is None or spent < seconds:
        start = time.process_time()
        path = search(inputs, output, sizes)
        best = min(best, time.process_time() - start)
        spent += best
    return best, path


def geomean(values):
    return math.exp(sum(map(math.log, values)) / len(values)) if values else math.nan


def make_peers(options):
    """(name, search, most tensors) of each."""
    import cotengrust
    from opt_einsum import paths

    def by_opt_einsum(optimizer):
        return lambda inputs, output, sizes: optimizer(
            [set(term) for term in inputs], set(output), sizes)

    def by_cotengrust(outer):
        return lambda inputs, output, sizes: cotengrust.optimize_optimal(
            inputs, output, sizes, minimize="flops", search_outer=outer)

    dp = paths.DynamicProgramming
    never = 10**9
    return [
        ("cotengrust outer", by_cotengrust(True), options.outer_limit),
        ("cotengrust", by_cotengrust(False), options.connected_limit),
        ("oe dp outer", by_opt_einsum(dp(minimize="flops", search_outer=True)),
         options.python_outer_limit),
        ("oe dp", by_opt_einsum(dp(minimize="flops")), options.python_limit),
        ("oe auto", by_opt_einsum(paths.auto), never),
        ("oe greedy", by_opt_einsum(paths.greedy), never),
    ]


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program", help="ContractionBench")
    parser.add_argument("--venv", help="folder of a virtual environment, made if not there")
    parser.add_argument("--seconds", type=float, default=0.02, help="at least, for each figure")
    parser.add_argument("--outer-limit", type=int, default=16,
                        help="tensors for cotengrust with outer products (default 16)")
    parser.add_argument("--connected-limit", type=int, default=18,
                        help="tensors for cotengrust without (default 18)")
    parser.add_argument("--python-outer-limit", type=int, default=12,
                        help="tensors for opt_einsum's dp with outer products (default 12)")
    parser.add_argument("--python-limit", type=int, default=14,
                        help="tensors for opt_einsum's dp without (default 14)")
    parser.add_argument("--filter", default="", help="only instances with this in their name")
    parser.add_argument("--json", help="write the figures to this file, too")
    options = parser.parse_args()
    if options.venv:
        enter_venv(options.venv)

    chosen = [entry for entry in instances(options.program) if options.filter in entry[0]]
    if not chosen:
        sys.exit(f"no instance has '{options.filter}' in its name")
    run = subprocess.run(
        [options.program, "--benchmark_format=json", f"--benchmark_filter=^exact/.*{options.filter}",
         f"--benchmark_min_time={options.seconds}"],
        check=True, capture_output=True, text=True)
    ours = {entry["name"].removeprefix("exact/"): entry
            for entry in json.loads(run.stdout)["benchmarks"]}
    peers = make_peers(options)

    versions = {peer: importlib.metadata.version(peer) for peer in PEERS}
    versions |= {"python": platform.python_version(), "machine": platform.machine(),
                 "cores": os.cpu_count(), "date": datetime.date.today().isoformat()}
    print(" ".join(f"{key} {value}" for key, value in versions.items()))
    trivial = (["a"], ["a", "b"]), ["b"], {"a": 2, "b": 3}
    overhead = {name: timed(search, [list(term) for term in trivial[0]], *trivial[1:], 0.01)[0]
                for name, search, _ in peers}
    print("a call for two tensors, us: "
          + ", ".join(f"{name} {seconds * 1e6:.1f}" for name, seconds in overhead.items()))
    print("time: theirs / ours; cost: theirs / ours\n")
    print(f"{'instance':24} {'n':>3} {'ours us':>10}"
          + "".join(f" | {name:>16}" for name, _, _ in peers))
    rows, losses = [], []
    figures = {name: [] for name, _, _ in peers}
    for name, inputs, output, sizes in chosen:
        entry = ours[name]
        n = len(inputs)
        line = f"{name:24} {n:3} {entry['cpu_time']:10.1f}"
        row = {"instance": name, "tensors": n, "microseconds": entry["cpu_time"],
               "flops": entry["flops"], "proven": entry["proven"] == 1, "peers": {}}
        for peer, search, limit in peers:
            if n > limit:
                line += f" | {'-':>16}"
                continue
            seconds, path = timed(search, inputs, output, sizes, options.seconds)
            slower = seconds * 1e6 / entry["cpu_time"]
            dearer = cost(path, inputs, output, sizes) / entry["flops"]
            figures[peer].append((n, slower, dearer))
            row["peers"][peer] = {"microseconds": seconds * 1e6, "time": slower, "cost": dearer}
            if slower < 1:
                losses.append(f"{name}: {peer} is {1 / slower:.2f}x faster, "
                              f"at {dearer:.4f}x the cost")
            if dearer < 1 - 1e-9:
                losses.append(f"{name}: {peer} costs {dearer:.6f}x ours")
            line += f" | {slower:7.4g}x {dearer:6.3f}x"
        rows.append(row)
        print(line, flush=True)
    print()
    for least in (0, 9):
        for peer, _, limit in peers:
            kept = [(slower, dearer) for n, slower, dearer in figures[peer] if n >= least]
            if kept:
                slower, dearer = zip(*kept)
                print(f"{peer:16} n >= {least}: time {geomean(slower):8.1f}x "
                      f"(worst for us {min(slower):.3g}x), cost {geomean(dearer):.4f}x "
                      f"(highest {max(dearer):.4g}x), {len(kept)} instances"
                      + (f" to {limit} tensors" if limit < 100 else ""))
    print("\nwhere ours loses:" if losses else "\nours loses nowhere")
    for loss in losses:
        print("  " + loss)
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump({"versions": versions, "instances": rows, "losses": losses}, file, indent=1)


if __name__ == "__main__":
    main()
