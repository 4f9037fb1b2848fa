# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Compares what einsum.mlir computed with the FP64 reference."""

import pathlib
import sys

import numpy as np

from fetta import Einsum, F32_UNIT_ROUNDOFF, chain_bound, load_arrays

folder = pathlib.Path(sys.argv[1])
inputs = load_arrays(folder / "in")
forward, step = load_arrays(folder / "fp"), load_arrays(folder / "step")
einsum = Einsum("b i j, j r, i r o,  -> b o")
names = ["input", "g0", "g1", "s"]
operands = [inputs[name] for name in names]


def check(name, actual, expected, magnitude):
    # At most three contractions, each over at most 5 * 6 products.
    bound = chain_bound([30, 30, 30], F32_UNIT_ROUNDOFF) * magnitude
    assert actual.dtype == np.float32 and actual.shape == expected.shape, name
    assert (np.abs(actual - expected) <= bound).all(), name


assert sorted(forward) == ["result1", "y"], sorted(forward)
assert sorted(step) == ["d_g0", "d_g1", "d_input", "d_s", "result1", "y"], sorted(step)
for outputs in (forward, step):
    check("y", outputs["y"], einsum(*operands), einsum.magnitude(*operands))
    np.testing.assert_array_equal(outputs["result1"], inputs["input"])
gradients = einsum.gradients(operands, inputs["d_y"])
magnitudes = einsum.gradients([np.abs(o) for o in operands], np.abs(inputs["d_y"]))
# The input is a result, too: its own gradient adds up.
gradients[0] = gradients[0] + inputs["d_result1"]
magnitudes[0] = magnitudes[0] + np.abs(inputs["d_result1"])
for name, gradient, magnitude in zip(names, gradients, magnitudes):
    check(name, step["d_" + name], gradient, magnitude)
