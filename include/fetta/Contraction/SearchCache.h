//===- SearchCache.h - Equal networks are searched once ---------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// The layers of a model are alike: dozens of networks, a few structures.
/// Networks that differ in names, or in the order of tensors and indices only,
/// share one exact search; with multiply-adds as objective all phases of a
/// layer do, too.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_CONTRACTION_SEARCHCACHE_H
#define FETTA_CONTRACTION_SEARCHCACHE_H

#include "fetta/Contraction/Search.h"

#include <memory>

namespace fetta {

/// Results of searchTree by structure and sizes; in memory. Any number of
/// threads may search at the same time; those that want equal networks wait
/// for the first one's result.
///
/// A network is brought into a canonical form and that is searched, so a
/// result does not depend on what was searched before or on which thread was
/// first. Forms are compared in full; a hash only finds them. Networks with
/// many symmetries or near-symmetries may be alike without having one form:
/// they are searched again, which costs time and nothing else.
class SearchCache {
public:
  /// \p maxEntries: results kept; networks beyond are searched each time.
  explicit SearchCache(size_t maxEntries = 4096);
  ~SearchCache();
  SearchCache(const SearchCache &) = delete;
  SearchCache &operator=(const SearchCache &) = delete;

  /// As searchTree, with the same errors; of several optimal trees it may give
  /// another one. Networks beyond the exact limit, of more than 64 leaves, or
  /// with 64-bit bundles of indices are passed on.
  llvm::Expected<SearchResult> search(const ClosedNetwork &network,
                                      unsigned rootLeaf,
                                      const SearchOptions &options = {});

  struct Statistics {
    uint64_t searches = 0; ///< Networks that had to be searched.
    uint64_t hits = 0;     ///< Networks whose result was there or under way.
    size_t entries = 0;
  };
  Statistics statistics() const;

private:
  struct State;
  std::unique_ptr<State> state;
};

} // namespace fetta

#endif // FETTA_CONTRACTION_SEARCHCACHE_H
