//===- RandomChain.h - Random programs of dependent contractions -*- C++-*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Draws programs like training steps: contractions that the mapper maps, each
/// on inputs and results of earlier ones, so that they wait for each other,
/// share slabs and overlap.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_TEST_LIB_RANDOMCHAIN_H
#define FETTA_TEST_LIB_RANDOMCHAIN_H

#include "fetta/Program/Program.h"

namespace fetta::test {

struct RandomChainOptions {
  uint64_t seed = 0;
  unsigned contractions = 6;
  int64_t maxMultiplyAdds = 20000; ///< Of one contraction.
};

/// Deterministic for a seed and machine. Tensors "x0", ... are inputs, "y0",
/// ... results, those that the host collects.
Program randomChain(const Machine &machine, const RandomChainOptions &options);

} // namespace fetta::test

#endif // FETTA_TEST_LIB_RANDOMCHAIN_H
