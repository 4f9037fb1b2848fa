//===- TensorNetwork.h - Tensors that share indices -------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// What is to be contracted. TensorNetwork is an einsum as users write it;
/// ClosedNetwork is what the search works on: the output is one more leaf, so
/// that a layer's forward pass and all its gradients are one network with one
/// leaf left out. Index structure is free: an index may lie on any number of
/// tensors (hyperedge) and on the output (batch).
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_CONTRACTION_TENSORNETWORK_H
#define FETTA_CONTRACTION_TENSORNETWORK_H

#include "fetta/Contraction/Cost.h"

#include "llvm/ADT/SmallBitVector.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <string>
#include <vector>

namespace fetta {

/// A named index (mode) and its size, which is at least 1. Names serve
/// messages and reports; no cost depends on them.
struct NetworkIndex {
  std::string name;
  int64_t size = 1;
};

/// Index numbers, in the order of a tensor's dimensions where it has one.
using IndexList = llvm::SmallVector<unsigned, 8>;

/// A subset of a closed network's leaves; as many bits as the network has
/// leaves. It is the key of an intermediate: equal sets are equal values.
using LeafSet = llvm::SmallBitVector;

/// An einsum with sizes: one or more tensors and an output.
class TensorNetwork {
public:
  /// Errors: no tensor, a size below 1, an index number out of range, an index
  /// twice in the output, an output index on no tensor. An index may be
  /// repeated within a tensor (diagonal) and may lie on one tensor only and
  /// not on the output (a sum within that tensor).
  static llvm::Expected<TensorNetwork> create(std::vector<NetworkIndex> indices,
                                              std::vector<IndexList> tensors,
                                              IndexList output);

  unsigned numTensors() const { return tensors.size(); }
  llvm::ArrayRef<NetworkIndex> getIndices() const { return indices; }
  llvm::ArrayRef<IndexList> getTensors() const { return tensors; }
  const IndexList &getOutput() const { return output; }

private:
  TensorNetwork() = default;
  std::vector<NetworkIndex> indices;
  std::vector<IndexList> tensors;
  IndexList output;
};

/// N >= 2 leaves; every index lies on two or more of them, so whichever leaf
/// is left out, the others contract to a tensor that holds exactly its indices.
/// Of an einsum the leaves are its operands and then its output; of a layer
/// {X, cores, dY}: leaving out dY is the forward pass, X the input gradient,
/// a core that core's gradient.
class ClosedNetwork {
public:
  /// Errors: fewer than two leaves, a size below 1, an index number out of
  /// range, an index twice on a leaf, an index on one leaf only.
  static llvm::Expected<ClosedNetwork> create(std::vector<NetworkIndex> indices,
                                              std::vector<IndexList> leaves);

  unsigned numLeaves() const { return leaves.size(); }
  llvm::ArrayRef<NetworkIndex> getIndices() const { return indices; }
  llvm::ArrayRef<IndexList> getLeaves() const { return leaves; }
  /// The leaves that hold an index.
  const LeafSet &ends(unsigned index) const { return indexEnds[index]; }

  LeafSet noLeaves() const { return LeafSet(numLeaves()); }
  LeafSet onlyLeaf(unsigned leaf) const;

  /// The indices of the tensor that the leaves in \p set contract to: those
  /// held inside and outside of the set, ascending. openIndices(S) equals
  /// openIndices(complement of S).
  IndexList openIndices(const LeafSet &set) const;

  /// Product of sizes; none on overflow. The empty list has volume 1.
  std::optional<Cost> volume(llvm::ArrayRef<unsigned> list) const;

  /// Names separated by \p separator, for messages and tables.
  std::string formatIndices(llvm::ArrayRef<unsigned> list,
                            llvm::StringRef separator = " ") const;

private:
  ClosedNetwork() = default;
  std::vector<NetworkIndex> indices;
  std::vector<IndexList> leaves;
  std::vector<LeafSet> indexEnds;
};

/// What is done to one tensor before the first pairwise step.
struct TensorReduction {
  unsigned tensor = 0;
  IndexList diagonal; ///< Indices that were repeated; one of each stays.
  IndexList summed;   ///< Indices that no other tensor and no output holds.
  Cost elements = 1;  ///< Elements visited: the volume of its distinct indices.
};

/// An einsum made ready for the search.
struct PreparedNetwork {
  /// Leaves 0..n-1 are the tensors, leaf n is the output. Index numbers are
  /// those of the einsum; an index that was summed away lies on no leaf.
  ClosedNetwork network;
  /// In order of the tensors; only those with something to do. Their work is
  /// not part of any tree's cost: it is the same for every tree.
  std::vector<TensorReduction> reductions;
  unsigned numSizeOne = 0; ///< Indices of size 1; they never change a cost.
};

/// Takes diagonals and sums within one tensor out. Neither depends on the
/// order, and doing both first never makes a step dearer. Error: the elements
/// of a tensor that needs reducing exceed 128 bits.
llvm::Expected<PreparedNetwork> prepareNetwork(const TensorNetwork &einsum);

} // namespace fetta

#endif // FETTA_CONTRACTION_TENSORNETWORK_H
