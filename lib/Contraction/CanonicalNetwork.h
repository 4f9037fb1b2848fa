//===- CanonicalNetwork.h - Networks up to names and order ------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// A form of a network that does not depend on names or on the order of leaves
/// and indices: the key by which SearchCache knows it.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_LIB_CONTRACTION_CANONICALNETWORK_H
#define FETTA_LIB_CONTRACTION_CANONICALNETWORK_H

#include "fetta/Contraction/TensorNetwork.h"

namespace fetta {

struct CanonicalNetwork {
  /// All indices with the same ends, as one.
  struct Bundle {
    uint64_t ends; ///< Canonical leaves, by bit.
    int64_t size;
    bool operator==(const Bundle &other) const {
      return ends == other.ends && size == other.size;
    }
    bool operator<(const Bundle &other) const {
      return std::make_pair(ends, size) <
             std::make_pair(other.ends, other.size);
    }
  };

  unsigned root;               ///< Canonical number of the leaf to search from.
  std::vector<Bundle> bundles; ///< Ascending.
  /// The network's leaf for each canonical one.
  llvm::SmallVector<unsigned, 32> leafOf;

  /// The bundles of a network on its own leaves, ascending. None: more than 64
  /// leaves, or a bundle beyond 63 bits.
  static std::optional<std::vector<Bundle>>
  bundlesOf(const ClosedNetwork &network);

  /// Two networks with equal bundles and numbers of leaves are the same up to
  /// names and order; leafOf says how. The converse holds unless refinement
  /// cannot tell leaves apart that no symmetry exchanges. With \p rootLeaf,
  /// that leaf is told apart from all others and is the root; else the
  /// structure decides. \p bundles is bundlesOf the network.
  CanonicalNetwork(unsigned numLeaves, std::vector<Bundle> bundles,
                   std::optional<unsigned> rootLeaf);

  /// The form as a network; its indices have no names.
  ClosedNetwork toNetwork() const;
};

} // namespace fetta

#endif // FETTA_LIB_CONTRACTION_CANONICALNETWORK_H
