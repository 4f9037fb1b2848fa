//===- SteadyState.h - The period of a schedule -----------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Finds the part of a long list of instructions that says the same again and
/// again, so that it can be written once and repeated.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_SCHEDULE_STEADYSTATE_H
#define FETTA_SCHEDULE_STEADYSTATE_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"

#include <cstdint>
#include <optional>

namespace fetta {

/// What makes instructions alike.
struct PeriodicStep {
  /// Steps of one kind differ in nothing but what follows. A step like no other
  /// has a kind of its own.
  uint32_t kind = 0;
  /// Moves on by the same amount, not backwards, from period to period.
  int64_t offset = 0;
  /// The steps that make its operands; negative numbers stand for values that
  /// no step makes.
  llvm::SmallVector<int64_t, 3> sources;
  /// Operands (bits) that have to come from a step at most a period before.
  uint32_t chained = 0;
};

/// Steps begin + n * period + b of all n < count are alike for each b < period.
/// Each operand comes from one source in all of them, from before `begin`, or
/// from the step at the same distance, at most a period before.
struct SteadyState {
  size_t begin = 0, period = 0, count = 0;
  size_t end() const { return begin + period * count; }
};

/// The steady state with the shortest period among those of at least two
/// periods that cover not much less than the one that covers most; nothing
/// where none is found. Takes time linear in the number of steps: only periods
/// in which short lists of kinds come again are tried, the most frequent first.
/// With `periods`, those are tried instead: the turns of a loop around a
/// shorter one, say.
std::optional<SteadyState> findSteadyState(llvm::ArrayRef<PeriodicStep> steps,
                                           llvm::ArrayRef<size_t> periods = {});

} // namespace fetta

#endif // FETTA_SCHEDULE_STEADYSTATE_H
