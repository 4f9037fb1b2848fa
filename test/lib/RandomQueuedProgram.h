//===- RandomQueuedProgram.h - Programs for all queues ----------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Draws legal programs with transfers, tokens, slices, partial sums, spills,
/// chains in tensor memory and memory that is used again, for property tests of
/// everything that reads whole programs.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_TEST_LIB_RANDOMQUEUEDPROGRAM_H
#define FETTA_TEST_LIB_RANDOMQUEUEDPROGRAM_H

#include "TestPrograms.h"

namespace fetta::test {

struct QueuedProgramOptions {
  uint64_t seed = 0;
  unsigned jobs = 5;             ///< Groups of transfers and contractions.
  int64_t maxMultiplyAdds = 600; ///< Of a contraction.
};

/// What the reference needs to know of a contraction.
struct ContractionModes {
  size_t instruction;
  /// Modes of A, B and C in the order of their tensors' dimensions.
  std::array<llvm::SmallVector<unsigned, 8>, 3> modes;
  llvm::SmallVector<int64_t, 8> offsets; ///< As for RandomContraction.
};

struct QueuedProgram {
  Program program;
  std::vector<ContractionModes> contractions; ///< In order of the stream.
};

/// Deterministic for seed and machine. Verified by its makers' tests only: the
/// tokens come from rows that overlap, not from the verifier.
QueuedProgram randomQueuedProgram(const Machine &machine,
                                  const QueuedProgramOptions &options);

} // namespace fetta::test

#endif // FETTA_TEST_LIB_RANDOMQUEUEDPROGRAM_H
