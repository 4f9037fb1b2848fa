# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""bfloat16 in NumPy, which has no such type.

Values travel as float32 that bfloat16 can hold, or raw as the uint16 of their
bits. Rounding is to nearest, ties to even; subnormals are kept, what is too
large becomes infinite, and every NaN becomes 0x7FC0.
"""

import numpy as np

CANONICAL_NAN = np.uint16(0x7FC0)


def to_raw_bf16(values):
    """The nearest bfloat16 of each float32 as uint16, of the same shape.

    float64 is rounded to float32 first, as the tools do on loading.
    """
    # Overflow in float64 to float32 gives the infinity that is wanted.
    with np.errstate(over="ignore"):
        values = np.asarray(values, dtype=np.float32)
    # Row-major and at least 1-D: a view of other bits needs both.
    bits = np.atleast_1d(np.ascontiguousarray(values)).view(np.uint32)
    # 64 bits, so that the addition cannot wrap on negative NaN.
    wide = bits.astype(np.uint64)
    rounded = ((wide + 0x7FFF + ((wide >> 16) & 1)) >> 16).astype(np.uint16)
    isnan = (bits & np.uint32(0x7FFFFFFF)) > np.uint32(0x7F800000)
    return np.where(isnan, CANONICAL_NAN, rounded).reshape(values.shape)


def from_raw_bf16(raw):
    """The float32 values of raw bfloat16 (uint16); exact."""
    raw = np.asarray(raw)
    if raw.dtype != np.uint16:
        raise TypeError(f"raw bfloat16 is uint16, not {raw.dtype}")
    bits = np.atleast_1d(raw).astype(np.uint32) << np.uint32(16)
    return bits.view(np.float32).reshape(raw.shape)


def round_to_bf16(values):
    """float32 values rounded to ones that bfloat16 can hold."""
    return from_raw_bf16(to_raw_bf16(values))
