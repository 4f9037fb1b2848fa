#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What a training step gains from each part of the compiler and the machine.

Compiles training steps with everything on, then with one part off at a time,
and prints the modelled cycles with ideal DRAM and with that of the machine, how
many times those with everything on they are, and the share of the limit (that
of the program itself; without queues, that with everything on):

  layouts one by one   layouts=separate: who touches a tensor first chooses
  no memory reuse      reuse=0: rows of dead values are not used again, with as
                       many slices; `rows` says how many all tensors take
                       (else: how many are alive at once)
  one slice            slices=1: nothing of the next slice runs beside this one
  program order        schedule=0: nothing is reordered or loaded ahead
  no queues            in closed form: the cycles of all contractions, each
                       alone (fetta-print-mapping), then all route loads (those
                       of the busiest network), then, with the DRAM of the
                       machine, all transfers. It leaves out latencies of
                       transfers, so such a machine would take still longer

What does not fit is listed with the message that refuses it.

  benchmarks/Layers/gains.py --folder /somewhere [--build build]
"""

import argparse
import json
import pathlib
import re
import sys

from layer_suite import ROOT, need, run, suite

# A block-term layer (Ye et al. 2018) with two blocks, made up.
BLOCK_TERM = suite.Layer(
    "BT_2400",
    tuple(tuple(modes.split()) for modes in
          ("b i0 i1 i2 i3", "p o0 i0 r0", "p o1 i1 r1", "p o2 i2 r2",
           "p o3 i3 r3", "p r0 r1 r2 r3")),
    ("b", "o0", "o1", "o2", "o3"),
    {"b": 8, "i0": 4, "i1": 10, "i2": 10, "i3": 6, "p": 2,
     **{f"o{k}": 4 for k in range(4)}, **{f"r{k}": 4 for k in range(4)}},
    0, "made up")

# layer, tokens, slices with everything on (None: slices=auto)
STEPS = [("TT_ATIS", 32, 1), ("TT_ATIS", 256, 4), ("TT_ATIS", 4096, 16),
         ("TTM_UCF", 32, None), ("BT_2400", 8, None)]


def write_model(layer, tokens):
    layers = {**suite.load(), "BT_2400": BLOCK_TERM}
    return suite.module(layers[layer].with_tokens(tokens),
                        f"benchmarks/Layers/gains.py for {layer}")


class Step:
    """One training step in a folder, compiled and simulated in many ways."""

    def __init__(self, layer, tokens, slices, folder, options):
        self.layer, self.tokens, self.options = layer, tokens, options
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "m.mlir").write_text(write_model(layer, tokens))
        self.slices = slices or "auto"
        self.base = None

    def tool(self, name):
        return self.options.build / "bin" / name

    def compile(self, *choices):
        """Returns the message that refuses it, or None."""
        done = run(self.tool("fetta-opt"), self.folder / "m.mlir",
                   f"--fetta-compile-training=machine={self.options.machine} "
                   f"memory=dram {' '.join(choices)}", "-o",
                   self.folder / "P.mlir")
        if done.returncode:
            return next((line.split("error: ")[1]
                         for line in done.stderr.splitlines()
                         if "error: " in line), done.stderr)
        need(run(self.tool("fetta-translate"), "--fetta-to-binary",
                 self.folder / "P.mlir", "-o", self.folder / "P.fbin"))
        text = (self.folder / "P.mlir").read_text()
        if "fetta.repeat" in text:  # Slices and rows are counted written out.
            need(run(self.tool("fetta-opt"), self.folder / "P.mlir",
                     "--fetta-unroll-repeats", "-o", self.folder / "P.mlir"))
            text = (self.folder / "P.mlir").read_text()
        argument = text[text.index("func.func"):].split(":")[0].split("%")[1]
        self.slices = text.count(f"fetta.load %{argument} at")
        return None

    def rows(self, reuse):
        """Rows of tensor memory: those alive at once, the most of each slab, or
        without reuse those of all places of tensors."""
        if reuse:
            memory = run(self.tool("fetta-opt"), self.folder / "P.mlir",
                         "--fetta-print-memory", "-o", "/dev/null")
            need(memory)
            return sum(map(int, re.findall(r"at most (\d+) of \d+ rows",
                                           memory.stderr)))
        places = {}  # sums that go on share one
        for line in need(run(self.tool("fetta-sim"), "dump",
                             self.folder / "P.fbin")).splitlines():
            tensor = re.match(r'tensor \d+ ".*" \w+ ([\dx]+) (\w+) '
                              r"slab (\d+) row (\d+) .* rows \((.*)\)$", line)
            if not tensor:
                continue
            sizes = [int(size) for size in tensor[1].split("x")]
            last = sum(int(stride or 1) * ((sizes[int(dim)] - 1) //
                                           int(chunk or 1))
                       for stride, dim, chunk in
                       re.findall(r"(?:(\d+)\*)?d(\d+)(?:/(\d+))?", tensor[5]))
            planes = 2 if tensor[2] == "f32" else 1
            places[tensor[3], tensor[4]] = planes * (last + 1)
        return sum(places.values())

    def simulate(self, dram):
        report = self.folder / f"report-{dram}"
        need(run(self.tool("fetta-sim"), "run", self.folder / "P.fbin",
                 "--timing-only", "--report", report, "--quiet",
                 "--trace-limit", 1, f"--dram={dram}"))
        return json.loads((report / "summary.json").read_text())

    def serial(self, summaries):
        """Cycles without any overlap: ideal DRAM, DRAM of the machine."""
        mapping = run(self.tool("fetta-opt"), self.folder / "P.mlir",
                      "--fetta-print-mapping", "-o", "/dev/null")
        need(mapping)
        alone = [int(count) for count in
                 re.findall(r"^alone (\d+) cycles:", mapping.stderr, re.M)]

        def cycles(resource, *classes):
            taken = summaries[1]["resources"][resource]["cycles_by_class"]
            return sum(taken.get(name, 0) for name in classes)
        routes = max(cycles(f"{network}-routes", "busy")
                     for network in ("hold", "stream", "reduce"))
        ideal = sum(alone) + routes
        return ideal, ideal + cycles("dram", "load", "store")

    def print(self, what, cycles, limits, rows=""):
        self.base = self.base or cycles
        cells = [self.layer, self.tokens, what, self.slices, rows]
        for count, base, limit in zip(cycles, self.base, limits):
            cells += [f"{count:,}", f"{count / base:.3f}x",
                      f"{100 * limit / count:.1f} %"]
        print("| " + " | ".join(map(str, cells)) + " |", flush=True)

    def measure(self, what, *choices):
        refused = self.compile(*choices)
        if refused:
            print(f"| {self.layer} | {self.tokens} | {what} | | | "
                  f"refused: {refused} | | | | | |", flush=True)
            return None
        summaries = [self.simulate(dram) for dram in ("ideal", "bandwidth")]
        limits = [max(s["limit_cycles"].values()) for s in summaries]
        self.print(what, [s["cycles"] for s in summaries], limits,
                   self.rows("reuse=0" not in choices))
        return summaries, limits


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=pathlib.Path, required=True)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build")
    parser.add_argument("--machine", type=pathlib.Path,
                        default=ROOT / "machines/fetta-edge.yaml")
    options = parser.parse_args()
    for path in ("folder", "build", "machine"):
        setattr(options, path, getattr(options, path).resolve())
    print("| layer | tokens | | slices | rows | ideal DRAM: cycles | | share | "
          "DRAM of the machine: cycles | | share |")
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    for layer, tokens, slices in STEPS:
        step = Step(layer, tokens, slices,
                    options.folder / f"{layer}-{tokens}", options)
        base = step.measure("everything on", f"slices={step.slices}")
        if not base:
            continue
        serial = step.serial(base[0])
        # As many slices for all, also where that was found by fitting.
        same = f"slices={step.slices}"
        step.print("no queues", serial, base[1])
        step.measure("program order", same, "schedule=0")
        step.measure("layouts one by one", same, "layouts=separate")
        if step.slices > 1:
            step.measure("one slice", "slices=1")
        step.measure("no memory reuse", same, "reuse=0")


if __name__ == "__main__":
    main()
