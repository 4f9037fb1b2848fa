//===- Functional.h - Values of a program -----------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Runs the instructions of a decoded program on the words of tensor memory,
/// through the switch words of its routes, with the numerics of
/// docs/Machine.md section 7, and counts what moved. Values never depend on
/// timing.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_SIMULATOR_FUNCTIONAL_H
#define FETTA_SIMULATOR_FUNCTIONAL_H

#include "fetta/Program/Program.h"
#include "fetta/Simulator/Counters.h"
#include "fetta/Simulator/DramMemory.h"
#include "fetta/Simulator/TensorMemory.h"

#include "llvm/Support/Error.h"

#include <functional>
#include <limits>
#include <vector>

namespace fetta {

/// Sees every word that leaves an accumulator, before rounding: instruction,
/// slab, physical row of the (high) word, bank, value.
using DrainObserver =
    std::function<void(size_t, int64_t, int64_t, uint32_t, float)>;

/// Two ways to the same values and counters, bit for bit, and one to the
/// counters alone.
enum class ValuePath : uint8_t {
  Tables, ///< Whole rows by tables of what a route does to them.
  Lanes,  ///< Lane by lane; slow, and what tests hold the tables against.
  Count,  ///< By tables, without values: memory stays as it is.
};

struct ExecutionOptions {
  DrainObserver observer = nullptr;
  int64_t maxBeats = std::numeric_limits<int64_t>::max();
  /// Indices into program.code in the order in which they run; empty: the order
  /// of the stream. The values of a verified program are the same in every
  /// order that keeps queues and tokens (shuffledOrder).
  llvm::ArrayRef<uint32_t> order = {};
  ValuePath path = ValuePath::Tables;
  /// Called before every contraction with the beats behind it and those of all.
  std::function<void(int64_t done, int64_t all)> progress = nullptr;
};

/// Runs `program` to its Halt, one instruction after the other; tensors that
/// the host places must be in `memory`, regions that it fills in `dram`.
/// Returns the counters of each instruction of program.code. Errors name the
/// instruction, and the operand or the region: a word inside an edge that was
/// never written, a row outside the memory or the accumulators, an empty slot.
/// A program that was not verified may be run too: what makes no sense is an
/// error or gives wrong values, and a contraction of more than `maxBeats` beats
/// is an error.
llvm::Expected<std::vector<Counters>>
runProgram(const Program &program, TensorMemory &memory, DramMemory &dram,
           const ExecutionOptions &options);

/// The same for a program whose regions the host need not fill.
llvm::Expected<std::vector<Counters>>
runProgram(const Program &program, TensorMemory &memory,
           const DrainObserver &observer = nullptr,
           int64_t maxBeats = std::numeric_limits<int64_t>::max(),
           ValuePath path = ValuePath::Tables);

/// The counters of a run without its values. Contractions that differ in
/// places alone, as those of slices do, are counted once.
llvm::Expected<std::vector<Counters>>
countProgram(const Program &program, const ExecutionOptions &options = {});

/// Bytes that a slot keeps of a route: 2 bits a switch and the masks.
int64_t routeBytes(const Route &route);

} // namespace fetta

#endif // FETTA_SIMULATOR_FUNCTIONAL_H
