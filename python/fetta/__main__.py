# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Command line: python3 -m fetta --help."""

import argparse
import pathlib
import sys

from .arrays import deviation, load_arrays, save_arrays
from .inputs import example_inputs
from .signature import Array, parse_signature


def _example_inputs(options):
    text = sys.stdin.read() if options.module == "-" else \
        pathlib.Path(options.module).read_text()
    signature = parse_signature(text, options.function)
    arguments = list(signature.arguments)
    if options.gradients:
        arguments += [Array("d_" + result.name, result.shape, result.element)
                      for result in signature.results]
    arrays = example_inputs(arguments, options.seed, options.positive)
    save_arrays(options.outputs, arrays)
    for argument in arguments:
        shape = "x".join(map(str, argument.shape)) or "scalar"
        print(f"{argument.name}.npy: {shape} {argument.element}")
    return 0


def _compare(options):
    actual, expected = load_arrays(options.actual), load_arrays(options.expected)
    if not expected:
        raise ValueError(f"no .npy file in '{options.expected}'")
    worst = 0.0
    for name, array in expected.items():
        if name not in actual:
            raise ValueError(f"'{options.actual}' has no {name}.npy")
        value = deviation(actual[name], array)
        worst = max(worst, value)
        print(f"{name}: {value:.3g}")
    if worst > options.tolerance:
        print(f"largest deviation {worst:.3g} is above {options.tolerance:.3g}")
        return 1
    return 0


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python3 -m fetta")
    commands = parser.add_subparsers(dest="command", required=True)

    command = commands.add_parser(
        "example-inputs", help="write seeded .npy arrays for a function's arguments")
    command.add_argument("module", help="MLIR text; - is standard input")
    command.add_argument("--function", help="default: the first one")
    command.add_argument("--outputs", required=True, metavar="DIR")
    command.add_argument("--seed", type=int, default=0)
    command.add_argument("--positive", action="store_true",
                         help="absolute values")
    command.add_argument("--gradients", action="store_true",
                         help="also a gradient d_<result> for every result, as a "
                              "training step needs it")
    command.set_defaults(run=_example_inputs)

    command = commands.add_parser(
        "compare", help="print, for every array of a folder, the largest deviation "
                        "relative to the largest magnitude")
    command.add_argument("actual", metavar="DIR")
    command.add_argument("expected", metavar="DIR")
    command.add_argument("--tolerance", type=float, default=float("inf"),
                         help="exit with 1 above this deviation")
    command.set_defaults(run=_compare)

    options = parser.parse_args(arguments)
    try:
        return options.run(options)
    except (OSError, ValueError) as error:
        print(f"fetta: error: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
