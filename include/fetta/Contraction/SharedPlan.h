//===- SharedPlan.h - Several phases, common values once --------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// The pairwise steps that a chosen list of phases needs, each value computed
/// once. A value is known by the set of leaves it contracts, so finding what
/// two phases have in common is a set lookup. All phases of one unrooted tree
/// cost exactly three times one phase (docs/Search.md).
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_CONTRACTION_SHAREDPLAN_H
#define FETTA_CONTRACTION_SHAREDPLAN_H

#include "fetta/Contraction/ContractionTree.h"

namespace fetta {

class SharedPlan {
public:
  /// One step. Values are numbered: leaf l is l; the result of step k is
  /// numLeaves() + k. Operands come before the steps that use them.
  struct Step {
    unsigned lhs, rhs;
    LeafSet leaves; ///< Contracted by the result: the value's key.
    StepCost cost;
    unsigned phase; ///< Number (in the list) of the first phase to need it.
    /// An earlier step has made the same value, which was not kept.
    bool recomputes = false;
  };

  /// A step to be written down: operands, and the phase that asks for it.
  struct PlannedStep {
    unsigned lhs, rhs; ///< Values, numbered as above.
    unsigned phase;
    bool recomputes = false;
  };

  /// Plans the phases in the given order, so list the forward pass first: a
  /// step belongs to the first phase that needs it. Trees may differ; a set of
  /// leaves that an earlier phase has contracted is taken from there. Errors:
  /// no phase, a tree of another network, two phases with one root leaf, a
  /// cost beyond 128 bits.
  static llvm::Expected<SharedPlan>
  create(const ClosedNetwork &network, llvm::ArrayRef<ContractionTree> phases);

  /// Re-roots one tree to the given leaves, in their order.
  static llvm::Expected<SharedPlan> create(const ClosedNetwork &network,
                                           const UnrootedTree &tree,
                                           llvm::ArrayRef<unsigned> rootLeaves);

  /// A plan as somebody else has ordered it; costs are worked out here. Errors:
  /// an operand that is not there yet; operands with a leaf in common; a
  /// value that is made twice without \c recomputes; a phase whose result, the
  /// contraction of all leaves but its root leaf, is not among the values;
  /// otherwise as above.
  static llvm::Expected<SharedPlan>
  fromSteps(const ClosedNetwork &network, llvm::ArrayRef<PlannedStep> steps,
            llvm::ArrayRef<unsigned> rootLeaves);

  unsigned numLeaves() const { return leafCount; }
  unsigned numPhases() const { return results.size(); }
  llvm::ArrayRef<Step> getSteps() const { return steps; }
  /// The value that is the result of a phase: what its root leaf's tensor (or
  /// gradient) is made of, over the root leaf's indices.
  unsigned resultValue(unsigned phase) const { return results[phase]; }
  unsigned rootLeaf(unsigned phase) const { return roots[phase]; }
  /// The results of phase 0 that a later phase reads, ascending: what the
  /// forward pass must keep for the gradients besides the leaves.
  std::vector<unsigned> storedValues() const;
  /// All steps together, in multiply-adds.
  Cost totalFlops() const { return total; }
  /// The steps first needed by a phase.
  Cost phaseFlops(unsigned phase) const { return byPhase[phase]; }

private:
  SharedPlan() = default;
  unsigned leafCount = 0;
  std::vector<Step> steps;
  llvm::SmallVector<unsigned, 8> results, roots;
  llvm::SmallVector<Cost, 8> byPhase;
  Cost total = 0;
};

} // namespace fetta

#endif // FETTA_CONTRACTION_SHAREDPLAN_H
