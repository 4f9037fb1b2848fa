//===- SymbolicRun.h - A program run on names -------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Tells whether two programs compute the same, whatever the values. A second
/// reading of docs/Machine.md, sections 3, 4 and 7, that shares no code with
/// the simulator: it pushes names of words instead of values through the switch
/// words. Two runs with equal outcomes give equal values on all inputs.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_UNITTESTS_SIMULATOR_SYMBOLICRUN_H
#define FETTA_UNITTESTS_SIMULATOR_SYMBOLICRUN_H

#include "fetta/Program/Program.h"

#include <map>
#include <tuple>

namespace fetta::test {

/// A formula over the words that tensor memory held at the start: sums keep
/// their order up to a + b = b + a; +0.0 is neutral in sums and absorbs
/// products, which is right for finite inputs other than zeros. Formulas are
/// known by a 64-bit hash; 0 is +0.0.
using Formula = uint64_t;

struct SymbolicOutcome {
  /// Instruction, slab, physical row, bank -> what left the accumulator.
  std::map<std::tuple<size_t, int64_t, int64_t, uint32_t>, Formula> drained;
  /// Region, element -> what was stored there last.
  std::map<std::pair<uint32_t, int64_t>, Formula> stored;
  /// A transfer without sense, a row outside tensor memory or accumulators, or
  /// an accumulator row for two rows of the result: the machine has no meaning
  /// for that.
  bool meaningless = false;

  bool operator==(const SymbolicOutcome &o) const {
    return drained == o.drained && stored == o.stored &&
           meaningless == o.meaningless;
  }
};

/// The program must be one that runProgram accepts or stops in the middle of.
SymbolicOutcome runSymbolically(const Program &program);

} // namespace fetta::test

#endif // FETTA_UNITTESTS_SIMULATOR_SYMBOLICRUN_H
