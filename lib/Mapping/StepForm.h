//===- StepForm.h - The closed form of a step -------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Cycles and energy of a step from the chunks that lanes leave of its four
/// groups of modes, and the best lanes by them. Cycles grow with every number
/// of chunks: with merged groups they are a lower bound.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_LIB_MAPPING_STEPFORM_H
#define FETTA_LIB_MAPPING_STEPFORM_H

#include "LaneSpread.h"
#include "fetta/Mapping/MachineCost.h"

namespace fetta::mapping {

/// The groups of one dataflow: rows hold the reduced modes or, if output-
/// stationary, the free modes of the streamed operand; `other` is the one of
/// these two that rows do not hold.
struct LaneGroups {
  Dataflow dataflow = Dataflow::BStationary;
  const std::vector<LaneSpread> *rows = nullptr; ///< By PE row bits.
  const LaneSpread *columns = nullptr; ///< Free modes of the held operand.
  const LaneSpread *other = nullptr, *batch = nullptr;
  /// Products of the groups' sizes.
  double batchSize = 1, streamSize = 1, heldSize = 1, reducedSize = 1;
  double resultRows = 1; ///< At least so many rows of the result.
};

/// Picojoules by event.
struct StepEnergies {
  double multiply, columnAdd, reductionAdd, accumulatorAdd;
  double distribution, reduction; ///< A word through all stages.
  double macroRead, macroWrite, accumulatorRead, accumulatorWrite;
};

class StepForm {
public:
  StepForm(const Machine &machine, const EnergyTable &table);

  /// Replaces `best` where the groups have something with fewer cycles, or
  /// with equal cycles and fewer row accesses.
  void minimize(const LaneGroups &groups, StepEstimate &best) const;
  /// The least latency over all lanes; not above any that minimize gives for
  /// groups of the same sizes.
  void boundLatency(const LaneGroups &groups, double &least) const;
  /// Not above the energy of any lanes for groups of the same sizes; only the
  /// sizes count.
  double energyBound(const LaneGroups &groups) const;
  /// All PEs at work.
  Price roughBound(double multiplyAdds) const {
    return {multiplyAdds / pes + fill + 1, multiplyAdds * energies.multiply};
  }

  unsigned rowBits, columnBits, ceBits;

private:
  struct Lanes;
  template <typename Visit>
  void forEach(const LaneGroups &groups, Visit visit) const;
  StepEstimate cyclesOf(const LaneGroups &groups, const Lanes &lanes) const;
  struct Words;
  Words wordsOf(const LaneGroups &groups) const;
  double energyOf(const LaneGroups &groups, const Lanes &lanes) const;

  double fill, pes;
  /// Macros of an access by the number of its CE bits.
  std::array<double, LaneSpread::maxBits + 1> macros;
  unsigned plainBits; ///< CE bits that choose no macro.
  StepEnergies energies;
};

} // namespace fetta::mapping

#endif // FETTA_LIB_MAPPING_STEPFORM_H
