# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Makes the inputs of bfloat16.mlir and checks its results."""

import pathlib
import sys

import numpy as np

from fetta import from_raw_bf16, load_arrays, round_to_bf16, save_arrays, to_raw_bf16

command, folder = sys.argv[1], pathlib.Path(sys.argv[2])
a = np.zeros((4, 300), dtype=np.float32)
b = np.ones(300, dtype=np.float32)
a[0, :] = 1.0                  # 300: a bf16 accumulator would stop at 256
a[1, 0] = 1e-39                # subnormal; not a bf16 value, rounded on load
a[2, 0], a[2, 1] = np.nan, 1.0
a[3, :2] = 1.0, 2.0 ** -8      # sum half-way between two bf16 values

if command == "make":
    save_arrays(folder / "in", {"a": a, "b": b.astype(np.float64)})
    save_arrays(folder / "raw", {"a": to_raw_bf16(a), "b": to_raw_bf16(b)})
else:
    tiny = float(round_to_bf16(np.float32(1e-39)))
    expected = np.array([300.0, tiny, np.nan, 1.0], dtype=np.float32)
    outputs, raw = load_arrays(folder / "out"), load_arrays(folder / "rawout")
    np.testing.assert_array_equal(outputs["result0"], expected)
    assert tiny != 0 and outputs["result0"].dtype == np.float32
    np.testing.assert_array_equal(outputs["result1"], round_to_bf16(2 * round_to_bf16(a)))
    assert raw["result0"].dtype == np.uint16
    np.testing.assert_array_equal(raw["result0"], to_raw_bf16(expected))
    np.testing.assert_array_equal(from_raw_bf16(raw["result1"]), outputs["result1"])
    for name, array in load_arrays(folder / "O3").items():
        np.testing.assert_array_equal(array, outputs[name])
