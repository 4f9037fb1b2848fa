#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes a linear layer with a decomposed weight as MLIR: a TT or TTM layer of
any shape as tnn.linear, a stack of such layers, or a layer of the suite
(Suite.def) as tnn.einsum.

The defaults are the layer of models/atis-tt-linear.mlir. Examples:

  models/generate.py --tokens 256
  models/generate.py --format ttm --out-modes 12,8,8 --in-modes 10,10,10 --ranks 30
  models/generate.py --list
  models/generate.py --suite BT_UCF --tokens 4
  models/generate.py --stack 12 --tokens 8
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


def module(comment, arguments, body, result, value):
    """The text of a module with one function `forward`; arguments are names,
    types and roles."""
    signature = ",\n                   ".join(
        f'%{name}: {type_} {{tnn.name = "{name}", tnn.role = "{role}"}}'
        for name, type_, role in arguments
    )
    return f"""\
{comment}
func.func @forward({signature})
    -> ({result} {{tnn.name = "y"}}) {{
{body}  return %{value} : {result}
}}
"""


class Linear:
    """A tnn.linear that makes %name of %x, and the arguments that it adds."""

    def __init__(self, form, out_modes, in_modes, ranks, tokens, element_type, bias):
        def features(modes):
            return tensor((tokens, math.prod(modes)), element_type)

        self.form, self.out_modes, self.in_modes = form, out_modes, in_modes
        self.ranks = ranks
        self.x, self.y = features(in_modes), features(out_modes)
        self.cores = [
            tensor(shape, element_type)
            for shape in core_shapes(form, out_modes, in_modes, ranks)
        ]
        self.bias = tensor((math.prod(out_modes),), element_type) if bias else None

    def parameters(self, prefix=""):
        names = [(f"{prefix}g{k}", type_) for k, type_ in enumerate(self.cores)]
        if self.bias:
            names.append((f"{prefix}bias", self.bias))
        return [(name, type_, "param") for name, type_ in names]

    def text(self, name, x, prefix=""):
        cores = ", ".join(f"%{prefix}g{k}" for k in range(len(self.cores)))
        bias_operand = f" bias(%{prefix}bias)" if self.bias else ""
        types = ", ".join([self.x] + [type_ for _, type_, _ in self.parameters()])
        return f"""\
  %{name} = tnn.linear #tnn.{self.form}<out = {self.out_modes}, in = \
{self.in_modes}, ranks = {self.ranks}>
      %{x}, cores({cores}){bias_operand}
      : ({types})
      -> {self.y}
"""


def layer(form, tokens, out_modes, in_modes, ranks, element_type, bias, command):
    """The text of a module with one layer."""
    linear = Linear(form, out_modes, in_modes, ranks, tokens, element_type, bias)
    comment = f"""\
// {form.upper()} linear layer {math.prod(out_modes)}x{math.prod(in_modes)}: output \
modes {tuple(out_modes)}, input modes {tuple(in_modes)},
// ranks {tuple(ranks)}, {tokens} tokens. Written by {command}."""
    arguments = [("x", linear.x, "input")] + linear.parameters()
    return module(comment, arguments, linear.text("y", "x"), linear.y, "y")


# Weights of a transformer block in the order in which a token meets them, and
# the TT ranks of each in even and in odd blocks: 12 different layers. Made up;
# shapes are those of the ATIS transformer's width with a feed-forward part of
# four times the width. Neighbours split their features into the same modes.
BLOCK = [
    ("query", [12, 8, 8], [12, 8, 8], (2, 10)),
    ("key", [12, 8, 8], [12, 8, 8], (4, 12)),
    ("value", [12, 8, 8], [12, 8, 8], (6, 14)),
    ("output", [12, 8, 8], [12, 8, 8], (8, 16)),
    ("up", [12, 16, 16], [12, 8, 8], (8, 16)),
    ("down", [12, 8, 8], [12, 16, 16], (8, 16)),
]


def stack(blocks, tokens, element_type, command):
    """The text of a module with the layers of some blocks, one behind the
    other."""
    arguments, body, x = [], "", "x"
    for block in range(blocks):
        for name, out_modes, in_modes, ranks in BLOCK:
            ranks = [1] + [ranks[block % 2]] * 5 + [1]
            linear = Linear("tt", out_modes, in_modes, ranks, tokens, element_type, False)
            if not arguments:
                arguments.append(("x", linear.x, "input"))
            name = f"{name}{block}"
            arguments += linear.parameters(name + "_")
            body += linear.text(name, x, name + "_")
            x = name
    comment = f"""\
// A stack of {6 * blocks} TT linear layers: query, key, value, output, up and down \
of {blocks}
// transformer blocks of width 768, {tokens} tokens. Written by {command}."""
    return module(comment, arguments, body, linear.y, x)


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
    parser.add_argument(
        "--stack",
        type=int,
        metavar="BLOCKS",
        help="the six layers of each of so many transformer blocks in one function; "
        "layers of even and odd blocks differ, so that 12 are different",
    )
    parser.add_argument("--format", choices=["tt", "ttm"], default="tt")
    parser.add_argument(
        "--tokens", type=int, help="default: 32, with --stack 8, with --suite the layer's usual batch"
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
    chosen_by = "--suite" if args.suite is not None else "--stack"
    if args.suite is not None or args.stack is not None:
        for option in ("format", "out_modes", "in_modes", "ranks"):
            if getattr(args, option) != parser.get_default(option):
                parser.error(
                    f"--{option.replace('_', '-')}: {chosen_by} "
                    f"{args.suite or args.stack} has its own"
                )
    if args.stack is not None:
        if args.stack < 1 or args.bias or args.suite is not None:
            parser.error(
                "--stack takes a positive number of blocks, and no --suite or --bias"
            )
        sys.stdout.write(
            stack(args.stack, args.tokens or 8, args.element_type, command)
        )
        return
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
