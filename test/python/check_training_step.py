# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Result and gradients of one TT layer against float64.

Usage: check_training_step.py EINSUM --inputs DIR --actual DIR
Arrays: x, g0, g1, ... and d_y in; y, d_x, d_g0, ... out. Every phase of a layer
with n tensors is a tree of n - 1 contractions, so its error bound is that of
such a chain; the summed length of a step is at most that of all modes.
"""

import argparse
import math
import sys

import numpy as np

import fetta


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("einsum")
    parser.add_argument("--inputs", required=True)
    parser.add_argument("--actual", required=True)
    options = parser.parse_args()
    einsum = fetta.Einsum(options.einsum)
    inputs = fetta.load_arrays(options.inputs)
    actual = fetta.load_arrays(options.actual)
    names = ["x"] + [f"g{k}" for k in range(len(einsum.inputs) - 1)]
    shapes = [inputs[name].shape for name in names]

    # Boundary ranks of 1 and merged features are no modes of the einsum.
    sizes = {}
    for name, modes in zip(names[1:], einsum.inputs[1:]):
        sizes.update(zip(modes, [n for n in inputs[name].shape if n != 1]))
    sizes["b"] = inputs["x"].shape[0]
    def view(array, modes):
        return array.astype(np.float64).reshape([sizes[mode] for mode in modes])
    operands = [view(inputs[name], modes)
                for name, modes in zip(names, einsum.inputs)]
    d_y = view(inputs["d_y"], einsum.output)

    expected = {"y": einsum(*operands).reshape(inputs["d_y"].shape)}
    magnitude = {"y": einsum(*map(abs, operands)).reshape(inputs["d_y"].shape)}
    gradients = einsum.gradients(operands, d_y)
    magnitudes = einsum.gradients([abs(a) for a in operands], abs(d_y))
    for name, shape, value, size in zip(names, shapes, gradients, magnitudes):
        expected["d_" + name] = value.reshape(shape)
        magnitude["d_" + name] = size.reshape(shape)

    summed = math.prod(sizes.values())
    longest = min(summed, max(math.prod(a.shape) for a in operands + [d_y]))
    bound = fetta.chain_bound([longest] * (len(names) - 1))
    for name, value in expected.items():
        error = abs(actual[name].astype(np.float64) - value)
        worst = float(np.max(error / magnitude[name]))
        print(f"{name}: {worst:.2e} of the magnitude, bound {bound:.2e}")
        if not worst <= bound:
            sys.exit(f"{name} is beyond the bound")
    print(f"{len(expected)} arrays within the bound")


if __name__ == "__main__":
    main()
