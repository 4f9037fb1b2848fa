# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
import struct
import unittest

import numpy as np

from fetta import from_raw_bf16, round_to_bf16, to_raw_bf16


def reference(bits):
    """Bit-level definition for one float32, in Python integers: keep the upper
    16 bits, look at the 16 that are dropped."""
    if bits & 0x7FFFFFFF > 0x7F800000:
        return 0x7FC0
    kept, dropped = divmod(bits, 0x10000)
    if dropped > 0x8000 or (dropped == 0x8000 and kept % 2 == 1):
        kept += 1
    return kept


class BF16Test(unittest.TestCase):
    def test_every_value_survives(self):
        raw = np.arange(0x10000, dtype=np.uint16)
        back = to_raw_bf16(from_raw_bf16(raw))
        expected = [0x7FC0 if b & 0x7FFF > 0x7F80 else b for b in range(0x10000)]
        np.testing.assert_array_equal(back, np.array(expected, dtype=np.uint16))

    def test_rounding_against_the_definition(self):
        bits = [(high << 16) + low for high in range(0, 0x10000, 3)
                for low in (0, 1, 0x7FFF, 0x8000, 0x8001, 0xFFFF)]
        values = np.array(bits, dtype=np.uint32).view(np.float32)
        np.testing.assert_array_equal(
            to_raw_bf16(values), np.array([reference(b) for b in bits], dtype=np.uint16))

    def test_keeps_subnormals_and_signed_zero(self):
        self.assertEqual(int(to_raw_bf16(np.float32(1e-39))), 0x000B)
        self.assertEqual(int(to_raw_bf16(np.float32(-0.0))), 0x8000)

    def test_float64_goes_through_float32(self):
        # Just above the midpoint in float64, on it in float32: ties to even.
        value = 1 + 2.0 ** -8 + 2.0 ** -40
        single = struct.unpack("<I", struct.pack("<f", value))[0]
        self.assertEqual(int(to_raw_bf16(value)), reference(single))
        self.assertEqual(float(round_to_bf16(1e300)), float("inf"))

    def test_shapes(self):
        for shape in ((), (0,), (2, 3)):
            self.assertEqual(round_to_bf16(np.zeros(shape)).shape, shape)
        transposed = np.arange(6, dtype=np.float32).reshape(2, 3).T
        np.testing.assert_array_equal(round_to_bf16(transposed), transposed)

    def test_raw_must_be_uint16(self):
        with self.assertRaisesRegex(TypeError, "uint16"):
            from_raw_bf16(np.zeros(2, dtype=np.int32))


if __name__ == "__main__":
    unittest.main()
