# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""FP64 reference of any einsum and of its gradients."""

import re

import numpy as np

_MODE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


class Einsum:
    """An einsum over named modes, e.g. `b i0 i1, i1 r -> b i0 r`.

    Without any space every letter is a mode: `ab,bc->ac`.
    """

    def __init__(self, spec):
        sides = spec.split("->")
        if len(sides) != 2:
            raise ValueError(f"einsum '{spec}' should have one '->'")
        self._letters = not re.search(r"\s", spec)
        self.inputs = [self._modes(text, spec) for text in sides[0].split(",")]
        self.output = self._modes(sides[1], spec)
        known = {mode for modes in self.inputs for mode in modes}
        if len(set(self.output)) != len(self.output):
            raise ValueError(f"einsum '{spec}': a mode appears twice in the result")
        for mode in self.output:
            if mode not in known:
                raise ValueError(f"einsum '{spec}': no operand has mode '{mode}'")

    def _modes(self, text, spec):
        modes = tuple(text) if self._letters else tuple(text.split())
        for mode in modes:
            if not _MODE.match(mode):
                raise ValueError(f"einsum '{spec}': '{mode}' is not the name of a mode")
        return modes

    def __str__(self):
        return (", ".join(" ".join(modes) for modes in self.inputs)
                + " -> " + " ".join(self.output))

    def sizes(self, operands):
        """Size of every mode; an error names the operands that disagree."""
        if len(operands) != len(self.inputs):
            raise ValueError(f"{len(operands)} operands for '{self}', "
                             f"which has {len(self.inputs)}")
        sizes = {}
        for position, (modes, operand) in enumerate(zip(self.inputs, operands)):
            shape = np.shape(operand)
            if len(shape) != len(modes):
                raise ValueError(f"operand {position} has shape {shape}; "
                                 f"its modes are '{' '.join(modes)}'")
            for mode, size in zip(modes, shape):
                if sizes.setdefault(mode, size) != size:
                    raise ValueError(f"mode '{mode}' has size {size} in operand "
                                     f"{position} and {sizes[mode]} before it")
        return sizes

    def __call__(self, *operands):
        """The result in float64."""
        self.sizes(operands)
        return _contract(self.inputs, operands, self.output)

    def magnitude(self, *operands):
        """The einsum of absolute values, to which error bounds refer."""
        return self(*(np.abs(operand) for operand in operands))

    def gradient(self, position, operands, d_result):
        """Gradient with respect to one operand, in float64: the einsum that
        leaves this operand out and takes the gradient of the result instead.
        """
        sizes = self.sizes(operands)
        target = self.inputs[position]
        if any(len(set(modes)) != len(modes) for modes in self.inputs):
            raise ValueError(f"'{self}' takes a diagonal; it has no gradient here")
        expected = tuple(sizes[mode] for mode in self.output)
        if np.shape(d_result) != expected:
            raise ValueError(f"the gradient of the result has shape "
                             f"{np.shape(d_result)}; expected {expected}")
        inputs = [modes for i, modes in enumerate(self.inputs) if i != position]
        arrays = [array for i, array in enumerate(operands) if i != position]
        inputs.append(self.output)
        arrays.append(d_result)
        # A mode that is summed within this operand alone: the gradient is the
        # same for each of its indices.
        lone = tuple(mode for mode in target
                     if not any(mode in modes for modes in inputs))
        if lone:
            inputs.append(lone)
            arrays.append(np.ones([sizes[mode] for mode in lone]))
        return _contract(inputs, arrays, target)

    def gradients(self, operands, d_result):
        """The gradients of all operands, in their order."""
        return [self.gradient(position, operands, d_result)
                for position in range(len(self.inputs))]


def _contract(inputs, operands, output):
    numbers = {}
    arguments = []
    for modes, operand in zip(inputs, operands):
        arguments += [np.asarray(operand, dtype=np.float64),
                      [numbers.setdefault(mode, len(numbers)) for mode in modes]]
    arguments.append([numbers[mode] for mode in output])
    return np.einsum(*arguments, optimize="greedy" if len(inputs) > 2 else False)
