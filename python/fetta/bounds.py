# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""How far a computed contraction may lie from the exact one.

Source: N. Higham, Accuracy and Stability of Numerical Algorithms, 2nd edition,
section 3.1: a sum of k products in any order has a relative error of at most
gamma(k) = k u / (1 - k u) with respect to the sum of absolute products, u being
the unit roundoff. Underflow is not covered.
"""

F32_UNIT_ROUNDOFF = 2.0 ** -24
BF16_UNIT_ROUNDOFF = 2.0 ** -8


def gamma(k, unit_roundoff=F32_UNIT_ROUNDOFF):
    """k u / (1 - k u); k roundings, one after the other."""
    if k < 0 or k * unit_roundoff >= 1:
        raise ValueError(f"no bound for {k} roundings of {unit_roundoff}")
    return k * unit_roundoff / (1 - k * unit_roundoff)


def chain_bound(summed_lengths, result_roundoff=BF16_UNIT_ROUNDOFF):
    """Relative bound for a tree of contractions, with respect to the einsum of
    absolute values.

    summed_lengths holds, for each step, how many products each of its results
    sums up (1 for an outer product). Every step accumulates in float32 and
    rounds its results with result_roundoff (0: results stay float32).
    """
    growth = 1.0
    for length in summed_lengths:
        growth *= (1 + gamma(length)) * (1 + result_roundoff)
    return growth - 1
