#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""All values of the training step of one einsum against float64.

Usage: check_step_values.py MODEL.mlir PROGRAM.mlir --inputs DIR --actual DIR
       [--native DIR] [--fetta-path BINARY]

Result and gradients of the tnn.einsum in MODEL.mlir are worked out in float64:
forward on one tree of contractions, backward by reverse mode on the same tree,
piece by piece of the batch, so that layers of 10^11 multiply-adds take a minute
(with a BLAS behind NumPy) and little memory. Any tree has the same exact result;
fetta-path only says which is cheap.

The tolerance is no constant. Where no input is negative, every element may be
off by the roundings that stand in the mapped PROGRAM.mlir on the way to it, in
the worst case (Higham, section 3.1): a contraction multiplies the factor of its
operands by 1 + gamma(d), d being the additions behind a product (rows of the
array, stages of the reduction network, accumulations, partial sums), and by 1 +
2^-8 where its result is bfloat16. With signs, sums cancel, and a bound relative
to the sums of absolute values says next to nothing for large layers; there the
error of an array in the 2-norm, relative to the array, must stay below the same
figure. That is no theorem, but a lost term or slice shows.

--native compares the arrays of a native run (fetta-run --training) in the same
way, with gamma of the length of every sum, as nothing is known of its order.
"""

import argparse
import json
import math
import pathlib
import re
import subprocess
import sys

import numpy as np

import fetta
from fetta.bounds import BF16_UNIT_ROUNDOFF, gamma
from fetta.signature import parse_signature
from scalar_reference import Contraction

# Elements of the largest array that a piece of the batch makes.
PIECE_ELEMENTS = 1 << 25


def parse_einsum(text):
    return fetta.Einsum(re.search(r'tnn\.einsum "([^"]*)"', text)[1])


#===------------------------------------------------------------------------===#
# Float64
#===------------------------------------------------------------------------===#

def contract(a, a_modes, b, b_modes, modes):
    """Sums over what is not in `modes`, as a product of matrices. Modes of one
    operand alone must be in the result."""
    both = [m for m in a_modes if m in b_modes]
    batch = [m for m in both if m in modes]
    summed = [m for m in both if m not in modes]
    rows = [m for m in a_modes if m not in b_modes]
    columns = [m for m in b_modes if m not in a_modes]
    size = dict(zip(a_modes, a.shape)) | dict(zip(b_modes, b.shape))

    def matrix(array, of, *groups):
        order = [of.index(m) for group in groups for m in group]
        return array.transpose(order).reshape(
            [math.prod(size[m] for m in group) for group in groups])
    product = np.matmul(matrix(a, a_modes, batch, rows, summed),
                        matrix(b, b_modes, batch, summed, columns))
    order = batch + rows + columns
    return product.reshape([size[m] for m in order]).transpose(
        [order.index(m) for m in modes])


class Step:
    """The tree: `values` are the modes of operands, then of every step; `steps`
    are triples of values (left, right, result)."""

    def __init__(self, einsum, sizes, path):
        self.values, self.steps = [list(m) for m in einsum.inputs], []
        self.batch = einsum.inputs[0][0]
        self.leaves = len(self.values)
        here = list(range(self.leaves))
        for pair in path:
            left, right = (here[k] for k in pair)
            here = [v for k, v in enumerate(here) if k not in pair]
            left_modes, right_modes = self.values[left], self.values[right]
            wanted = set(einsum.output).union(*(self.values[v] for v in here))
            modes = [m for m in dict.fromkeys(left_modes + right_modes)
                     if m in wanted]
            if not here:
                modes = list(einsum.output)
            here.append(len(self.values))
            self.steps.append((left, right, here[-1]))
            self.values.append(modes)
        largest = max(math.prod(sizes[m] for m in modes if m != self.batch)
                      for modes in self.values if self.batch in modes)
        self.piece = max(1, min(sizes[self.batch], PIECE_ELEMENTS // largest))

    def moves(self, value):
        """Whether the value has the batch."""
        return self.batch in self.values[value]

    def forward(self, known, moving):
        for left, right, result in self.steps:
            if self.moves(result) == moving:
                known[result] = contract(
                    known[left], self.values[left], known[right],
                    self.values[right], self.values[result])

    def backward(self, known, gradients, moving):
        for left, right, result in reversed(self.steps):
            if self.moves(result) != moving:
                continue
            for to, other in ((left, right), (right, left)):
                part = contract(gradients[result], self.values[result],
                                known[other], self.values[other],
                                self.values[to])
                gradients[to] = gradients[to] + part if to in gradients else part
            del gradients[result]

    def run(self, operands, d_result):
        """Result and gradients of all operands, float64."""
        tokens = operands[0].shape[0]
        known = {k: np.asarray(a, np.float64) for k, a in enumerate(operands)
                 if k}
        root = self.steps[-1][2]
        self.forward(known, moving=False)
        sums, results, d_inputs = {}, [], []
        for start in range(0, tokens, self.piece):
            part = slice(start, start + self.piece)
            here = dict(known)
            here[0] = np.asarray(operands[0][part], np.float64)
            self.forward(here, moving=True)
            results.append(here[root])
            gradients = {root: np.asarray(d_result[part], np.float64)}
            self.backward(here, gradients, moving=True)
            d_inputs.append(gradients.pop(0))
            for value, gradient in gradients.items():
                sums[value] = sums[value] + gradient if value in sums else gradient
        self.backward(known, sums, moving=False)
        return [np.concatenate(results), np.concatenate(d_inputs)] + [
            sums[k] for k in range(1, self.leaves)]


#===------------------------------------------------------------------------===#
# Roundings
#===------------------------------------------------------------------------===#

def additions(contraction, sizes):
    """The most additions behind a product: down the rows, in the network, and in
    PE registers or accumulators."""
    summed = {m for m in sizes if m not in contraction.c}
    rows = 2 ** len(contraction.row) if contraction.dataflow != \
        "output_stationary" else 1
    stages = sum(1 for bit in contraction.ce if bit and bit[0] in summed)
    return rows + stages + math.prod(count for mode, count, _ in
                                     contraction.loops if mode in summed)


def length(contraction, sizes):
    """The same for any order of the sum."""
    return math.prod(size for mode, size in sizes.items()
                     if mode not in contraction.c)


def rounding_factors(text, depth):
    """1 + the relative bound of every result of a mapped program, by name.
    `depth` says how many additions are behind a product of a contraction."""
    signature = re.search(r"func\.func @\w+\((.*?)\)(?: -> (.*?))? \{\n", text, re.S)
    names = re.findall(r'tnn\.name = "([^"]*)"', signature[2])
    factor = {}
    for line in re.sub(r"\n {8}", " ", text[signature.end():]).splitlines():
        line = line.strip()
        if line.startswith("return"):
            values = re.findall(r"%[\w#]+", line)
            return {name: factor[value] for name, value in
                    zip(names, values, strict=True)}
        head = re.match(r"(%[\w#]+) = ([\w.]+) ", line)
        if not head:
            continue
        operands = re.findall(r"%[\w#]+", line[head.end():])
        known = [factor.get(value, 1.0) for value in operands]
        if head[2] != "fetta.contract":
            factor[head[1]] = max(known, default=1.0)
            continue
        found = re.search(r'"([^"]*)".*? (\w+_stationary) +lanes <([^>]*)> +'
                          r"loops <([^>]*)> .*: (.*) -> tensor<(.*)$", line)
        contraction = Contraction(*found.groups()[:4])
        shapes = [[int(size) for size in shape.split("x")[:-1]]
                  for shape in re.findall(r"tensor<([\dxbf]+)", found[5])]
        sizes = dict(zip(contraction.a, shapes[0])) | \
            dict(zip(contraction.b, shapes[1]))
        more = len(operands) > 2
        value = known[0] * known[1]
        value = (max(value, known[2]) if more else value) * \
            (1 + gamma(depth(contraction, sizes) + more))
        if "bf16" in found[6].split(",")[0]:
            value *= 1 + BF16_UNIT_ROUNDOFF
        factor[head[1]] = value
    raise SystemExit("the program returns nothing")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=pathlib.Path)
    parser.add_argument("program", type=pathlib.Path)
    parser.add_argument("--inputs", required=True)
    parser.add_argument("--actual", required=True)
    parser.add_argument("--native")
    parser.add_argument("--fetta-path", default="fetta-path")
    options = parser.parse_args()
    text = options.model.read_text()
    einsum, signature = parse_einsum(text), parse_signature(text)
    inputs = fetta.load_arrays(options.inputs)
    names = [argument.name for argument in signature.arguments]
    result = signature.results[0].name
    operands = [inputs[name] for name in names]
    sizes = einsum.sizes(operands)
    found = subprocess.run(
        [options.fetta_path, str(einsum), "--sizes",
         ",".join(f"{m}={s}" for m, s in sizes.items()), "--json"],
        capture_output=True, text=True, check=True)
    step = Step(einsum, sizes, json.loads(found.stdout)["path"])
    arrays = [result] + ["d_" + name for name in names]
    expected = dict(zip(arrays, step.run(operands, inputs["d_" + result])))
    positive = all(np.min(a) >= 0 for a in (*operands, inputs["d_" + result]))
    program = options.program.read_text()
    compare("", options.actual, expected, rounding_factors(program, additions),
            positive)
    if options.native:
        compare("native run: ", options.native, expected,
                rounding_factors(program, length), positive)


def compare(what, folder, expected, factors, positive):
    """Prints how far the arrays of a folder are off; exits beyond the bound."""
    largest = 0.0
    for name, value in expected.items():
        actual = np.load(pathlib.Path(folder) / f"{name}.npy")
        bound = factors[name] - 1
        error = actual.astype(np.float64) - value
        if positive:
            worst = float(np.max(abs(error) / value))
        else:
            worst = float(np.linalg.norm(error) / np.linalg.norm(value))
        largest = max(largest, worst / bound)
        print(f"{what}{name}: relative error {worst:.2e}, bound {bound:.2e}")
        if not worst <= bound:
            sys.exit(f"{what}{name} is beyond the bound")
    how = "" if positive else " in the 2-norm"
    print(f"{what}{len(expected)} arrays within the bound{how}, at most "
          f"{largest:.2f} of it")


if __name__ == "__main__":
    main()
