//===- Search.h - The space of mappings and its search ----------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// What the mapper chooses between: how many bits of every mode lie on PE rows
/// or columns and on CEs, and where the accumulator scope cuts the loops. Which
/// bit goes to which lane, and the layouts that are free, follow from these
/// numbers (Mapper.cpp).
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_LIB_MAPPING_SEARCH_H
#define FETTA_LIB_MAPPING_SEARCH_H

#include "fetta/Mapping/Mapping.h"

namespace fetta::mapping {

/// Role of a mode under one dataflow. `StreamFree` is a mode of the streamed
/// operand and the result, `HoldFree` one of the held operand and the result.
enum class Group : uint8_t { Batch, StreamFree, HoldFree, Reduced };

struct Mode {
  int64_t size = 1;
  unsigned bits = 0; ///< ceil(log2 size): more on lanes would carry nothing.
  Group group = Group::Batch;
  std::array<bool, 3> in = {false, false, false}; ///< Held by A, B, C.
};

/// One contraction under one dataflow.
struct Problem {
  const Machine &machine;
  Dataflow dataflow;
  OperandId streamed, held; ///< Output-stationary: A and B.
  llvm::SmallVector<Mode, 8> modes;
  /// Low bits of every mode in the layouts that are given.
  std::array<std::optional<llvm::SmallVector<unsigned, 8>>, 3> lowBits;
  int64_t planes; ///< Memory rows per row of the result.

  bool outputStationary() const {
    return dataflow == Dataflow::OutputStationary;
  }
  /// The modes whose bits the PE rows carry, and the PE columns.
  Group rowGroup() const {
    return outputStationary() ? Group::StreamFree : Group::Reduced;
  }
  bool onRows(unsigned mode) const { return modes[mode].group == rowGroup(); }
  bool onColumns(unsigned mode) const {
    return modes[mode].group == Group::HoldFree;
  }
};

/// Lane bits of one mode. CE bits come first, then row bits; column bits come
/// before CE bits. So an operand that does not see the row bits (they are
/// temporal in a load and in a drain) needs the lowest bits only.
struct LaneShare {
  unsigned position = 0; ///< Row or column bits, whichever the mode may use.
  unsigned ce = 0;
  unsigned total() const { return position + ce; }
};

struct Candidate {
  Dataflow dataflow = Dataflow::BStationary;
  llvm::SmallVector<LaneShare, 8> lanes; ///< Per mode.
  /// Modes of the result that have loops, outermost first, and how many
  /// iterations of each lie inside the scope.
  llvm::SmallVector<unsigned, 8> resultLoops;
  llvm::SmallVector<int64_t, 8> inside;
  /// The score: cycles, then rows of tensor memory read and written.
  int64_t cycles = 0;
  int64_t rowAccesses = 0;
};

/// Spatial bits of a mode for an operand that holds it.
unsigned spatialBits(const Problem &problem, unsigned mode, LaneShare share,
                     OperandId operand);

/// Low bits of every mode in an operand's layout: those that are given, else
/// its spatial bits and then, until the row is full, what makes the tensor take
/// few rows: always the mode whose chunks shrink most, the one with most chunks
/// among equals.
llvm::SmallVector<unsigned, 8> operandLowBits(const Problem &problem,
                                              llvm::ArrayRef<LaneShare> lanes,
                                              OperandId operand);

/// The most rows that `extent` consecutive index values take, the first one a
/// multiple of `extent`.
int64_t rowsOfExtent(int64_t extent, int64_t size, unsigned lowBits);

/// Replaces `best` where the problem has something better. Deterministic;
/// looks at no more than `budget` lane assignments, which it reduces.
void search(const Problem &problem, std::optional<Candidate> &best,
            int64_t &budget);

} // namespace fetta::mapping

#endif // FETTA_LIB_MAPPING_SEARCH_H
