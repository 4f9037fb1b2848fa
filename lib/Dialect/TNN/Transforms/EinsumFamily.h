//===- EinsumFamily.h -------------------------------------------*- C++ -*-===//
//
// Part of Fetta, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Einsums that are leave-one-out views of one closed network. A layer's
/// forward einsum over {X, cores}, its input gradient and the gradient of each
/// core all contract {X, cores, dY} less one tensor, so one tree serves all.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_LIB_DIALECT_TNN_TRANSFORMS_EINSUMFAMILY_H
#define FETTA_LIB_DIALECT_TNN_TRANSFORMS_EINSUMFAMILY_H

#include "fetta/Contraction/TensorNetwork.h"
#include "fetta/Dialect/TNN/IR/TNNOps.h"

namespace fetta::tnn {

/// A view of a family: the einsum that leaves one leaf out.
struct FamilyMember {
  EinsumOp op;
  unsigned rootLeaf;
  /// The index of the network that each mode of `op` stands for. Members may
  /// call it differently.
  llvm::DenseMap<mlir::StringAttr, unsigned> indexOf;
};

/// Leaves are the operands of the first member, then its result's slot, which
/// the gradient of the result fills in the other members.
class EinsumFamily {
public:
  /// A family of one. Error: sizes the network cannot hold.
  static llvm::Expected<EinsumFamily> create(EinsumOp first);

  /// Adds `op` if it contracts all leaves but one, with equal modes, and its
  /// root leaf is not there yet.
  bool tryAdd(EinsumOp op);

  const ClosedNetwork &getNetwork() const { return network; }
  /// The network with another size of one index.
  ClosedNetwork networkWithSize(unsigned index, int64_t size) const;
  llvm::ArrayRef<FamilyMember> getMembers() const { return members; }
  /// The leaf that stands for the result of the first member.
  unsigned resultLeaf() const { return leaves.size() - 1; }
  /// The tensor of a leaf; null for the result's slot of a family of one.
  mlir::Value getLeaf(unsigned leaf) const { return leaves[leaf]; }
  /// The name of an index of the network in the first member.
  mlir::StringAttr getModeName(unsigned index) const { return names[index]; }

private:
  EinsumFamily(ClosedNetwork network) : network(std::move(network)) {}

  ClosedNetwork network;
  llvm::SmallVector<mlir::Value> leaves;
  llvm::SmallVector<mlir::StringAttr> names;
  llvm::SmallVector<FamilyMember> members;
};

/// The families of a block, in the order of their first members. An einsum of
/// one operand is in none. An einsum that has a `path` may only be first.
llvm::Expected<std::vector<EinsumFamily>>
findEinsumFamilies(mlir::Block &block);

} // namespace fetta::tnn

#endif // FETTA_LIB_DIALECT_TNN_TRANSFORMS_EINSUMFAMILY_H
