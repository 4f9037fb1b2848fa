//===- RandomNest.h - Random contractions on the array ----------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Draws legal loop nests with ragged edges, bank conflicts and layouts that
/// no mapper would choose, for property tests of everything that executes or
/// rewrites nests.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_TEST_LIB_RANDOMNEST_H
#define FETTA_TEST_LIB_RANDOMNEST_H

#include "fetta/Layout/Nest.h"
#include "fetta/Machine/Machine.h"

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

namespace fetta::test {

struct RandomNestOptions {
  uint64_t seed = 0;
  /// Missing bits of all three operands together.
  unsigned missingBits = 0;
  /// Asks for a reduced mode that is split over two instructions; where the
  /// drawn sizes do not allow it there is one instruction.
  bool splitReduction = false;
  int64_t maxMultiplyAdds = 20000;
  std::optional<Dataflow> dataflow;
  /// Slab of each operand.
  std::array<int64_t, 3> slabs = {0, 1, 2};
};

/// A contraction, its tensors and the instructions that do it.
struct RandomContraction {
  llvm::SmallVector<int64_t, 8> sizes; ///< Whole modes.
  /// Modes of A, B and C in the order of their tensors' dimensions.
  std::array<llvm::SmallVector<unsigned, 8>, 3> modes;
  std::array<Layout, 3> layouts; ///< Dimensions in that order.
  std::array<int64_t, 3> baseRows = {0, 0, 0};
  ElementType resultType = ElementType::BF16;
  /// One nest, or two that share an open scope. serialLanes are the missing
  /// ones, which is right for a Benes.
  std::vector<Nest> nests;
  /// Per nest and mode: what its indices are offset by in the whole tensor.
  std::vector<llvm::SmallVector<int64_t, 8>> offsets;
};

/// Deterministic for a seed and machine.
RandomContraction randomContraction(const Machine &machine,
                                    const RandomNestOptions &options);

/// The source form, e.g. "m0 k0, k0 n0 -> m0 n0" with modes by number.
std::string describe(const RandomContraction &contraction);

} // namespace fetta::test

#endif // FETTA_TEST_LIB_RANDOMNEST_H
