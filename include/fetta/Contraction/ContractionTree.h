//===- ContractionTree.h - Which two to contract next -----------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Contraction trees over the leaves of a closed network, rooted (one phase)
/// and unrooted (all phases at once), their exact cost, and opt_einsum's two
/// notations for them.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_CONTRACTION_CONTRACTIONTREE_H
#define FETTA_CONTRACTION_CONTRACTIONTREE_H

#include "fetta/Contraction/TensorNetwork.h"

#include <array>
#include <utility>

namespace fetta {

/// A path as opt_einsum writes it: the operands of each step.
using ContractionPath = std::vector<llvm::SmallVector<unsigned, 2>>;

/// How the operands of a path are numbered; see ContractionTree::fromPath.
enum class PathFormat { Linear, SSA };

/// One phase: all leaves but \c rootLeaf, contracted two at a time.
/// Values are numbered: leaf l is l; the result of step k is numLeaves() + k.
class ContractionTree {
public:
  struct Step {
    unsigned lhs, rhs; ///< Values; unordered, each used by one step only.
  };

  /// Errors: a leaf out of range, a number of steps other than N-2, a value
  /// that is not there yet, is used twice, or is the root leaf.
  static llvm::Expected<ContractionTree>
  create(unsigned numLeaves, unsigned rootLeaf, std::vector<Step> steps);

  /// A path over the leaves without the root leaf, renumbered 0..n-1 in their
  /// order. Linear: a step removes its operands from the list and appends its
  /// result. SSA: the result of step k is number n+k. The path of one tensor
  /// is empty or {(0)}. Errors as create; also a step of other than two.
  static llvm::Expected<ContractionTree>
  fromLinearPath(unsigned numLeaves, unsigned rootLeaf,
                 const ContractionPath &path);
  static llvm::Expected<ContractionTree>
  fromSsaPath(unsigned numLeaves, unsigned rootLeaf,
              const ContractionPath &path);
  /// A path in either format. No path of three tensors or more is both: the
  /// last step of a linear one is (0, 1), that of an SSA one reads the step
  /// before it. \p format, if given, says which it was (linear for fewer
  /// tensors, where they mean the same).
  static llvm::Expected<ContractionTree> fromPath(unsigned numLeaves,
                                                  unsigned rootLeaf,
                                                  const ContractionPath &path,
                                                  PathFormat *format = nullptr);
  ContractionPath linearPath() const;
  ContractionPath ssaPath() const;

  unsigned numLeaves() const { return leafCount; }
  unsigned rootLeaf() const { return root; }
  llvm::ArrayRef<Step> getSteps() const { return steps; }
  unsigned numValues() const { return leafCount + steps.size(); }
  /// The value that is the phase's result: the last step's, or, with two
  /// leaves, the other leaf.
  unsigned resultValue() const;
  /// The leaves under each value, by value number. The root leaf's own entry
  /// is its singleton.
  std::vector<LeafSet> leafSets() const;

private:
  ContractionTree(unsigned leafCount, unsigned root, std::vector<Step> steps)
      : leafCount(leafCount), root(root), steps(std::move(steps)) {}
  unsigned leafCount;
  unsigned root;
  std::vector<Step> steps;
};

/// A tree without a root: N leaves and N-2 inner vertices of degree 3. With
/// multiply-adds as cost it costs the same from every leaf (docs/Search.md).
class UnrootedTree {
public:
  explicit UnrootedTree(const ContractionTree &tree);

  unsigned numLeaves() const { return leafNeighbour.size(); }
  /// The phase that leaves \p leaf out. Steps are in post-order; of two
  /// operands the one with the lowest leaf comes first. So equal subsets are
  /// contracted alike in every phase.
  ContractionTree reroot(unsigned leaf) const;

private:
  // Vertex v is a leaf if v < N, else inner vertex v - N.
  std::vector<unsigned> leafNeighbour;
  std::vector<std::array<unsigned, 3>> innerNeighbours;
};

/// One pairwise step with its indices (ascending) and cost.
struct StepCost {
  IndexList lhs, rhs, result;
  IndexList summed;      ///< In an operand, not in the result.
  Cost flops = 0;        ///< Multiply-adds: volume of lhs and rhs together.
  Cost resultVolume = 1; ///< Elements of the result.
};

struct TreeCost {
  Cost flops = 0; ///< Sum over the steps, in multiply-adds.
  std::vector<StepCost> steps;
  Cost largestIntermediate = 0; ///< Elements; the last result counts too.
  Cost write = 0; ///< Elements of all results together; the last counts too.
};

/// Error: a cost exceeds 128 bits (names the step).
llvm::Expected<TreeCost> computeCost(const ClosedNetwork &network,
                                     const ContractionTree &tree);

} // namespace fetta

#endif // FETTA_CONTRACTION_CONTRACTIONTREE_H
