//===- TestNetworks.h - Networks for tests ----------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Builds networks from strings, and random ones with every index structure
/// the library admits.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_UNITTESTS_CONTRACTION_TESTNETWORKS_H
#define FETTA_UNITTESTS_CONTRACTION_TESTNETWORKS_H

#include "fetta/Contraction/Einsum.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/ErrorHandling.h"

#include <random>

namespace fetta::test {

/// The value; ends the program with the message if there is none, in every
/// build type.
template <typename T> T must(llvm::Expected<T> result) {
  if (!result)
    llvm::report_fatal_error(result.takeError());
  return std::move(*result);
}

/// The message of a failed Expected; empty if it did not fail.
template <typename T> std::string messageOf(llvm::Expected<T> result) {
  return result ? std::string() : llvm::toString(result.takeError());
}

inline TensorNetwork makeNetwork(llvm::StringRef einsum,
                                 llvm::StringRef sizes) {
  return must(bindSizes(must(parseEinsum(einsum)), sizes));
}

/// The einsum's closed network: operands, then the output as last leaf.
inline ClosedNetwork makeClosed(llvm::StringRef einsum, llvm::StringRef sizes) {
  return must(prepareNetwork(makeNetwork(einsum, sizes))).network;
}

/// 1 to \p maxTensors tensors with hyperedges, batch indices, sizes of 1,
/// indices repeated within a tensor, sums within a tensor, disconnected parts
/// and scalars.
inline TensorNetwork randomNetwork(std::mt19937_64 &random,
                                   unsigned maxTensors) {
  auto below = [&](unsigned bound) {
    return static_cast<unsigned>(random() % bound);
  };
  unsigned numTensors = 1 + below(maxTensors);
  unsigned numIndices = below(2 * numTensors + 2);
  std::vector<NetworkIndex> indices;
  std::vector<IndexList> tensors(numTensors);
  IndexList output;
  // Most networks are graphs with some hyperedges, others anything.
  unsigned maxEnds = below(3) == 0 ? numTensors : std::min(numTensors, 2u);
  for (unsigned index = 0; index < numIndices; ++index) {
    static const int64_t sizes[] = {1, 2, 2, 3, 4, 5, 7, 8, 16, 31, 64};
    indices.push_back({"i" + std::to_string(index), sizes[below(11)]});
    unsigned ends = 1 + below(maxEnds);
    for (unsigned end = 0; end < ends; ++end) {
      IndexList &tensor = tensors[below(numTensors)];
      // A second time on one tensor is a diagonal: let few of them stay.
      if (!llvm::is_contained(tensor, index) || below(4) == 0)
        tensor.push_back(index);
    }
    if (below(3) == 0)
      output.push_back(index);
  }
  for (IndexList &tensor : tensors)
    std::shuffle(tensor.begin(), tensor.end(), random);
  std::shuffle(output.begin(), output.end(), random);
  return must(TensorNetwork::create(std::move(indices), std::move(tensors),
                                    std::move(output)));
}

} // namespace fetta::test

#endif // FETTA_UNITTESTS_CONTRACTION_TESTNETWORKS_H
