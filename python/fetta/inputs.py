# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Seeded example inputs."""

import zlib

import numpy as np

from .bf16 import round_to_bf16


def example_inputs(arguments, seed=0, positive=False):
    """A dictionary of float32 arrays for the given fetta.Array descriptions.

    Normal deviates; the values of an array depend on the seed, its name and its
    shape alone. Parameters have the standard deviation size^(-1/4), which is
    1/sqrt(n) for an n x n matrix, so that activations keep their magnitude
    through a layer. bf16 arrays hold values that bfloat16 can hold. `positive`
    takes absolute values: sums without cancellation, whose relative error is
    bounded.
    """
    arrays = {}
    for argument in arguments:
        generator = np.random.default_rng([seed, zlib.crc32(argument.name.encode())])
        values = generator.standard_normal(argument.shape)
        if argument.role == "param":
            values = values * max(1, np.prod(argument.shape)) ** -0.25
        values = np.asarray(values, dtype=np.float32)
        if positive:
            values = np.abs(values)
        if argument.name in arrays:
            raise ValueError(f"two arrays are called '{argument.name}'")
        arrays[argument.name] = (
            round_to_bf16(values) if argument.element == "bf16" else values)
    return arrays
