# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
import contextlib
import io
import pathlib
import tempfile
import unittest

import numpy as np

from fetta import (Array, deviation, example_inputs, load_arrays, parse_signature,
                   read_ops, read_summary, round_to_bf16, save_arrays)
from fetta.__main__ import main


MODULE = """
// func.func @no(%x: tensor<1xf32>)
func.func private @helper(tensor<2xf32>) -> tensor<2xf32>
func.func @layer(%x: tensor<2x768xbf16> {tnn.role = "input"},
                 %0: tensor<1x12x6xf32, #tnn.x<"a, (b">> {tnn.name = "core.0", tnn.role = "param"},
                 %s: tensor<bf16>)
    -> (tensor<2x12xbf16> {tnn.name = "y"}, tensor<f32>) attributes {a = "->"} {
}
func.func @single(%a: tensor<4xf64>) -> tensor<4xf64> {
}
func.func @none() {
}
"""


class SignatureTest(unittest.TestCase):
    def test_names_shapes_roles(self):
        signature = parse_signature(MODULE, "layer")
        self.assertEqual(signature.arguments, (
            Array("x", (2, 768), "bf16", "input"),
            Array("core.0", (1, 12, 6), "f32", "param"),
            Array("s", (), "bf16")))
        self.assertEqual(signature.results,
                         (Array("y", (2, 12), "bf16"), Array("result1", (), "f32")))

    def test_first_public_function(self):
        self.assertEqual(parse_signature(MODULE).name, "layer")

    def test_forms(self):
        self.assertEqual(parse_signature(MODULE, "single").results,
                         (Array("result0", (4,), "f64"),))
        self.assertEqual(parse_signature(MODULE, "helper").arguments,
                         (Array("arg0", (2,), "f32"),))
        self.assertEqual(parse_signature(MODULE, "none").arguments, ())
        # Text of another tool numbers its values.
        numbered = parse_signature("func.func @f(%arg0: tensor<1xf32>, %1: tensor<1xf32>)")
        self.assertEqual([a.name for a in numbered.arguments], ["arg0", "arg1"])

    def test_refuses(self):
        for text, name, message in [
                (MODULE, "nowhere", "no function @nowhere"),
                ("func.func @f(%x: tensor<?xf32>)", "f", "static shape"),
                ("func.func @f(%x: index)", "f", "'index' is not a tensor")]:
            with self.assertRaisesRegex(ValueError, message):
                parse_signature(text, name)


class InputsTest(unittest.TestCase):
    def test_values_depend_on_seed_and_name_alone(self):
        x, w = Array("x", (8, 8), "bf16"), Array("w", (64, 64), "f32", "param")
        both, alone = example_inputs([x, w], 1), example_inputs([w], 1)
        np.testing.assert_array_equal(both["w"], alone["w"])
        self.assertTrue((example_inputs([w], 2)["w"] != alone["w"]).any())
        np.testing.assert_array_equal(both["x"], round_to_bf16(both["x"]))
        self.assertAlmostEqual(float(both["w"].std()), 1 / 8, delta=0.01)

    def test_duplicate_names(self):
        with self.assertRaisesRegex(ValueError, "two arrays"):
            example_inputs([Array("x", (), "f32"), Array("x", (), "f32")])


class DeviationTest(unittest.TestCase):
    def test_is_relative_to_the_largest_magnitude(self):
        self.assertEqual(deviation([1.0, -3.5], [1.0, -4.0]), 0.125)
        self.assertEqual(deviation([], []), 0)
        self.assertEqual(deviation([np.inf, 1], [np.inf, 1]), 0)
        self.assertEqual(deviation([np.nan], [1.0]), np.inf)
        self.assertEqual(deviation([1.0], [0.0]), np.inf)
        with self.assertRaisesRegex(ValueError, "shape"):
            deviation([1.0], [1.0, 2.0])


class FilesTest(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = pathlib.Path(scratch.name)

    def run_main(self, *arguments):
        output = io.StringIO()
        with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
            code = main([str(argument) for argument in arguments])
        return code, output.getvalue()

    def test_arrays(self):
        arrays = {"a": np.float32(2), "core.0": np.ones((2, 3), dtype=np.float32).T}
        save_arrays(self.folder / "x", arrays)
        loaded = load_arrays(self.folder / "x")
        self.assertEqual(sorted(loaded), ["a", "core.0"])
        self.assertEqual(loaded["a"].shape, ())
        self.assertTrue(loaded["core.0"].flags["C_CONTIGUOUS"])

    def test_example_inputs_command(self):
        (self.folder / "m.mlir").write_text(MODULE)
        code, text = self.run_main("example-inputs", self.folder / "m.mlir", "--gradients",
                                   "--outputs", self.folder / "in")
        self.assertEqual(code, 0, text)
        self.assertEqual({name: array.shape
                          for name, array in load_arrays(self.folder / "in").items()},
                         {"x": (2, 768), "core.0": (1, 12, 6), "s": (), "d_y": (2, 12),
                          "d_result1": ()})
        code, text = self.run_main("example-inputs", self.folder / "absent.mlir",
                                   "--outputs", self.folder / "in")
        self.assertEqual(code, 1)
        self.assertIn("absent.mlir", text)

    def test_compare_command(self):
        save_arrays(self.folder / "a", {"y": np.array([1.0, 2.0])})
        save_arrays(self.folder / "b", {"y": np.array([1.0, 2.5])})
        self.assertEqual(self.run_main("compare", self.folder / "a", self.folder / "b"),
                         (0, "y: 0.2\n"))
        code, _ = self.run_main("compare", self.folder / "a", self.folder / "b",
                                "--tolerance", 0.1)
        self.assertEqual(code, 1)
        save_arrays(self.folder / "b", {"z": np.zeros(1)})
        code, text = self.run_main("compare", self.folder / "a", self.folder / "b")
        self.assertEqual(code, 1)
        self.assertIn("no z.npy", text)

    def test_reports(self):
        (self.folder / "summary.json").write_text(
            '{"cycles": 3, "macs": 9, "utilization": 0.5, "phases": {}, "energy_pj": {}}')
        (self.folder / "ops.csv").write_text("name,cycles,utilization\ny,3,0.5\n")
        self.assertEqual(read_summary(self.folder)["cycles"], 3)
        self.assertEqual(read_ops(self.folder),
                         [{"name": "y", "cycles": 3, "utilization": 0.5}])
        (self.folder / "summary.json").write_text("{}")
        with self.assertRaisesRegex(ValueError, "no cycles"):
            read_summary(self.folder)


if __name__ == "__main__":
    unittest.main()
