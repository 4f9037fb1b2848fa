//===- ResourceTrack.h - The cycles of one resource -------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Every cycle of a resource goes into one class, in order of time and in
/// intervals. So the classes sum to the cycles that have passed by
/// construction.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_LIB_SIMULATOR_RESOURCETRACK_H
#define FETTA_LIB_SIMULATOR_RESOURCETRACK_H

#include "fetta/Simulator/Timing.h"

namespace fetta {

/// Instruction to which an interval belongs, or none.
inline constexpr uint32_t nobody = ~uint32_t(0);

class ResourceTrack {
public:
  ResourceTrack(unsigned resource, TimelineSink *sink)
      : resource(resource), sink(sink) {}

  int64_t now() const { return cursor; }
  /// Everything from now to `until` is `cycleClass`, for an instruction.
  /// Nothing happens when that lies in the past.
  void add(int64_t until, CycleClass cycleClass, uint32_t instruction) {
    if (until <= cursor)
      return;
    if (cycleClass != current || instruction != owner)
      flush(cycleClass, instruction);
    sums[cycleClass] += until - cursor;
    cursor = until;
  }
  /// `cycles` of the last interval were something else.
  void recount(CycleClass from, CycleClass to, int64_t cycles) {
    sums[from] -= cycles;
    sums[to] += cycles;
  }
  /// Hands the last interval to the sink.
  void finish() { flush(current, nobody); }
  const CycleClasses &classes() const { return sums; }

private:
  void flush(CycleClass cycleClass, uint32_t instruction) {
    if (sink && cursor > since && current != CycleClass::IdleNoWork)
      sink->interval(resource, current, since, cursor, owner);
    since = cursor;
    current = cycleClass;
    owner = instruction;
  }

  unsigned resource;
  TimelineSink *sink;
  CycleClasses sums;
  int64_t cursor = 0, since = 0;
  CycleClass current = CycleClass::IdleNoWork;
  uint32_t owner = nobody;
};

} // namespace fetta

#endif // FETTA_LIB_SIMULATOR_RESOURCETRACK_H
