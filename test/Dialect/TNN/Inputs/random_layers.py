# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Checks the values of ordered training steps of random layers.

Each layer goes through expansion, differentiation and ordering; the printed
contractions are then executed one by one with NumPy in FP64 and compared with
the dense weight: Y = X W^T, dX = dY W, and for each core the einsum over all
other stored cores. The reference shares nothing with the compiler but the
definition of the formats.

Usage: random_layers.py [TRIALS [SEED]]
"""

import os
import random
import re
import string
import subprocess
import sys

import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../../../../models"))
import generate  # noqa: E402


def draw(rng):
    """Arguments of a random layer."""
    form = rng.choice(["tt", "ttm"])
    numbers = [rng.randint(1, 4), rng.randint(1, 4)]
    if form == "ttm":
        numbers[1] = numbers[0]
    out_modes, in_modes = ([rng.randint(1, 4) for _ in range(n)] for n in numbers)
    cores = numbers[0] if form == "ttm" else sum(numbers)
    ranks = [1] + [rng.randint(1, 5) for _ in range(cores - 1)] + [1]
    return form, rng.randint(1, 9), out_modes, in_modes, ranks


def reference(form, out_modes, in_modes, x, cores, dy):
    """Y, dX and the gradients of the stored cores."""
    letters = iter(string.ascii_letters)
    ranks = [next(letters) for _ in range(len(cores) + 1)]
    outs = [next(letters) for _ in out_modes]
    ins = [next(letters) for _ in in_modes]
    if form == "tt":
        terms = [ranks[k] + m + ranks[k + 1] for k, m in enumerate(outs + ins)]
    else:
        terms = [
            ranks[k] + outs[k] + ins[k] + ranks[k + 1] for k in range(len(cores))
        ]
    weight_modes = "".join(outs + ins)
    weight = np.einsum(",".join(terms) + "->" + weight_modes, *cores, optimize=True)
    d_weight = (dy.T @ x).reshape(weight.shape)
    gradients = []
    for k, core in enumerate(cores):
        # Boundary ranks of 1 on one tensor only are put back by the reshape.
        others = [weight_modes] + terms[:k] + terms[k + 1 :]
        kept = "".join(mode for mode in terms[k] if any(mode in t for t in others))
        gradient = np.einsum(
            ",".join(others) + "->" + kept,
            d_weight,
            *cores[:k],
            *cores[k + 1 :],
            optimize=True,
        )
        gradients.append(gradient.reshape(core.shape))
    weight = weight.reshape(dy.shape[1], x.shape[1])
    return [x @ weight.T, dy @ weight] + gradients


def shape_of(type_):
    return [int(size) for size in re.findall(r"(\d+)x", type_)]


def contract(spec, lhs, rhs):
    """An einsum of named modes."""
    letters = {}
    for mode in re.findall(r"\w+", spec):
        letters.setdefault(mode, string.ascii_letters[len(letters)])
    terms = re.sub(r"\w+", lambda match: letters[match.group()], spec)
    return np.einsum(terms.replace(" ", ""), lhs, rhs)


def execute(text, arrays):
    """Runs a printed function on its arguments."""
    header, body = text.split("{\n", 2)[1:]
    values = dict(zip(re.findall(r"(%\w+): tensor", header), arrays, strict=True))
    for line in body.splitlines():
        if match := re.match(r'\s*(%\w+) = tnn.contract "(.*?)" (%\w+), (%\w+)', line):
            result, spec, lhs, rhs = match.groups()
            values[result] = contract(spec, values[lhs], values[rhs])
        elif match := re.match(
            r"\s*(%\w+) = tensor.(?:expand|collapse)_shape (%\w+) .* into (\S+)", line
        ):
            result, source, type_ = match.groups()
            values[result] = values[source].reshape(shape_of(type_))
        elif line.strip().startswith("return"):
            return [values[name] for name in re.findall(r"%\w+", line)]
        else:
            sys.exit(f"cannot execute: {line}")
    sys.exit("no return")


def check(order, trials, seed):
    rng, arrays = random.Random(seed), np.random.default_rng(seed)
    layers = [draw(rng) for _ in range(trials)]
    marker = "// -----\n"
    run = subprocess.run(
        [
            "fetta-opt",
            "--split-input-file",
            "--tnn-expand-layers",
            "--tnn-differentiate",
            f"--tnn-order-contractions=order={order}",
        ],
        input=marker.join(
            generate.layer(*layer, "f32", False, "a test") for layer in layers
        ),
        capture_output=True,
        text=True,
    )
    if run.returncode:
        sys.exit(run.stderr)
    for layer, text in zip(layers, run.stdout.split(marker), strict=True):
        form, tokens, out_modes, in_modes, ranks = layer
        x = arrays.standard_normal((tokens, np.prod(in_modes)))
        dy = arrays.standard_normal((tokens, np.prod(out_modes)))
        cores = [
            arrays.standard_normal(shape)
            for shape in generate.core_shapes(form, out_modes, in_modes, ranks)
        ]
        found = execute(text, [x, *cores, dy])
        wanted = reference(form, out_modes, in_modes, x, cores, dy)
        for number, (a, b) in enumerate(zip(found, wanted, strict=True)):
            if a.shape != b.shape or not np.allclose(a, b, rtol=1e-9, atol=1e-9):
                sys.exit(f"seed {seed}, order {order}: result {number} of {layer}")
    print(f"seed {seed}, order {order}: {trials} layers agree")


def main():
    trials = int(sys.argv[1]) if len(sys.argv) > 1 else 30
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    for order in ["csse", "btt", "right-to-left", "cores-first", "greedy"]:
        check(order, trials, seed)


if __name__ == "__main__":
    main()
