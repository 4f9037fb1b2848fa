#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compares the search for large networks with cotengra at equal wall time.

cotengra's HyperOptimizer, with its default methods, runs first; fetta-path
then gets the time that it took, both on one thread. Costs are multiply-adds as
docs/Search.md defines them, counted here for both from their linear paths.
Needs cotengra (pip install cotengra cotengrust kahypar optuna; what is not
there cotengra does without, and the versions are printed).
"""

import argparse
import importlib.metadata
import json
import math
import os
import platform
import random
import statistics
import subprocess
import sys
import time
import warnings


class Network:
    """Tensors as lists of index numbers, an output and sizes."""

    def __init__(self, count):
        self.tensors = [[] for _ in range(count)]
        self.output = []
        self.sizes = []

    def join(self, ends, size):
        """A new index on the given tensors."""
        for end in ends:
            self.tensors[end].append(len(self.sizes))
        self.sizes.append(size)
        return len(self.sizes) - 1

    def line(self):
        """As a line of fetta-path --file."""
        def term(indices):
            return " ".join(f"i{index}" for index in indices)
        return (", ".join(map(term, self.tensors)) + " -> " + term(self.output) + "\t"
                + ",".join(f"i{index}={size}" for index, size in enumerate(self.sizes)))


def matrix_chain(n, rng):
    net = Network(n)
    for k in range(1, n):
        net.join([k - 1, k], rng.randint(2, 60))
    net.output = [net.join([0], rng.randint(2, 60)), net.join([n - 1], rng.randint(2, 60))]
    return net


def mps_inner_product(sites, rng):
    """Two matrix product states of bonds that vary; 2 * sites tensors."""
    net = Network(2 * sites)
    for k in range(sites):
        net.join([k, sites + k], rng.randint(2, 8))
        if k:
            net.join([k - 1, k], rng.randint(4, 60))
            net.join([sites + k - 1, sites + k], rng.randint(4, 60))
    return net


def peps(rows, columns, bond, rng, layers=1, open_legs=False):
    """A grid; with two layers, the norm of a state of physical dimension 2."""
    net = Network(layers * rows * columns)
    for layer in range(layers):
        def at(r, c, layer=layer):
            return (layer * rows + r) * columns + c
        for r in range(rows):
            for c in range(columns):
                if r:
                    net.join([at(r - 1, c), at(r, c)], bond + rng.randint(0, 1))
                if c:
                    net.join([at(r, c - 1), at(r, c)], bond + rng.randint(0, 1))
                if open_legs:
                    net.output.append(net.join([at(r, c)], 2))
    if layers == 2:
        for k in range(rows * columns):
            net.join([k, rows * columns + k], 2)
    return net


def mera(sites, bond, is_open, rng):
    """Binary MERA on a ring; the state, or its norm with one site left out."""
    del rng
    ends, count = [], 0
    legs = [("site", s) for s in range(sites)]
    edges = {leg: [] for leg in legs}
    while len(legs) > 2:
        length = len(legs)
        upper = [None] * length
        for k in range(1, length, 2):  # Disentanglers on sites k, k + 1.
            left, right = legs[k], legs[(k + 1) % length]
            new = [("d", count, 0), ("d", count, 1)]
            for leg in (left, right):
                edges[leg].append(count)
            for leg in new:
                edges[leg] = [count]
            upper[k], upper[(k + 1) % length] = new
            count += 1
        legs = []
        for k in range(0, length, 2):  # Isometries on sites k, k + 1.
            new = ("w", count)
            for leg in (upper[k], upper[k + 1]):
                edges[leg].append(count)
            edges[new] = [count]
            legs.append(new)
            count += 1
    for leg in legs:
        edges[leg].append(count)
    count += 1
    ends = list(edges.items())
    net = Network(count if is_open else 2 * count)
    for leg, tensors in ends:
        if leg[0] != "site":
            net.join(tensors, bond)
            if not is_open:
                net.join([count + tensor for tensor in tensors], bond)
        elif is_open or leg[1] == sites // 3:
            net.output.append(net.join(tensors, bond))
            if not is_open:
                net.output.append(net.join([count + tensor for tensor in tensors], bond))
        else:
            net.join(tensors + [count + tensor for tensor in tensors], bond)
    return net


def regular(n, degree, rng, size=2):
    """A random regular graph by the pairing model; no tensor is its own neighbour."""
    while True:
        half = [k for k in range(n) for _ in range(degree)]
        rng.shuffle(half)
        if all(half[k] != half[k + 1] for k in range(0, len(half), 2)):
            break
    net = Network(n)
    for k in range(0, len(half), 2):
        net.join([half[k], half[k + 1]], size)
    return net


def hypergraph(n, rng):
    """1.1 n indices on 2 to 5 tensors each, mostly 2; some are kept."""
    net = Network(n)
    for k in range(1, n):
        net.join([rng.randrange(k), k], rng.randint(2, 4))
    for _ in range(n // 10):
        index = net.join(rng.sample(range(n), rng.choice([2, 2, 3, 4, 5])), rng.randint(2, 4))
        if rng.random() < 0.3:
            net.output.append(index)
    return net


def tree(n, rng):
    """A random tree with an open leg on every fifth tensor."""
    net = Network(n)
    for k in range(1, n):
        net.join([rng.randrange(max(0, k - 10), k), k], rng.randint(2, 16))
    net.output = [net.join([k], 2) for k in range(0, min(n, 50), 5)]
    return net


def instances(seed):
    """(name, network) of each; every one has a seed of its own."""
    makers = [(f"chain {n}", lambda rng, n=n: matrix_chain(n, rng)) for n in (30, 100, 250)]
    makers += [(f"mps inner product {n}", lambda rng, n=n: mps_inner_product(n // 2, rng))
               for n in (40, 100, 200)]
    makers += [(f"peps {n}x{n}", lambda rng, n=n, d=d: peps(n, n, d, rng))
               for n, d in ((6, 3), (8, 3), (10, 2), (12, 2), (15, 2))]
    makers += [(f"peps norm {n}x{n}", lambda rng, n=n: peps(n, n, 2, rng, layers=2))
               for n in (4, 6, 8)]
    makers += [("peps open 5x6", lambda rng: peps(5, 6, 3, rng, open_legs=True))]
    makers += [("mera open 16", lambda rng: mera(16, 3, True, rng)),
               ("mera 16", lambda rng: mera(16, 3, False, rng)),
               ("mera 32", lambda rng: mera(32, 2, False, rng))]
    makers += [(f"regular-3 {n}", lambda rng, n=n: regular(n, 3, rng))
               for n in (50, 100, 150, 200, 250)]
    makers += [(f"regular-6 {n}", lambda rng, n=n: regular(n, 6, rng)) for n in (30, 60, 100)]
    makers += [(f"hypergraph {n}", lambda rng, n=n: hypergraph(n, rng)) for n in (50, 100, 200)]
    makers += [(f"tree {n}", lambda rng, n=n: tree(n, rng)) for n in (50, 250)]
    for name, make in makers:
        yield name, make(random.Random(f"{seed} {name}"))


def cost(path, net):
    """Multiply-adds of a linear path whose steps are pairwise."""
    left, total = [frozenset(tensor) for tensor in net.tensors], 0
    holders = [0] * len(net.sizes)
    for indices in left + [net.output]:
        for index in indices:
            holders[index] += 1
    # What lies on one tensor only is summed before the first step.
    left = [frozenset(index for index in tensor if holders[index] > 1) for tensor in left]
    for step in path:
        a, b = (left.pop(position) for position in sorted(step, reverse=True))
        total += math.prod(net.sizes[index] for index in a | b)
        for index in a & b:
            holders[index] -= 1
        left.append(frozenset(index for index in a | b if holders[index] > 1 or
                              (index in a) != (index in b)))
    return total


def run_cotengra(net, seconds):
    import cotengra
    symbol = cotengra.get_symbol
    inputs = [[symbol(index) for index in tensor] for tensor in net.tensors]
    sizes = {symbol(index): size for index, size in enumerate(net.sizes)}
    begin = time.perf_counter()
    optimizer = cotengra.HyperOptimizer(max_time=seconds, max_repeats=10**9, parallel=False,
                                        progbar=False, minimize="flops")
    found = optimizer.search(inputs, [symbol(index) for index in net.output], sizes)
    path = found.get_path()
    return path, time.perf_counter() - begin


def run_fetta(program, net, seconds):
    begin = time.perf_counter()
    run = subprocess.run([program, "--file", "-", "--json", "--threads=1", "--exact-limit=18",
                          f"--seconds={max(seconds, 0.01):.3f}"],
                         input=net.line(), capture_output=True, text=True)
    if run.returncode not in (0, 3):
        sys.exit(run.stderr)
    report = json.loads(run.stdout)
    return report, time.perf_counter() - begin


def geomean(values):
    return math.exp(sum(map(math.log, values)) / len(values)) if values else math.nan


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("program", help="fetta-path")
    parser.add_argument("--seconds", type=float, default=5, help="for each search (default 5)")
    parser.add_argument("--seed", type=int, default=1, help="of the instances (default 1)")
    parser.add_argument("--filter", default="", help="only instances with this in their name")
    parser.add_argument("--list", action="store_true",
                        help="print the instances in the format of fetta-path --file and stop")
    parser.add_argument("--json", help="write the figures to this file, too")
    options = parser.parse_args()

    chosen = [entry for entry in instances(options.seed) if options.filter in entry[0]]
    if not chosen:
        sys.exit(f"no instance has '{options.filter}' in its name")
    if options.list:
        for name, net in chosen:
            print(f"# {name}\n{net.line()}")
        return
    warnings.simplefilter("ignore")
    versions = {"python": platform.python_version(), "machine": platform.machine(),
                "system": platform.system(), "processors": os.cpu_count(),
                "date": time.strftime("%Y-%m-%d")}
    for package in ("cotengra", "cotengrust", "kahypar", "optuna"):
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            versions[package] = "absent"
    print(" ".join(f"{key} {value}" for key, value in versions.items()))
    print(f"seed {options.seed}, {options.seconds} s each; difference: ours less cotengra's\n")
    print(f"{'instance':22} {'n':>4} | log10 FLOPs: {'cotengra':>8} {'ours':>8} {'difference':>10}"
          f" | seconds: {'cotengra':>8} {'ours':>6} | bound")
    rows, losses = [], []
    for name, net in chosen:
        path, theirs_took = run_cotengra(net, options.seconds)
        theirs = cost(path, net)
        report, ours_took = run_fetta(options.program, net, theirs_took)
        ours = cost(report["path"], net)
        if ours != int(report["flops"]):
            sys.exit(f"{name}: fetta-path says {report['flops']} multiply-adds, counted: {ours}")
        difference = math.log10(ours) - math.log10(theirs)
        rows.append({"instance": name, "tensors": len(net.tensors), "cotengra": theirs,
                     "ours": ours, "difference": difference, "cotengra_seconds": theirs_took,
                     "our_seconds": ours_took, "lower_bound": int(report["lower_bound_flops"])})
        if ours > theirs:
            losses.append(f"{name}: {ours / theirs:.4f}x the cost ({difference:+.4f})")
        print(f"{name:22} {len(net.tensors):4} | {math.log10(theirs):21.4f} {math.log10(ours):8.4f}"
              f" {difference:+10.4f} | {theirs_took:17.2f} {ours_took:6.2f}"
              f" | {math.log10(max(rows[-1]['lower_bound'], 1)):.2f}", flush=True)
    differences = [row["difference"] for row in rows]
    print(f"\ncost, ours / cotengra's: {geomean([10**d for d in differences]):.4f}x (geomean of "
          f"{len(rows)}), {10**max(differences):.4f}x ({max(differences):+.4f}) at worst, "
          f"{10**min(differences):.4g}x at best, "
          f"{10**statistics.median(differences):.4f}x in the median")
    print("\nwhere ours loses:" if losses else "\nours loses nowhere")
    for loss in losses:
        print("  " + loss)
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump({"versions": versions, "seed": options.seed, "instances": rows}, file,
                      indent=1)


if __name__ == "__main__":
    main()
