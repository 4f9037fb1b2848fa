# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
import itertools
import unittest

import numpy as np

from fetta import BF16_UNIT_ROUNDOFF, Einsum, chain_bound, gamma, round_to_bf16

SPECS = [
    ("ab,bc->ac", dict(a=2, b=3, c=4)),
    ("b i0 i1, i1 r -> b i0 r", dict(b=2, i0=3, i1=2, r=4)),
    ("b i0 i1, r0 i0 r1, r1 i1 r2, r2 o r0 -> b o",
     dict(b=2, i0=2, i1=3, r0=2, r1=2, r2=3, o=2)),
    ("h i, h j, h k -> h", dict(h=3, i=2, j=2, k=3)),
    ("a, b -> a b", dict(a=2, b=3)),
    ("a b, -> b", dict(a=2, b=3)),
    ("a b, a b -> ", dict(a=2, b=2)),
]


def operands_of(einsum, sizes, seed=7):
    generator = np.random.default_rng(seed)
    return [generator.standard_normal([sizes[mode] for mode in modes])
            for modes in einsum.inputs]


def loops(einsum, operands, sizes):
    """The definition: a sum over all indices."""
    result = np.zeros([sizes[mode] for mode in einsum.output])
    names = list(sizes)
    for index in itertools.product(*(range(sizes[name]) for name in names)):
        at = dict(zip(names, index))
        product = 1.0
        for modes, operand in zip(einsum.inputs, operands):
            product *= operand[tuple(at[mode] for mode in modes)]
        result[tuple(at[mode] for mode in einsum.output)] += product
    return result


class EinsumTest(unittest.TestCase):
    def test_values_against_loops(self):
        for spec, sizes in SPECS:
            with self.subTest(spec):
                einsum = Einsum(spec)
                operands = operands_of(einsum, sizes)
                np.testing.assert_allclose(
                    einsum(*operands), loops(einsum, operands, sizes), rtol=1e-12, atol=1e-12)

    def test_gradients_against_finite_differences(self):
        step = 1e-4
        for spec, sizes in SPECS:
            einsum = Einsum(spec)
            operands = operands_of(einsum, sizes)
            d_result = np.random.default_rng(8).standard_normal(einsum(*operands).shape)
            for position, gradient in enumerate(einsum.gradients(operands, d_result)):
                with self.subTest(spec, operand=position):
                    self.assertEqual(gradient.shape, operands[position].shape)
                    for index in np.ndindex(gradient.shape):
                        sides = []
                        for sign in (1, -1):
                            moved = [operand.copy() for operand in operands]
                            moved[position][index] += sign * step
                            sides.append(np.sum(d_result * einsum(*moved)))
                        # Linear in each operand: exact but for rounding.
                        slope = (sides[0] - sides[1]) / (2 * step)
                        self.assertAlmostEqual(gradient[index], slope, delta=1e-8)

    def test_names_and_letters_are_the_same(self):
        self.assertEqual(str(Einsum("bij,jr->bir")), str(Einsum("b i j, j r -> b i r")))

    def test_refuses(self):
        for spec, message in [("ab,bc", "one '->'"), ("ab->abc", "no operand has mode 'c'"),
                              ("a b, 1x -> a", "'1x'"), ("ab->aa", "twice")]:
            with self.assertRaisesRegex(ValueError, message):
                Einsum(spec)
        einsum = Einsum("ab,bc->ac")
        with self.assertRaisesRegex(ValueError, "mode 'b' has size 4 in operand 1 and 3"):
            einsum(np.zeros((2, 3)), np.zeros((4, 5)))
        with self.assertRaisesRegex(ValueError, "1 operands"):
            einsum(np.zeros((2, 3)))
        with self.assertRaisesRegex(ValueError, "operand 0 has shape"):
            einsum(np.zeros(2), np.zeros((4, 5)))
        with self.assertRaisesRegex(ValueError, "expected \\(2, 5\\)"):
            einsum.gradient(0, [np.zeros((2, 3)), np.zeros((3, 5))], np.zeros((2, 4)))
        with self.assertRaisesRegex(ValueError, "diagonal"):
            Einsum("aa->a").gradient(0, [np.zeros((2, 2))], np.zeros(2))


class BoundTest(unittest.TestCase):
    def test_gamma(self):
        self.assertEqual(gamma(0), 0)
        self.assertAlmostEqual(gamma(4, 1 / 8), 1.0)
        with self.assertRaises(ValueError):
            gamma(8, 1 / 8)

    def test_chain_bound_holds_and_is_not_vacuous(self):
        # X (48 x 48) G0 G1 in float32 with bf16 results, against float64.
        generator = np.random.default_rng(3)
        einsum = Einsum("ij,jk,kl->il")
        worst = 0.0
        for _ in range(20):
            x, g0, g1 = (round_to_bf16(generator.standard_normal((48, 48)))
                         for _ in range(3))
            computed = round_to_bf16(round_to_bf16(x @ g0) @ g1)
            error = np.abs(computed - einsum(x, g0, g1)) / einsum.magnitude(x, g0, g1)
            worst = max(worst, error.max())
        bound = chain_bound([48, 48])
        self.assertLess(worst, bound)
        self.assertGreater(worst, 0.01 * bound)
        self.assertGreater(bound, 2 * BF16_UNIT_ROUNDOFF)


if __name__ == "__main__":
    unittest.main()
