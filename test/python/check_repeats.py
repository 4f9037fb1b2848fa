# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Training steps whose steady state is written as a repeat.

Of every step, which the pipeline compiles as a few slices that repeat: written
out, rolled and unrolled, the same bytes as before; rolled, by the pipeline or
again, the same values and cycles; with more iterations, the values of the
larger batch, bit for bit those of the scalar reference and within the bound of
float64.

Usage: check_repeats.py FOLDER --layers NAME,... --tokens N,... --slices N,...
       --machines FILE,... [--cap N] [--more N]

The lists are walked together, as long as the layers.
"""

import argparse
import itertools
import math
import pathlib
import re
import sys

import numpy as np

import scalar_reference
from check_suite import ROOT, Program, run, suite
from fetta.inputs import example_inputs
from fetta.signature import Array, parse_signature


class Step:
    def __init__(self, folder, layer, machine, slices):
        self.program = Program(folder, layer, machine, slices)
        self.folder, self.layer = folder, layer
        if "fetta.repeat" not in self.program.text:
            sys.exit(f"{folder}: nothing is repeated")
        # Written out, as a program in which nothing is rolled.
        (folder / "P.mlir").rename(folder / "O.mlir")
        self.opt("O", "P", "--fetta-unroll-repeats")
        self.program.binary = self.program.translate("P")

    def opt(self, source, target, *options):
        run("fetta-opt", self.folder / f"{source}.mlir", *options, "-o",
            self.folder / f"{target}.mlir")
        return (self.folder / f"{target}.mlir").read_text()

    def outputs(self):
        return {path.name: path.read_bytes()
                for path in (self.folder / "outputs").iterdir()}

    def check_rolled(self):
        """Same bytes, values and cycles; returns the number of iterations."""
        program = self.program
        rolled = self.opt("P", "R", "--fetta-roll-slices")
        count = re.search(r"fetta\.repeat (\d+)", rolled)
        if not count:
            sys.exit(f"{self.folder}: nothing is repeated")
        self.opt("R", "U", "--fetta-unroll-repeats")
        flat = program.binary.read_bytes()
        if program.translate("U").read_bytes() != flat:
            sys.exit(f"{self.folder}: unrolled, the program is another one")
        expected = {}
        for name in ("P", "R", "O"):
            program.binary = program.translate(name)
            for dram in ("bandwidth", "ideal"):
                summary, _ = program.run_values(dram)
                found = (summary["cycles"], self.outputs())
                if expected.setdefault(dram, found) != found:
                    sys.exit(f"{self.folder}: rolled, values or cycles differ "
                             f"({dram})")
        if len(program.binary.read_bytes()) >= len(flat):
            sys.exit(f"{self.folder}: rolled, the binary is no smaller")
        return int(count[1])

    def check_more(self, more):
        """Values of the larger batch; returns its size."""
        program, folder = self.program, self.folder
        advance, shape = re.search(
            r"load %arg0 at \d+ advance (\d+) .*?: tensor<([\dx]+)xbf16>",
            (folder / "R.mlir").read_text()).groups()
        per_token = math.prod(map(int, shape.split("x")[1:]))
        batch = self.layer.tokens + more * int(advance) // per_token
        self.opt("P", "E", f"--fetta-roll-slices=batch={batch}")
        model = suite.module(self.layer.with_tokens(batch), "check_repeats.py")
        (folder / "e.mlir").write_text(model)
        signature = parse_signature(model)
        inputs = example_inputs(
            list(signature.arguments) + [Array("d_y", signature.results[0].shape,
                                               "bf16")], seed=batch)
        for name, value in inputs.items():
            np.save(folder / "inputs" / f"{name}.npy", value)
        program.binary = program.translate("E")
        program.run_values("bandwidth")
        flat = self.opt("E", "F", "--fetta-unroll-repeats")
        results, _ = scalar_reference.evaluate(flat, inputs)
        for name, expected in results.items():
            actual = np.load(folder / "outputs" / f"{name}.npy")
            if not scalar_reference.same_bits(actual.astype(np.float32),
                                              expected).all():
                sys.exit(f"{folder}: {name} differs from the scalar reference")
        run(sys.executable, ROOT / "test/python/check_step_values.py",
            folder / "e.mlir", folder / "F.mlir", "--inputs", folder / "inputs",
            "--actual", folder / "outputs")
        return batch


def main():
    def names(text):
        return text.split(",")
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=pathlib.Path)
    for option in ("--layers", "--tokens", "--slices", "--machines"):
        parser.add_argument(option, type=names, required=True)
    parser.add_argument("--cap", type=int)
    parser.add_argument("--more", type=int, default=3)
    options = parser.parse_args()
    layers = suite.load()
    turns = zip(options.layers, itertools.cycle(options.tokens),
                itertools.cycle(options.slices), itertools.cycle(options.machines))
    for number, (name, tokens, slices, machine) in enumerate(turns):
        layer = layers[name].with_tokens(int(tokens))
        if options.cap:
            layer = layer.capped(options.cap)
        step = Step(options.folder / str(number), layer, machine, slices)
        count = step.check_rolled()
        batch = step.check_more(options.more)
        print(f"{name}, {tokens} tokens: {count} iterations are one; {batch} "
              f"tokens with {options.more} more", flush=True)


if __name__ == "__main__":
    main()
