//===- EinsumFamily.cpp -----------------------------------------*- C++ -*-===//
//
// Part of Fetta, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "EinsumFamily.h"

using namespace mlir;
using namespace fetta;
using namespace fetta::tnn;

llvm::Expected<EinsumFamily> EinsumFamily::create(EinsumOp first) {
  EinsumAttr einsum = first.getEinsum();
  SmallVector<StringAttr> modes = einsum.getModes();
  SmallVector<int64_t> sizes = first.getModeSizes();
  std::vector<NetworkIndex> indices;
  for (auto [mode, size] : llvm::zip_equal(modes, sizes))
    indices.push_back({mode.str(), size});
  std::vector<IndexList> leafIndices;
  auto addLeaf = [&](ArrayRef<StringAttr> leafModes) {
    IndexList list;
    for (StringAttr mode : leafModes)
      list.push_back(llvm::find(modes, mode) - modes.begin());
    leafIndices.push_back(std::move(list));
  };
  for (unsigned i = 0; i < einsum.getNumInputs(); ++i)
    addLeaf(einsum.getInputModes(i));
  addLeaf(einsum.getOutputModes());

  llvm::Expected<ClosedNetwork> network =
      ClosedNetwork::create(std::move(indices), std::move(leafIndices));
  if (!network)
    return network.takeError();
  EinsumFamily family(std::move(*network));
  llvm::append_range(family.leaves, first.getInputs());
  family.leaves.push_back(Value());
  decltype(FamilyMember::indexOf) indexOf;
  for (auto [index, mode] : llvm::enumerate(modes))
    indexOf[mode] = unsigned(index);
  family.names = std::move(modes);
  family.members.push_back({first, family.resultLeaf(), std::move(indexOf)});
  return family;
}

namespace {
/// Searches for an assignment of an einsum's operands to leaves. Operands go to
/// leaves of the same tensor; one goes to the result's slot; the leaf that is
/// left over is the root. Where a tensor appears once there is nothing to
/// search; where it appears several times, modes decide.
class Matcher {
public:
  Matcher(const EinsumFamily &family, EinsumOp op)
      : family(family), network(family.getNetwork()), op(op),
        isTaken(network.numLeaves()) {}

  /// The leaf that `op` leaves out, if it is a view.
  std::optional<unsigned> match() {
    if (op.getInputs().size() + 1 != network.numLeaves())
      return std::nullopt;
    return assign(0);
  }
  /// The operand in the result's slot, and the indices of modes; valid after a
  /// match.
  Value getSlotOperand() const { return slotOperand; }
  const auto &getBindings() const { return bindings; }

private:
  using Bindings = decltype(FamilyMember::indexOf);

  /// Binds the modes of an operand (or of the result) to the indices of a leaf,
  /// one to one.
  bool bind(ArrayRef<StringAttr> modes, unsigned leaf, Bindings &bound) {
    const IndexList &indices = network.getLeaves()[leaf];
    if (modes.size() != indices.size())
      return false;
    for (auto [mode, index] : llvm::zip_equal(modes, indices)) {
      auto [entry, isNew] = bound.try_emplace(mode, index);
      if (!isNew && entry->second != index)
        return false;
      if (isNew)
        for (auto &[otherMode, otherIndex] : bound)
          if (otherMode != mode && otherIndex == index)
            return false;
    }
    return true;
  }

  std::optional<unsigned> assign(unsigned operand) {
    EinsumAttr einsum = op.getEinsum();
    if (operand == einsum.getNumInputs()) {
      unsigned root = 0;
      while (isTaken[root])
        ++root;
      Bindings saved = bindings;
      if (bind(einsum.getOutputModes(), root, bindings) && sizesAgree())
        return root;
      bindings = std::move(saved);
      return std::nullopt;
    }
    Value value = op.getInputs()[operand];
    for (unsigned leaf = 0; leaf < network.numLeaves(); ++leaf) {
      if (isTaken[leaf])
        continue;
      bool isSlot = leaf == family.resultLeaf();
      Value leafValue = family.getLeaf(leaf);
      // The slot is open to any tensor until the first gradient fills it.
      if (leafValue ? leafValue != value : !isSlot)
        continue;
      Bindings saved = bindings;
      isTaken.set(leaf);
      if (bind(einsum.getInputModes(operand), leaf, bindings)) {
        if (isSlot)
          slotOperand = value;
        if (std::optional<unsigned> root = assign(operand + 1))
          return root;
      }
      isTaken.reset(leaf);
      bindings = std::move(saved);
    }
    return std::nullopt;
  }

  /// Tensors in the slot and at the root have the sizes of the network.
  bool sizesAgree() {
    SmallVector<StringAttr> modes = op.getEinsum().getModes();
    for (auto [mode, size] : llvm::zip_equal(modes, op.getModeSizes()))
      if (network.getIndices()[bindings.lookup(mode)].size != size)
        return false;
    return true;
  }

  const EinsumFamily &family;
  const ClosedNetwork &network;
  EinsumOp op;
  llvm::SmallBitVector isTaken;
  Bindings bindings;
  Value slotOperand;
};
} // namespace

bool EinsumFamily::tryAdd(EinsumOp op) {
  if (cast<RankedTensorType>(op.getInputs()[0].getType()).getElementType() !=
      cast<RankedTensorType>(leaves[0].getType()).getElementType())
    return false;
  Matcher matcher(*this, op);
  std::optional<unsigned> root = matcher.match();
  // A second forward einsum would leave the slot out as the first does.
  if (!root || llvm::any_of(members, [&](const FamilyMember &member) {
        return member.rootLeaf == *root;
      }))
    return false;
  leaves.back() = matcher.getSlotOperand();
  members.push_back({op, *root, matcher.getBindings()});
  return true;
}

ClosedNetwork EinsumFamily::networkWithSize(unsigned index,
                                            int64_t size) const {
  std::vector<NetworkIndex> indices(network.getIndices());
  indices[index].size = size;
  return llvm::cantFail(
      ClosedNetwork::create(std::move(indices), network.getLeaves()));
}

llvm::Expected<std::vector<EinsumFamily>>
fetta::tnn::findEinsumFamilies(Block &block) {
  std::vector<EinsumFamily> families;
  for (EinsumOp op : block.getOps<EinsumOp>()) {
    if (op.getInputs().size() < 2)
      continue;
    if (!op.getPath() && llvm::any_of(families, [&](EinsumFamily &family) {
          return family.tryAdd(op);
        }))
      continue;
    llvm::Expected<EinsumFamily> family = EinsumFamily::create(op);
    if (!family)
      return family.takeError();
    families.push_back(std::move(*family));
  }
  return families;
}
