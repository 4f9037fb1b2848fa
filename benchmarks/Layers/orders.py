#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Orders of contractions by multiply-adds, by latency and by energy: a table.

Compiles the training steps of the layer suite with objective=flops and latency,
once for ideal DRAM and once for that of the machine, and energy, and simulates
them. Cycles and dynamic energy of the order of the fewest multiply-adds are
modelled figures, those of the others multiples of them; the last two are cycles
and energy by energy, with the machine's DRAM. Which orders were kept: "-" is
that of the fewest multiply-adds. What does not compile is listed with the
message that refuses it. Seconds are processor time of the compiles with the
machine's DRAM.

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


def figures(ideal, machine):
    """Cycles with ideal DRAM, cycles and microjoules with the machine's."""
    return [ideal["cycles"], machine["cycles"],
            machine["energy_pj"]["nominal"] / 1e6]


def compare(name, tokens, model, options):
    """Prints a row; what is wrong with it."""
    fewest, latency = ([Step(model, objective, dram, options) for dram in DRAM_MODELS]
                       for objective in ("flops", "latency"))
    energy = [Step(model, "energy", "bandwidth", options)] * 2
    for step in fewest + latency + energy:
        if step.error:
            print(f"| {name} | {tokens:,} | {step.error}{' |' * 9}", flush=True)
            return [] if step in fewest else [f"{name} at {tokens} tokens: {step.error}"]
    first, by_latency, by_energy = (
        figures(*[step.simulate(dram) for step, dram in zip(steps, DRAM_MODELS)])
        for steps in (fewest, latency, energy))

    def times(own, which):
        return f"{own[which] / first[which]:.3f}x"
    kept = [step.taken.replace(" by the model", "").replace("fewest multiply-adds", "-")
            for step in latency + energy[:1]]
    seconds = " / ".join(f"{step.seconds:.2f}"
                         for step in (fewest[1], latency[1], energy[0]))
    cells = [name, f"{tokens:,}", f"{first[0]:,}", f"{first[1]:,}", f"{first[2]:,.1f}",
             times(by_latency, 0), times(by_latency, 1), f"{kept[0]} / {kept[1]}",
             times(by_energy, 1), times(by_energy, 2), kept[2], seconds]
    print(f"| {' | '.join(cells)} |", flush=True)
    wrong = []
    where = f"{name} at {tokens} tokens: the order by"
    if by_latency[0] > first[0] or by_latency[1] > first[1]:
        wrong.append(f"{where} latency is slower")
    if by_energy[2] > first[2] * (1 + 1e-9):
        wrong.append(f"{where} energy takes more")
    return wrong


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
    print("| layer | tokens | cycles, ideal DRAM | cycles | dynamic uJ | by latency, "
          "ideal DRAM | by latency | order (ideal / machine) | cycles by energy | "
          "energy by energy | order | compile, s: flops / latency / energy |")
    print("|" + "---|" * 12)
    for name in names:
        for tokens in map(int, options.tokens.split(",")):
            layer = layers[name]
            if tokens:
                layer = layer.with_tokens(tokens)
            model = options.folder / f"{name}-{tokens}.mlir"
            model.write_text(suite.module(layer, "benchmarks/Layers/orders.py"))
            wrong += compare(name, layer.tokens, model, options)
    for message in wrong:
        print(message, file=sys.stderr)
    return 1 if wrong and options.check else 0


if __name__ == "__main__":
    sys.exit(main())
