//===- TensorNetwork.cpp - Tensors that share indices ---------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Contraction/TensorNetwork.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

#include <algorithm>

using namespace llvm;
using namespace fetta;

std::string fetta::toString(Cost cost) {
  std::string digits;
  do {
    digits.push_back(static_cast<char>('0' + static_cast<int>(cost % 10)));
    cost /= 10;
  } while (cost != 0);
  std::reverse(digits.begin(), digits.end());
  return digits;
}

static Error checkIndices(ArrayRef<NetworkIndex> indices) {
  for (const NetworkIndex &index : indices)
    if (index.size < 1)
      return createStringError("size of index '" + Twine(index.name) + "' is " +
                               Twine(index.size) + ", but must be at least 1");
  return Error::success();
}

static Error checkRange(ArrayRef<unsigned> list, size_t numIndices,
                        const Twine &where) {
  for (unsigned index : list)
    if (index >= numIndices)
      return createStringError(where + " names index number " + Twine(index) +
                               ", but there are " + Twine(numIndices));
  return Error::success();
}

/// The first index that occurs twice.
static std::optional<unsigned> findRepeated(ArrayRef<unsigned> list) {
  SmallVector<unsigned, 8> sorted(list);
  llvm::sort(sorted);
  auto it = std::adjacent_find(sorted.begin(), sorted.end());
  if (it == sorted.end())
    return std::nullopt;
  return *it;
}

Expected<TensorNetwork> TensorNetwork::create(std::vector<NetworkIndex> indices,
                                              std::vector<IndexList> tensors,
                                              IndexList output) {
  if (tensors.empty())
    return createStringError("an einsum needs at least one tensor");
  if (Error error = checkIndices(indices))
    return error;
  SmallBitVector held(indices.size());
  for (auto [number, tensor] : enumerate(tensors)) {
    if (Error error =
            checkRange(tensor, indices.size(), "tensor " + Twine(number)))
      return error;
    for (unsigned index : tensor)
      held.set(index);
  }
  if (Error error = checkRange(output, indices.size(), "the output"))
    return error;
  if (std::optional<unsigned> index = findRepeated(output))
    return createStringError("index '" + Twine(indices[*index].name) +
                             "' is twice in the output");
  for (unsigned index : output)
    if (!held.test(index))
      return createStringError("output index '" + Twine(indices[index].name) +
                               "' is on no tensor");
  TensorNetwork network;
  network.indices = std::move(indices);
  network.tensors = std::move(tensors);
  network.output = std::move(output);
  return network;
}

Expected<ClosedNetwork> ClosedNetwork::create(std::vector<NetworkIndex> indices,
                                              std::vector<IndexList> leaves) {
  if (leaves.size() < 2)
    return createStringError("a closed network needs two leaves, but has " +
                             Twine(leaves.size()));
  if (Error error = checkIndices(indices))
    return error;
  ClosedNetwork network;
  network.indexEnds.assign(indices.size(), LeafSet(leaves.size()));
  for (auto [number, leaf] : enumerate(leaves)) {
    if (Error error = checkRange(leaf, indices.size(), "leaf " + Twine(number)))
      return error;
    if (std::optional<unsigned> index = findRepeated(leaf))
      return createStringError("index '" + Twine(indices[*index].name) +
                               "' is twice on leaf " + Twine(number) +
                               ": take the diagonal first");
    for (unsigned index : leaf)
      network.indexEnds[index].set(number);
  }
  for (auto [number, ends] : enumerate(network.indexEnds))
    if (ends.count() == 1)
      return createStringError("index '" + Twine(indices[number].name) +
                               "' is only on leaf " + Twine(ends.find_first()) +
                               ": sum over it first");
  network.indices = std::move(indices);
  network.leaves = std::move(leaves);
  return network;
}

LeafSet ClosedNetwork::onlyLeaf(unsigned leaf) const {
  LeafSet set = noLeaves();
  set.set(leaf);
  return set;
}

IndexList ClosedNetwork::openIndices(const LeafSet &set) const {
  IndexList open;
  for (auto [number, ends] : enumerate(indexEnds))
    // test(x): a leaf in the set that is not in x.
    if (ends.anyCommon(set) && ends.test(set))
      open.push_back(number);
  return open;
}

std::optional<Cost> ClosedNetwork::volume(ArrayRef<unsigned> list) const {
  Cost result = 1;
  for (unsigned index : list) {
    std::optional<Cost> next = multiplyCosts(result, indices[index].size);
    if (!next)
      return std::nullopt;
    result = *next;
  }
  return result;
}

std::string ClosedNetwork::formatIndices(ArrayRef<unsigned> list,
                                         StringRef separator) const {
  return join(map_range(list,
                        [&](unsigned index) -> const std::string & {
                          return indices[index].name;
                        }),
              separator);
}

Expected<PreparedNetwork> fetta::prepareNetwork(const TensorNetwork &einsum) {
  std::vector<unsigned> holders(einsum.getIndices().size(), 0);
  std::vector<IndexList> leaves;
  std::vector<TensorReduction> reductions;
  for (auto [number, tensor] : enumerate(einsum.getTensors())) {
    TensorReduction reduction;
    reduction.tensor = number;
    IndexList distinct;
    for (unsigned index : tensor) {
      if (!is_contained(distinct, index))
        distinct.push_back(index);
      else if (!is_contained(reduction.diagonal, index))
        reduction.diagonal.push_back(index);
    }
    for (unsigned index : distinct)
      ++holders[index];
    leaves.push_back(std::move(distinct));
    reductions.push_back(std::move(reduction));
  }
  for (unsigned index : einsum.getOutput())
    ++holders[index];

  for (auto [leaf, reduction] : zip_equal(leaves, reductions)) {
    for (unsigned index : leaf)
      if (holders[index] == 1)
        reduction.summed.push_back(index);
    if (reduction.diagonal.empty() && reduction.summed.empty())
      continue;
    for (unsigned index : leaf) {
      std::optional<Cost> elements =
          multiplyCosts(reduction.elements, einsum.getIndices()[index].size);
      if (!elements)
        return createStringError("the elements of tensor " +
                                 Twine(reduction.tensor) + " exceed 128 bits");
      reduction.elements = *elements;
    }
    erase_if(leaf, [&](unsigned index) { return holders[index] == 1; });
  }
  erase_if(reductions, [](const TensorReduction &reduction) {
    return reduction.diagonal.empty() && reduction.summed.empty();
  });
  leaves.push_back(einsum.getOutput());

  Expected<ClosedNetwork> network =
      ClosedNetwork::create(einsum.getIndices().vec(), std::move(leaves));
  if (!network)
    return network.takeError();
  unsigned numSizeOne =
      count_if(einsum.getIndices(),
               [](const NetworkIndex &index) { return index.size == 1; });
  return PreparedNetwork{std::move(*network), std::move(reductions),
                         numSizeOne};
}
