//===- MachineCost.h - What a contraction step costs ------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// The price of a contraction step on a machine, for the search of orders: the
/// closed form of the serial schedule with the best lanes, in microseconds
/// instead of a mapper's milliseconds (docs/Search.md, "Orders for a machine").
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_MAPPING_MACHINECOST_H
#define FETTA_MAPPING_MACHINECOST_H

#include "fetta/Contraction/CostModel.h"
#include "fetta/Layout/Nest.h"
#include "fetta/Machine/EnergyTable.h"

#include <memory>

namespace fetta {

/// Modes of a step, those of size 1 left out.
struct StepModes {
  llvm::SmallVector<int64_t, 8> sizes;
  llvm::SmallVector<std::array<bool, 3>, 8> in; ///< Held by A, B, C.
};

/// A step as the closed form sees it; cycles and picojoules.
struct StepEstimate {
  Dataflow dataflow = Dataflow::BStationary;
  double beats = 0;
  /// Further cycles for which the array is taken: tiles that load, or
  /// output-stationary ones that drain, longer than they last.
  double stalls = 0;
  double load = 0;     ///< First stationary tile.
  double lastTile = 0; ///< Drain of the last output-stationary tile.
  double fill = 0;     ///< Pipeline.
  double drain = 0;    ///< At least: rows of the result that leave last.
  double rowAccesses = 0;
  double energy = 0;

  double occupancy() const { return beats + stalls; }
  double latency() const {
    return occupancy() + load + lastTile + fill + drain;
  }
};

/// Low bits of the dimensions of a tensor that lie in a memory row.
using LayoutClass = llvm::SmallVector<uint8_t, 8>;

/// Steps on a machine. A price has two parts, both of the mapping with the
/// fewest cycles (among equals the fewest row accesses): cycles of the serial
/// schedule, and dynamic picojoules of multiplications, additions, network
/// stages, rows of tensor memory and accumulators.
///
/// The mappings are those of the mapper without conflicts: any dataflow, any
/// number of bits of any mode on lanes, ragged sizes as they are. Taken for
/// ideal is what cuts of the loops decide: a tile streams all there is to
/// stream, accumulators never fill up, and one row of the result is left to
/// drain. With one layout class the latency of a step is therefore never above
/// that of mapContraction with free layouts. Results are BF16; of an
/// output-stationary step either operand may be the one on the rows. Not
/// priced, because no order changes it or no step knows it: DRAM, routes,
/// instructions, and static power.
///
/// Layout classes of a tensor, in modes above 1, the largest first and equal
/// ones in the order of their indices: 0 fills a row where it makes the tensor
/// dense; k puts as many bits as fit of the k-th mode into the row first. A
/// tensor that fits a row has one class. With `layouts` = 1 each step finds
/// each tensor in the layout that suits it best, which is a relaxation.
///
/// Prices are remembered by the modes of a step: not for several threads at
/// once.
class MachineCostModel : public CostModel {
public:
  MachineCostModel(const Machine &machine, const EnergyTable &table,
                   unsigned layouts = maxLayouts);
  ~MachineCostModel() override;
  /// With the energy table that the machine names. Error: there is none.
  static llvm::Expected<std::unique_ptr<MachineCostModel>>
  create(const Machine &machine, unsigned layouts = maxLayouts);

  unsigned numLayouts(const ClosedNetwork &network,
                      llvm::ArrayRef<unsigned> indices) const override;
  void stepPrices(const ModelStep &step,
                  llvm::MutableArrayRef<Price> prices) const override;
  /// The step with each of its four groups of modes merged into one mode; of
  /// energy, each part at its least.
  Price lowerBound(const StepShape &shape) const override;
  /// All PEs at work, one after the other.
  Price roughBound(const StepShape &shape) const override;
  /// Nothing: arguments and results can be in any layout.
  Price boundaryPrice(const ClosedNetwork &network,
                      llvm::ArrayRef<unsigned> indices,
                      unsigned layout) const override;

  /// Classes of a tensor of modes above 1, in this order; empty if layouts are
  /// free.
  const std::vector<LayoutClass> &
  layoutClasses(llvm::ArrayRef<int64_t> sizes) const;
  /// One step on layouts of A, B and C, over the modes that each holds, in
  /// order; null: free.
  StepEstimate estimate(const StepModes &modes,
                        std::array<const LayoutClass *, 3> layouts) const;
  /// Static power of the machine, in picojoules a cycle.
  double staticPower() const;
  const Machine &getMachine() const;

private:
  struct State;
  std::unique_ptr<State> state;
};

} // namespace fetta

#endif // FETTA_MAPPING_MACHINECOST_H
