#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes a linear layer with a decomposed weight as MLIR: a TT or TTM layer of
any shape as tnn.linear, or a layer of the suite (Suite.def) as tnn.einsum.

The defaults are the layer of models/atis-tt-linear.mlir. Examples:

  models/generate.py --tokens 256
  models/generate.py --format ttm --out-modes 12,8,8 --in-modes 10,10,10 --ranks 30
  models/generate.py --list
  models/generate.py --suite BT_UCF --tokens 4
"""

import argparse
import math
import sys

import suite


def sizes(text):
    """A comma-separated list of positive integers."""
    values = [int(part) for part in text.split(",")]
    if not values or min(values) < 1:
        raise argparse.ArgumentTypeError(f"expected positive integers, got '{text}'")
    return values


def core_shapes(form, out_modes, in_modes, ranks):
    """Shapes of the cores as `#tnn.tt` and `#tnn.ttm` define them."""
    if form == "tt":
        return [
            (ranks[k], mode, ranks[k + 1]) for k, mode in enumerate(out_modes + in_modes)
        ]
    return [
        (ranks[k], out, in_, ranks[k + 1])
        for k, (out, in_) in enumerate(zip(out_modes, in_modes))
    ]


def tensor(shape, element_type):
    return "tensor<" + "x".join(map(str, shape)) + "x" + element_type + ">"


def layer(form, tokens, out_modes, in_modes, ranks, element_type, bias, command):
    """The text of a module with one function `forward`."""
    shapes = core_shapes(form, out_modes, in_modes, ranks)
    x = tensor((tokens, math.prod(in_modes)), element_type)
    y = tensor((tokens, math.prod(out_modes)), element_type)
    arguments = [("x", x, "input")]
    arguments += [
        (f"g{k}", tensor(shape, element_type), "param") for k, shape in enumerate(shapes)
    ]
    if bias:
        arguments.append(
            ("bias", tensor((math.prod(out_modes),), element_type), "param")
        )
    signature = ",\n                   ".join(
        f'%{name}: {type_} {{tnn.name = "{name}", tnn.role = "{role}"}}'
        for name, type_, role in arguments
    )
    cores = ", ".join(f"%g{k}" for k in range(len(shapes)))
    bias_operand = " bias(%bias)" if bias else ""
    types = ", ".join(type_ for _, type_, _ in arguments)
    return f"""\
// {form.upper()} linear layer {math.prod(out_modes)}x{math.prod(in_modes)}: output \
modes {tuple(out_modes)}, input modes {tuple(in_modes)},
// ranks {tuple(ranks)}, {tokens} tokens. Written by {command}.
func.func @forward({signature})
    -> ({y} {{tnn.name = "y"}}) {{
  %y = tnn.linear #tnn.{form}<out = {out_modes}, in = {in_modes}, ranks = {ranks}>
      %x, cores({cores}){bias_operand}
      : ({types})
      -> {y}
  return %y : {y}
}}
"""


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--suite", metavar="NAME", help="this layer of the suite, modes and ranks included"
    )
    parser.add_argument(
        "--list", action="store_true", help="print the layers of the suite and stop"
    )
    parser.add_argument("--format", choices=["tt", "ttm"], default="tt")
    parser.add_argument(
        "--tokens", type=int, help="default: 32, with --suite the layer's usual batch"
    )
    parser.add_argument("--out-modes", type=sizes, default=[12, 8, 8])
    parser.add_argument("--in-modes", type=sizes, default=[8, 8, 12])
    parser.add_argument(
        "--ranks",
        type=sizes,
        default=[12],
        help="one rank for all, or the inner ranks (boundary ranks are 1)",
    )
    parser.add_argument("--element-type", choices=["bf16", "f32"], default="bf16")
    parser.add_argument("--bias", action="store_true", help="add a bias")
    args = parser.parse_args()

    if args.list:
        sys.stdout.write(suite.listing(suite.load()))
        return
    if args.tokens is not None and args.tokens < 1:
        parser.error(f"--tokens should be positive, got {args.tokens}")
    command = " ".join(["models/generate.py"] + sys.argv[1:])
    if args.suite is not None:
        layers = suite.load()
        if args.suite not in layers:
            parser.error(
                f"no layer '{args.suite}' in the suite; it has {', '.join(layers)}"
            )
        chosen = layers[args.suite]
        if args.tokens:
            chosen = chosen.with_tokens(args.tokens)
        if args.bias:
            parser.error("--bias: the layers of the suite are einsums and have none")
        for option in ("format", "out_modes", "in_modes", "ranks"):
            if getattr(args, option) != parser.get_default(option):
                parser.error(
                    f"--{option.replace('_', '-')}: --suite {args.suite} has its own"
                )
        sys.stdout.write(suite.module(chosen, command, args.element_type))
        return
    cores = len(args.out_modes)
    if args.format == "tt":
        cores += len(args.in_modes)
    elif len(args.in_modes) != cores:
        parser.error(
            "ttm pairs output and input modes: got "
            f"{cores} and {len(args.in_modes)} of them"
        )
    inner = args.ranks * (cores - 1) if len(args.ranks) == 1 else args.ranks
    if len(inner) != cores - 1:
        parser.error(f"{cores} cores have {cores - 1} inner ranks, got {len(inner)}")
    sys.stdout.write(
        layer(
            args.format,
            args.tokens or 32,
            args.out_modes,
            args.in_modes,
            [1] + inner + [1],
            args.element_type,
            args.bias,
            command,
        )
    )


if __name__ == "__main__":
    main()
