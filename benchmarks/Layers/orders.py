#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Orders of contractions by multiply-adds, by latency and by energy.

Compiles the training steps of the layer suite with objective=flops, latency
(once for ideal DRAM and once for that of the machine) and energy, simulates
them, and prints which orders were kept, modelled cycles with ideal DRAM and
with that of the machine, and dynamic energy with that of the machine, each also
as a multiple of what the order of the fewest multiply-adds takes. What does not
compile is listed with the message that refuses it. Seconds are processor time
of the compile with the machine's DRAM.

With --check it is an error (exit 1) if a step compiled by latency takes more
cycles than the one of the fewest multiply-adds, or one by energy more energy.

  benchmarks/Layers/orders.py --folder /somewhere [--build build]
      [--tokens 1,32,128,0] [--layers TT_UCF,TR_UCF] [--check]
"""

import argparse
import json
import pathlib
import re
import resource
import subprocess
import sys

from layer_suite import DRAM_MODELS, ROOT, need, run, suite


def error_of(done):
    return next((line.split("error: ", 1)[1] for line in done.stderr.splitlines()
                 if "error: " in line), done.stderr or f"exit {done.returncode}")


class Step:
    """A training step compiled by one objective."""

    def __init__(self, model, objective, dram, options):
        self.options, self.objective = options, objective
        self.taken, self.error, self.seconds = "", None, 0
        self.stem = model.with_name(f"{model.stem}-{objective}-{dram}")
        before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
        try:
            done = run(options.build / "bin/fetta-opt", model,
                       f"--fetta-compile-training=machine={options.machine} "
                       f"objective={objective} dram={dram}",
                       "--remarks-filter=fetta-choose-order",
                       "-o", f"{self.stem}.P.mlir", timeout=options.timeout)
        except subprocess.TimeoutExpired:
            self.error = f"not compiled within {options.timeout} s"
            return
        after = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
        self.seconds = after - before
        if done.returncode:
            self.error = error_of(done)
            return
        if taken := re.search(r"taken: ([^\"\n]*)", done.stderr):
            self.taken = taken.group(1)
        need(run(options.build / "bin/fetta-translate", "--fetta-to-binary",
                 f"{self.stem}.P.mlir", "-o", f"{self.stem}.fbin"))

    def simulate(self, dram):
        report = pathlib.Path(f"{self.stem}-{dram}")
        need(run(self.options.build / "bin/fetta-sim", "run",
                 f"{self.stem}.fbin", "--timing-only", "--report", report,
                 "--quiet", "--trace-limit", 1, f"--dram={dram}"))
        return json.loads((report / "summary.json").read_text())


def row(name, tokens, objective, cells):
    print(f"| {name} | {tokens:,} | {objective} | {' | '.join(cells)} |",
          flush=True)


def figures(ideal, machine):
    """Cycles with ideal DRAM, cycles and microjoules with the machine's."""
    return [ideal["cycles"], machine["cycles"],
            machine["energy_pj"]["nominal"] / 1e6]


class Comparison:
    """The three objectives for one layer and number of tokens."""

    def __init__(self, name, tokens, model, options):
        self.name, self.tokens = name, tokens
        self.model, self.options = model, options
        self.wrong = []

    def refuse(self, objective, error):
        row(self.name, self.tokens, objective, [error] + [""] * 7)
        if objective != "flops":
            self.wrong.append(f"{self.name} at {self.tokens} tokens: {error}")

    def show(self, objective, taken, own, base, seconds):
        cells = [taken]
        for figure, first in zip(own, base):
            text = f"{figure:,}" if isinstance(figure, int) else f"{figure:,.2f}"
            cells += [text, f"{figure / first:.3f}x"]
        row(self.name, self.tokens, objective, cells + [f"{seconds:.2f}"])

    def print(self):
        fewest = Step(self.model, "flops", "bandwidth", self.options)
        if fewest.error:
            self.refuse("flops", fewest.error)
            return
        base = figures(*[fewest.simulate(dram) for dram in DRAM_MODELS])
        self.show("flops", "", base, base, fewest.seconds)
        steps = [Step(self.model, "latency", dram, self.options)
                 for dram in DRAM_MODELS]
        energy = Step(self.model, "energy", "bandwidth", self.options)
        for step in steps + [energy]:
            if step.error:
                self.refuse(step.objective, step.error)
                return
        latency = figures(*[step.simulate(dram)
                            for step, dram in zip(steps, DRAM_MODELS)])
        self.show("latency", " / ".join(step.taken for step in steps), latency,
                  base, steps[1].seconds)
        least = figures(*[energy.simulate(dram) for dram in DRAM_MODELS])
        self.show("energy", energy.taken, least, base, energy.seconds)
        where = f"{self.name} at {self.tokens} tokens: the order by"
        if latency[0] > base[0] or latency[1] > base[1]:
            self.wrong.append(f"{where} latency is slower")
        if least[2] > base[2] * (1 + 1e-9):
            self.wrong.append(f"{where} energy takes more")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--folder", type=pathlib.Path, required=True)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build")
    parser.add_argument("--machine", type=pathlib.Path,
                        default=ROOT / "machines/fetta-edge.yaml")
    parser.add_argument("--tokens", default="1,32,128",
                        help="numbers; 0: the layer's own batch")
    parser.add_argument("--layers", help="names; all unless given")
    parser.add_argument("--timeout", type=float, default=120,
                        help="seconds for each compile")
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    layers = suite.load()
    names = options.layers.split(",") if options.layers else list(layers)
    wrong = []
    print("| layer | tokens | objective | order kept (ideal / machine) | cycles, "
          "ideal DRAM | | cycles | | dynamic uJ | | compile, s |")
    print("|" + "---|" * 11)
    for name in names:
        for tokens in map(int, options.tokens.split(",")):
            layer = layers[name]
            if tokens:
                layer = layer.with_tokens(tokens)
            model = options.folder / f"{name}-{tokens}.mlir"
            model.write_text(suite.module(layer, "benchmarks/Layers/orders.py"))
            comparison = Comparison(name, layer.tokens, model, options)
            comparison.print()
            wrong += comparison.wrong
    for message in wrong:
        print(message, file=sys.stderr)
    return 1 if wrong and options.check else 0


if __name__ == "__main__":
    sys.exit(main())
