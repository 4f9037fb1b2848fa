//===- CostModel.h - A layer on a machine, in closed form -------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Cycles, energy and area of a training step from mapping and closed forms,
/// without compiling or simulating it (docs/Sweep.md says what is neglected).
/// In two halves: what depends on the mapping takes milliseconds and is kept;
/// the rest (DRAM, clock, energy table, area) takes microseconds.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_SWEEP_COSTMODEL_H
#define FETTA_SWEEP_COSTMODEL_H

#include "fetta/Machine/AreaTable.h"
#include "fetta/Simulator/Energy.h"
#include "fetta/Simulator/Timing.h"
#include "fetta/Sweep/LayerPlan.h"

#include <memory>

namespace fetta {

/// Cycles of the parts of a slice, in the order of execution: until Y is
/// written, from there until dX is, and the rest.
struct SliceCycles {
  int64_t forward = 0, backward = 0, weights = 0;
  int64_t total() const { return forward + backward + weights; }
};

/// What moves between DRAM and tensor memory.
struct TransferFigures {
  int64_t bytes = 0; ///< Of one transfer.
  int64_t count = 0; ///< Transfers of that size: slices, or 1.
};

/// What the mapping decides.
struct MappedLayer {
  unsigned contractions = 0; ///< Of one slice.
  int64_t slices = 1, tokensPerSlice = 0;
  int64_t liveRows = 0;     ///< Most rows of tensor memory alive at once.
  unsigned conflicts = 0;   ///< Operands with missing bits.
  int64_t multiplyAdds = 0; ///< With those of a padded last slice.
  int64_t beats = 0;
  /// Every contraction by itself, one after the other.
  int64_t serialCycles = 0;
  /// The first slice as the list scheduler orders it, and each further one
  /// with its latencies hidden behind the others.
  SliceCycles first, further;
  int64_t criticalPath = 0; ///< Without the first route.
  int64_t arrayPath = 0;    ///< The same, where all share array and drain.
  Counters counters;        ///< Without routes and DRAM bytes.
  /// Routes of all contractions, by network, in order of execution; one slice.
  std::array<std::vector<uint16_t>, 3> routes;
  /// Transfers: cores before, X, Y, dY, dX of each slice, gradients after; in
  /// the last slice, some are complete before dX.
  std::vector<TransferFigures> cores, earlyGradients, gradients;
  TransferFigures x, y, dY, dX;

  int64_t arrayCycles() const {
    return first.total() + (slices - 1) * further.total();
  }
};

/// A machine of which everything is left out that no mapping depends on: DRAM,
/// staging buffers, route slots, clock, energy preset. Machines with equal
/// results have equal mappings.
Machine mappingMachine(const Machine &machine);
/// The keys of machine files that mappingMachine leaves out.
llvm::ArrayRef<llvm::StringRef> keysBesideMapping();

/// The machine as the mapper sees it: array, accumulators, topology and the
/// length of the pipeline; what it does not look at is the same for all.
Machine seenByMapper(const Machine &machine);

/// One way to cut a step, mapped.
struct MappedSlice {
  MappedLayer figures;       ///< But liveRows.
  std::vector<int64_t> rows; ///< Of tensor memory, by value.
  std::string problem;       ///< Why there is no mapping; empty otherwise.
};

/// Slices that were mapped. Any thread; the latest few hundred are kept.
class MappingCache {
public:
  MappingCache();
  ~MappingCache();
  MappingCache(const MappingCache &) = delete;
  MappingCache &operator=(const MappingCache &) = delete;

  /// The slice with this key; made once by whoever asks first.
  std::shared_ptr<const MappedSlice>
  get(const std::string &key, llvm::function_ref<MappedSlice()> make);

private:
  struct State;
  std::unique_ptr<State> state;
};

/// Maps a step, in as few slices as the rows of tensor memory allow. Errors:
/// what the mapper refuses; a step that does not fit, with the rows that are
/// missing.
llvm::Expected<MappedLayer> mapLayer(const LayerPlan &plan,
                                     const Machine &machine,
                                     LayoutChoice layouts, MappingCache &cache);

/// What is known of one point of a sweep; the rest follows with the machine and
/// the tables. Figures that a mode does not have are 0.
struct RawFigures {
  int64_t cycles = 0;       ///< Contractions and transfers overlapped.
  int64_t serialCycles = 0; ///< Nothing overlaps.
  int64_t arrayCycles = 0;  ///< Contractions overlapped, DRAM ideal.
  int64_t limitCompute = 0, limitArray = 0, limitDram = 0, limitPath = 0;
  int64_t multiplyAdds = 0, dramBytes = 0, slices = 0, contractions = 0;
  EnergyWeights weights = {};

  int64_t limit() const {
    return std::max({limitCompute, limitArray, limitDram, limitPath});
  }
  llvm::StringRef binding() const;
};

struct PointFigures : RawFigures {
  double utilization = 0, shareOfLimit = 0, seconds = 0;
  FigureRange dynamicEnergy, staticEnergy; ///< Picojoules.
  FigureRange area;                        ///< Square millimetres.

  FigureRange energy() const {
    FigureRange sum = dynamicEnergy;
    sum.add(staticEnergy);
    return sum;
  }
};

/// A mapped step on a machine, which must have the mapping machine that it was
/// mapped for.
RawFigures priceLayer(const MappedLayer &mapped, const Machine &machine,
                      DramModel dram);

PointFigures deriveFigures(const RawFigures &raw, const Machine &machine,
                           const EnergyTable &energy, const AreaTable &area);

/// Cycles of the slices when their transfers share the link of the machine: X
/// comes one slice ahead, dY after Y is stored.
int64_t overlapWithLink(const MappedLayer &mapped, const Machine &machine);

} // namespace fetta

#endif // FETTA_SWEEP_COSTMODEL_H
