# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The suite of tensorized linear layers (models/Suite.def) as MLIR.

Every layer is one tnn.einsum over X and the cores, with named modes: b counts
tokens, i0, i1, ... are the modes of X, o0, o1, ... those of Y, r0, r1, ... all
others (ranks, and the blocks of a block-term layer).
"""

import ast
import dataclasses
import math
import pathlib
import re



@dataclasses.dataclass(frozen=True)
class Layer:
    """A layer at its usual batch. `operands` (X, then the cores) and `result`
    are tuples of modes, `sizes` maps modes to sizes, `optimum` is the least
    number of multiply-adds of one phase as far as it is published."""
    name: str
    operands: tuple
    result: tuple
    sizes: dict
    optimum: float
    source: str

    @property
    def tokens(self):
        return self.sizes["b"]

    @property
    def in_modes(self):
        return [self.sizes[mode] for mode in self.operands[0][1:]]

    @property
    def out_modes(self):
        return [self.sizes[mode] for mode in self.result[1:]]

    @property
    def einsum(self):
        return (", ".join(" ".join(modes) for modes in self.operands)
                + " -> " + " ".join(self.result))

    @property
    def names(self):
        """Names of the arrays of `operands`."""
        return ["x"] + [f"g{k}" for k in range(len(self.operands) - 1)]

    def shape(self, modes):
        return tuple(self.sizes[mode] for mode in modes)

    def parameters(self):
        return sum(math.prod(self.shape(modes)) for modes in self.operands[1:])

    def with_tokens(self, tokens):
        return dataclasses.replace(self, sizes={**self.sizes, "b": tokens})

    def capped(self, size):
        """The same family with no size but the batch above `size`: a small
        layer for tests."""
        return dataclasses.replace(self, sizes={
            mode: old if mode == "b" else min(old, size)
            for mode, old in self.sizes.items()})


def _named(einsum, sizes):
    """The same einsum with modes b, i*, o*, r*; index `a` counts tokens."""
    operands, result = einsum.split("->")
    operands = operands.split(",")
    names = {"a": "b"}
    for prefix, letters in (("i", operands[0]), ("o", result),
                            ("r", "".join(operands))):
        fresh = [letter for letter in dict.fromkeys(letters)
                 if letter not in names]
        names.update((letter, f"{prefix}{k}") for k, letter in enumerate(fresh))
    values = dict(part.split("=") for part in sizes.split(","))
    return (tuple(tuple(names[letter] for letter in text) for text in operands),
            tuple(names[letter] for letter in result),
            {names[letter]: int(size) for letter, size in values.items()})


def load():
    """The layers by name, in the order of the file."""
    text = (pathlib.Path(__file__).parent / "Suite.def").read_text()
    layers = {}
    for entry in re.findall(r'^FETTA_LAYER(\("[^)]*\))$', text, re.M):
        name, einsum, sizes, optimum, _, source = ast.literal_eval(entry)
        layers[name] = Layer(name, *_named(einsum, sizes), optimum, source)
    return layers


def module(layer, command, element_type="bf16"):
    """The text of a module with one function `forward`."""
    def tensor(modes):
        return ("tensor<" + "x".join(map(str, layer.shape(modes)))
                + f"x{element_type}>")
    signature = ",\n                   ".join(
        f'%{name}: {tensor(modes)} {{tnn.name = "{name}", tnn.role = '
        f'"{"input" if name == "x" else "param"}"}}'
        for name, modes in zip(layer.names, layer.operands))
    types = ", ".join(map(tensor, layer.operands))
    result = tensor(layer.result)
    operands = ", ".join("%" + name for name in layer.names)
    return f"""\
// {layer.name}, {layer.tokens} tokens. {layer.source}.
// Written by {command}.
func.func @forward({signature})
    -> ({result} {{tnn.name = "y"}}) {{
  %y = tnn.einsum "{layer.einsum}"
      {operands}
      : ({types})
      -> {result}
  return %y : {result}
}}
"""


def listing(layers):
    """One line for each layer."""
    lines = ["name            tokens  in x out        parameters  cores  source"]
    for layer in layers.values():
        size = f"{math.prod(layer.in_modes)}x{math.prod(layer.out_modes)}"
        lines.append(f"{layer.name:<15} {layer.tokens:6}  {size:<15} "
                     f"{layer.parameters():10,}  {len(layer.operands) - 1:5}  "
                     f"{layer.source}")
    return "\n".join(lines) + "\n"
