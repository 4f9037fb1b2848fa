# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Inputs, references and reports for the Fetta toolchain, in NumPy alone.

Usable from the source tree with PYTHONPATH=python, or after pip install ./python.
"""

from .arrays import deviation, load_arrays, save_arrays
from .bf16 import from_raw_bf16, round_to_bf16, to_raw_bf16
from .bounds import BF16_UNIT_ROUNDOFF, F32_UNIT_ROUNDOFF, chain_bound, gamma
from .einsum import Einsum
from .inputs import example_inputs
from .reports import read_ops, read_summary
from .signature import Array, Signature, parse_signature

__all__ = [
    "Array", "BF16_UNIT_ROUNDOFF", "Einsum", "F32_UNIT_ROUNDOFF", "Signature",
    "chain_bound", "deviation", "example_inputs", "from_raw_bf16", "gamma",
    "load_arrays", "parse_signature", "read_ops", "read_summary",
    "round_to_bf16", "save_arrays", "to_raw_bf16",
]
