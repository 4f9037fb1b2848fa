#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Orders of contractions by multiply-adds, by latency and by energy.

Compiles the training steps of the layer suite with objective=flops, latency and
energy, simulates them with ideal DRAM and with that of the machine, and prints
modelled cycles and dynamic energy without DRAM of each, and how many times
those of the order of the fewest multiply-adds they are. "same" is said where
the objective gives that order. What does not compile is listed with the
message that refuses it.

With --check an order by latency that is slower than that of the fewest
multiply-adds with ideal DRAM is an error (exit 1).

  benchmarks/Layers/orders.py --folder /somewhere [--build build]
      [--tokens 1,32,128] [--layers TT_UCF,TR_UCF] [--check]
"""

import argparse
import json
import pathlib
import re
import sys
import time

from layer_suite import ROOT, need, run, suite

OBJECTIVES = ("flops", "latency", "energy")


def error_of(done):
    return next((line.split("error: ", 1)[1] for line in done.stderr.splitlines()
                 if "error: " in line), done.stderr)


def contractions(text):
    """The program's contractions, whatever their order: equal for equal trees."""
    return sorted(re.findall(r"tnn\.contract \"([^\"]*)\"", text))


class Step:
    """A training step compiled by one objective."""

    def __init__(self, model, objective, options):
        self.options = options
        self.stem = model.with_name(f"{model.stem}-{objective}")
        start = time.monotonic()
        done = run(options.build / "bin/fetta-opt", model,
                   f"--fetta-compile-training=machine={options.machine} "
                   f"objective={objective}", "-o", f"{self.stem}.P.mlir")
        self.seconds = time.monotonic() - start
        self.error = error_of(done) if done.returncode else None
        if not self.error:
            need(run(options.build / "bin/fetta-translate", "--fetta-to-binary",
                     f"{self.stem}.P.mlir", "-o", f"{self.stem}.fbin"))

    def simulate(self, dram):
        report = pathlib.Path(f"{self.stem}-{dram}")
        need(run(self.options.build / "bin/fetta-sim", "run",
                 f"{self.stem}.fbin", "--timing-only", "--report", report,
                 "--quiet", "--trace-limit", 1, f"--dram={dram}"))
        return json.loads((report / "summary.json").read_text())


def order(model, objective, options):
    """The contractions that an objective gives."""
    return contractions(need(run(
        options.build / "bin/fetta-opt", model,
        "--pass-pipeline=builtin.module(fetta-attach-machine{file="
        f"{options.machine}}},tnn-expand-layers,tnn-differentiate,"
        f"func.func(tnn-order-contractions{{objective={objective}}}))")))


def array_energy(summary):
    """Dynamic picojoules of everything but DRAM."""
    return sum(event["energy_pj"]["nominal"]
               for name, event in summary["energy_events"].items()
               if name != "dram_transfer_byte")


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
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    layers = suite.load()
    names = options.layers.split(",") if options.layers else list(layers)
    wrong = 0
    print("| layer | tokens | order | cycles, ideal DRAM | | cycles | | "
          "dynamic uJ without DRAM | | compile, s |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for name in names:
        for tokens in map(int, options.tokens.split(",")):
            layer = layers[name]
            if tokens:
                layer = layer.with_tokens(tokens)
            model = options.folder / f"{name}-{tokens}.mlir"
            model.write_text(suite.module(layer, "benchmarks/Layers/orders.py"))
            first, flops_order = None, order(model, "flops", options)
            for objective in OBJECTIVES:
                head = f"| {name} | {layer.tokens:,} | {objective} |"
                if objective != "flops" and \
                        order(model, objective, options) == flops_order:
                    print(f"{head} same | | | | | | |", flush=True)
                    continue
                step = Step(model, objective, options)
                if step.error:
                    print(f"{head} {step.error} | | | | | | |", flush=True)
                    if objective == "flops":
                        break
                    continue
                ideal, machine = step.simulate("ideal"), step.simulate("bandwidth")
                figures = (ideal["cycles"], machine["cycles"],
                           array_energy(ideal) / 1e6)
                first = first or figures
                cells = []
                for figure, base in zip(figures, first):
                    text = f"{figure:,}" if isinstance(figure, int) \
                        else f"{figure:,.2f}"
                    cells.append(f"{text} | {figure / base:.3f}x")
                print(f"{head} {' | '.join(cells)} | {step.seconds:.1f} |",
                      flush=True)
                if objective == "latency" and figures[0] > first[0]:
                    wrong += 1
                    print(f"{name} at {tokens} tokens: the order by latency is "
                          "slower", file=sys.stderr)
    return 1 if wrong and options.check else 0


if __name__ == "__main__":
    sys.exit(main())
