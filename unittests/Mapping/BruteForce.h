//===- BruteForce.h - A nest, beat by beat ----------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Walks a loop nest beat by beat and lane by lane as docs/Machine.md defines
/// it, without a closed form: what the closed form and the mapper's nests are
/// checked against.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_UNITTESTS_MAPPING_BRUTEFORCE_H
#define FETTA_UNITTESTS_MAPPING_BRUTEFORCE_H

#include "fetta/Mapping/Mapping.h"

#include <string>

namespace fetta::test {

struct Walk {
  /// First rule that the nest breaks, or empty: every combination of indices
  /// multiplied exactly once, one row per sub-beat, different words in
  /// different places, all within the accumulators.
  std::string broken;
  int64_t total = 0;
  int64_t tiles = 0;
  int64_t loadBeats = 0;
  int64_t beats = 0;
  int64_t beatCycles = 0;
  int64_t networkAdditions = 0;
  int64_t drainedRows = 0;
};

Walk walk(const Nest &nest, const Machine &machine);

/// The nest of a hand-made mapping. Bank bits of a layout: (dimension, bit).
struct HandMade {
  Dataflow dataflow;
  llvm::SmallVector<int64_t, 8> sizes;
  llvm::SmallVector<Loop, 8> loops;
  llvm::SmallVector<ModeBit, 6> ce, row, column;
  std::array<llvm::SmallVector<unsigned, 8>, 3> modes;
  std::array<Layout, 3> layouts;
  unsigned scopeLevel = 0;

  Nest build(const Machine &machine) const;
};

/// A layout over `sizes` with the lowest `lowBits[d]` bits of every dimension
/// on bank bits, in order.
Layout lowBitLayout(llvm::ArrayRef<int64_t> sizes,
                    llvm::ArrayRef<unsigned> lowBits, const Machine &machine);

} // namespace fetta::test

#endif // FETTA_UNITTESTS_MAPPING_BRUTEFORCE_H
