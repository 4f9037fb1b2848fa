# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Training steps of the suite's layers through compiler, binary and simulator.

Of every step: values bit for bit those of the scalar reference; both levels of
the timing model, with each DRAM model: the same values bit for bit, cycles that
are close and never below the limit; no machine with a worse parameter is faster.

Usage: check_suite.py FOLDER --machines FILE,... [--layers NAME,...]
       [--tokens N,...] [--slices N,...] [--cap N] [--set KEY=VALUE,...]
       [--level2] [--sensitivity]

The lists are walked together, each from its start again, until every layer had
its turn with --steps steps in all. --cap makes the modes and ranks small. --set
changes keys of the machine files.
"""

import argparse
import itertools
import json
import pathlib
import re
import subprocess
import sys

import numpy as np

import scalar_reference
from fetta.inputs import example_inputs
from fetta.signature import Array, parse_signature

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "models"))
import suite  # noqa: E402

# Twice the latency, half the rate, a smaller store: (key, change).
WORSE = [(key, lambda value: 2 * value) for key in
         ("memory_read_cycles", "multiply_cycles", "column_add_cycles",
          "reduction_add_cycles", "accumulate_cycles", "convert_write_cycles",
          "fp32_add_distance_cycles", "dram_latency_cycles",
          "dram_burst_bytes")] + \
        [(key, lambda value: value // 2) for key in
         ("switch_stages_per_cycle", "route_bytes_per_cycle",
          "dram_bytes_per_second")]
# Level 1 against level 2: a step, and the mean over all of them.
WORST, MEAN = 0.05, 0.01
# Where two engines want one slab, a worse machine may gain a little
# (docs/Simulator.md).
GAIN = 0.02


class Refused(Exception):
    pass


def run(*command):
    done = subprocess.run([str(part) for part in command], capture_output=True,
                          text=True, check=False)
    if done.returncode:
        raise Refused(f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}")
    return done.stdout


def write_machine(source, changes, path):
    """A copy of a machine file with other values; returns its path."""
    text = pathlib.Path(source).read_text()
    for key, value in changes.items():
        text, count = re.subn(rf"(?m)^{key}: {{value: [^,}}]*",
                              f"{key}: {{value: {value}", text)
        if count != 1:
            sys.exit(f"{source}: {count} values of {key}")
    path.write_text(text)
    return path


class Program:
    """A compiled training step in a folder."""

    def __init__(self, folder, layer, machine, slices):
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        model = suite.module(layer, "check_suite.py")
        (folder / "m.mlir").write_text(model)
        run("fetta-opt", folder / "m.mlir",
            f"--fetta-compile-training=machine={machine} slices={slices}",
            "-o", folder / "P.mlir")
        self.text = (folder / "P.mlir").read_text()
        self.binary = self.translate("P")
        signature = parse_signature(model)
        self.inputs = example_inputs(
            list(signature.arguments) + [Array("d_y", signature.results[0].shape,
                                               "bf16")], seed=layer.tokens)
        (folder / "inputs").mkdir(exist_ok=True)
        for name, value in self.inputs.items():
            np.save(folder / "inputs" / f"{name}.npy", value)

    def translate(self, name):
        binary = self.folder / f"{name}.fbin"
        run("fetta-translate", "--fetta-to-binary", self.folder / f"{name}.mlir",
            "-o", binary)
        return binary

    def on_worse(self, key, change):
        """The same program on a machine with another value of `key`."""
        def new(match):
            return f"{key} = {change(int(match[1]))}"
        text, count = re.subn(rf"\b{key} = (\d+)", new, self.text)
        if count != 1:
            sys.exit(f"{count} values of {key} in the machine")
        (self.folder / "W.mlir").write_text(text)
        return self.translate("W")

    def simulate(self, binary, dram, *arguments):
        """The summary, and what the console showed."""
        report = self.folder / "report"
        said = run("fetta-sim", "run", binary, f"--dram={dram}", "--report",
                   report, "--trace-limit", 1, *arguments)
        return json.loads((report / "summary.json").read_text()), said

    def run_values(self, dram, *arguments):
        return self.simulate(self.binary, dram, "--inputs",
                             self.folder / "inputs", "--outputs",
                             self.folder / "outputs", *arguments)


def conflicts(summary):
    return any(resource["cycles_by_class"].get("slab-conflict")
               for resource in summary["resources"].values())


class Checker:
    def __init__(self, options):
        self.options = options
        self.differences, self.slower = [], {}  # Witnesses by key.
        self.steps = self.contractions = self.strict = 0
        self.wrong = []

    def expect(self, good, what):
        if not good:
            self.wrong.append(f"{self.what}: {what}")
            print(f"  WRONG {what}", flush=True)

    def check(self, name, layer, machine, slices):
        self.what = (f"{name}, {layer.tokens} tokens, "
                     f"{pathlib.Path(machine).stem}, slices={slices}")
        print(self.what, flush=True)
        program = Program(self.options.folder / f"{self.steps}", layer, machine,
                          slices)
        self.steps += 1
        level = ["--level=2"] if self.options.level2 else []
        cycles = {}
        for dram in ("ideal", "bandwidth"):
            summary, said = program.run_values(dram, *level)
            cycles[dram] = summary["cycles"]
            limit = max(summary["limit_cycles"].values())
            self.expect(summary["cycles"] >= limit,
                        f"{dram}: {summary['cycles']} cycles beat the limit of "
                        f"{limit}")
            if level:
                line = re.search(r"level 2: ([\d,]+) cycles", said)
                stepped = int(line[1].replace(",", ""))
                difference = summary["cycles"] / stepped - 1
                self.differences.append(difference)
                if abs(difference) > 0.005:
                    print(f"  {dram}: {summary['cycles']} cycles by level 1, "
                          f"{stepped} by level 2", flush=True)
                self.expect(abs(difference) <= WORST,
                            f"{dram}: {summary['cycles']} cycles by level 1, "
                            f"{stepped} by level 2")
        self.expect(cycles["ideal"] <= cycles["bandwidth"],
                    f"ideal DRAM takes {cycles}")
        self.compare(program)
        if self.options.sensitivity:
            self.check_sensitivity(program)
            self.check_route_slot(name, layer, machine, slices, program)

    def compare(self, program):
        results, count = scalar_reference.evaluate(program.text, program.inputs)
        self.contractions += count
        for name, expected in results.items():
            actual = np.load(program.folder / "outputs" / f"{name}.npy")
            same = scalar_reference.same_bits(actual.astype(np.float32), expected)
            self.expect(same.all(), f"{name}: {np.count_nonzero(~same)} of "
                        f"{same.size} elements differ from the scalar reference")

    def check_sensitivity(self, program):
        base = {dram: program.simulate(program.binary, dram, "--timing-only")[0]
                for dram in ("ideal", "bandwidth")}
        for key, change in WORSE:
            binary = program.on_worse(key, change)
            for dram, before in base.items():
                if dram == "ideal" and key.startswith("dram"):
                    continue
                worse, _ = program.simulate(binary, dram, "--timing-only")
                self.compare_worse(key, dram, before, worse)

    def compare_worse(self, key, dram, base, worse):
        free = not conflicts(base) and not conflicts(worse)
        self.strict += free
        if worse["cycles"] > base["cycles"]:
            self.slower.setdefault(key, self.what)
        least = base["cycles"] * (1 if free else 1 - GAIN)
        self.expect(worse["cycles"] >= least,
                    f"{key}, {dram}: {worse['cycles']} cycles instead of "
                    f"{base['cycles']}")

    def check_route_slot(self, name, layer, machine, slices, program):
        """Another program: a slot is named in the instructions."""
        path = write_machine(machine, {"route_slots": 1},
                             self.options.folder / "one-slot.yaml")
        one = Program(self.options.folder / "one-slot", layer, path, slices)
        for dram in ("ideal", "bandwidth"):
            base, _ = program.simulate(program.binary, dram, "--timing-only")
            worse, _ = one.simulate(one.binary, dram, "--timing-only")
            self.compare_worse("route_slots", dram, base, worse)

    def finish(self):
        self.what = "all steps"
        if self.differences:
            mean = float(np.mean(np.abs(self.differences)))
            print(f"level 1 against level 2, {len(self.differences)} runs: mean "
                  f"difference {100 * mean:.3f} %, signed "
                  f"{100 * float(np.mean(self.differences)):+.3f} %, largest "
                  f"{100 * float(np.max(np.abs(self.differences))):.2f} %")
            self.expect(mean <= MEAN or len(self.differences) < 10,
                        "levels 1 and 2 are too far apart")
        if self.options.sensitivity:
            for key in [key for key, _ in WORSE] + ["route_slots"]:
                print(f"slower by {key}: {self.slower.get(key)}")
                self.expect(key in self.slower, f"{key} costs nothing")
            print(f"{self.strict} pairs without conflicts")
        if self.wrong:
            sys.exit("\n".join(self.wrong))
        print(f"{self.steps} steps, {self.contractions} contractions agree bit "
              "for bit")


def main():
    def names(text):
        return text.split(",")
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--machines", type=names, required=True)
    parser.add_argument("--layers", type=names, default=list(suite.load()))
    parser.add_argument("--tokens", type=names, default=["1", "2", "3", "4"])
    parser.add_argument("--slices", type=names, default=["1", "2"])
    parser.add_argument("--cap", type=int)
    parser.add_argument("--steps", type=int)
    parser.add_argument("--set", type=names, default=[])
    parser.add_argument("--level2", action="store_true")
    parser.add_argument("--sensitivity", action="store_true")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    layers, checker = suite.load(), Checker(options)
    changes = dict(pair.split("=") for pair in options.set)
    machines = [write_machine(path, changes,
                              options.folder / pathlib.Path(path).name)
                for path in options.machines]
    turns = zip(itertools.cycle(options.layers), itertools.cycle(options.tokens),
                itertools.cycle(machines), itertools.cycle(options.slices))
    for name, tokens, machine, slices in itertools.islice(
            turns, options.steps or len(options.layers)):
        layer = layers[name].with_tokens(int(tokens))
        if options.cap:
            layer = layer.capped(options.cap)
        try:
            checker.check(name, layer, machine, slices if slices == "auto"
                          else min(int(slices), layer.tokens))
        except Refused as refused:
            checker.expect(False, str(refused))
    checker.finish()


if __name__ == "__main__":
    main()
