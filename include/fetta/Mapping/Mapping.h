//===- Mapping.h - From a contraction to a loop nest ------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// The mapper: chooses dataflow, lane table, loop order and the layouts that
/// are still free for one contraction, by the closed-form cycles of the serial
/// schedule. Each operation is mapped for itself; an operand whose layout is
/// given and does not fit is paid for in sub-beats.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_MAPPING_MAPPING_H
#define FETTA_MAPPING_MAPPING_H

#include "fetta/Layout/Nest.h"
#include "fetta/Machine/Machine.h"

#include <optional>
#include <string>

namespace fetta {

/// What a mapping is held to by hand. What is not named stays free.
struct MappingConstraints {
  template <typename T> using PerMode = llvm::SmallVector<std::optional<T>, 4>;
  /// Index bits on PE rows, PE columns and CEs. By mode, or empty.
  PerMode<unsigned> rows, columns, ces;
  /// Indices of a mode of the result that lie inside an accumulator scope; its
  /// size or more for all of them.
  PerMode<int64_t> scope;
  /// Modes of the result whose loops lie in this order, outermost first, inside
  /// the scope and outside. Loops of reduced modes have their place by the
  /// dataflow.
  llvm::SmallVector<unsigned, 4> loops;

  bool empty() const;
  /// Equal for equal constraints.
  llvm::SmallVector<int64_t, 0> key() const;
};

/// A contraction to be mapped. Modes are numbered; every operand lists its
/// modes in the order of its tensor's dimensions.
struct ContractionSpec {
  llvm::SmallVector<int64_t, 8> sizes;
  std::array<llvm::SmallVector<unsigned, 8>, 3> modes; ///< A, B, C.
  ElementType resultType = ElementType::BF16;
  /// The sums go on from FP32 partial sums that lie as the result does: those
  /// in its tensor if that is FP32. Every scope then reloads rows of its own.
  bool accumulates = false;
  /// Layouts that are already fixed (dims in tensor order).
  std::array<std::optional<Layout>, 3> layouts;
  std::optional<Dataflow> dataflow;        ///< Fixed by hand.
  MappingConstraints constraints;          ///< Likewise.
  llvm::SmallVector<std::string, 0> names; ///< Of modes, for messages.
};

/// Closed-form cycles of one contraction, each part named as in
/// docs/Machine.md. The total is a lower bound of the tile-event model and
/// equal to it when nothing contends.
struct SerialCycles {
  int64_t beats = 0;            ///< Product of the loop counts.
  int64_t bankConflict = 0;     ///< Further sub-beats.
  int64_t firstLoad = 0;        ///< First stationary tile, exposed.
  int64_t stationaryReload = 0; ///< Later loads that streaming does not hide.
  int64_t drainBusy = 0;
  int64_t fill = 0;        ///< Pipeline latency.
  int64_t drain = 0;       ///< Accumulators to tensor memory, exposed.
  int64_t tiles = 0;       ///< Stationary (or output) tiles.
  int64_t loadBeats = 0;   ///< All stationary loads, hidden or not.
  int64_t drainedRows = 0; ///< All writes of the result, as in the last scope.
  int64_t networkAdditions = 0; ///< Sum switches with two valid inputs.
  int64_t total() const {
    return beats + bankConflict + firstLoad + stationaryReload + drainBusy +
           fill + drain;
  }
};

struct MappedContraction {
  Nest nest;                     ///< slab and baseRow of operands are left 0.
  std::array<Layout, 3> layouts; ///< Dims in tensor order.
  SerialCycles cycles;
};

/// Maps one contraction. Deterministic. Errors: modes that are no contraction
/// (in fewer than two of A, B and C, or twice in one), layouts that do not fit
/// their operand, more than 2^48 multiply-adds, constraints that no mapping
/// meets (the message names one and the nearest that is possible). Everything
/// else has a mapping;
/// verifyNest refuses what an instruction cannot hold (modes, rows of a slab).
llvm::Expected<MappedContraction> mapContraction(const ContractionSpec &spec,
                                                 const Machine &machine);

/// Closed form of a nest, mapped by us or by hand.
SerialCycles serialCycles(const Nest &nest, const Machine &machine);

/// Operand `id` of a nest seen through a tensor layout: modes and bank bits
/// renumbered from the tensor's dimensions (`modes`) to the nest's.
Operand operandFromLayout(const Layout &layout, llvm::ArrayRef<unsigned> modes,
                          unsigned modeCount);

/// "B-stationary" and so on.
llvm::StringRef dataflowName(Dataflow dataflow);

/// The nest in a few lines for a reader: lanes, loops from outermost to
/// innermost with the scope marked, banks and rows of the operands. `names` are
/// the names of the modes.
std::string describe(const Nest &nest, llvm::ArrayRef<std::string> names);

/// A layout in a few lines, at most 100 columns wide where names allow it: the
/// index bit of every bank bit, the row of an element, and the elements (an
/// index per dimension, "-" for none) in some banks of the first rows and the
/// last one. `names` are the names of the dimensions.
std::string drawLayout(const Layout &layout, llvm::ArrayRef<std::string> names);

} // namespace fetta

#endif // FETTA_MAPPING_MAPPING_H
