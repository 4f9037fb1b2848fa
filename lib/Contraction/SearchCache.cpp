//===- SearchCache.cpp - Equal networks are searched once -----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Contraction/SearchCache.h"

#include "CanonicalNetwork.h"

#include "llvm/ADT/Hashing.h"

#include <mutex>
#include <unordered_map>

using namespace llvm;
using namespace fetta;

namespace {

/// All that an exact result depends on.
struct Key {
  unsigned numLeaves, root;
  Objective objective;
  std::vector<CanonicalNetwork::Bundle> bundles;

  bool operator==(const Key &other) const {
    return numLeaves == other.numLeaves && root == other.root &&
           objective.isLargest == other.objective.isLargest &&
           objective.flopWeight == other.objective.flopWeight &&
           objective.writeWeight == other.objective.writeWeight &&
           bundles == other.bundles;
  }
};

struct KeyHash {
  size_t operator()(const Key &key) const {
    hash_code hash =
        hash_combine(key.numLeaves, key.root, key.objective.isLargest,
                     key.objective.flopWeight, key.objective.writeWeight);
    for (const CanonicalNetwork::Bundle &bundle : key.bundles)
      hash = hash_combine(hash, bundle.ends, bundle.size);
    return hash;
  }
};

/// A result, or the promise of one: its search holds the mutex.
struct Entry {
  std::mutex mutex;
  bool isDone = false;
  std::string error;
  std::optional<SearchResult> result; ///< On canonical leaves.
};

} // namespace

struct SearchCache::State {
  size_t maxEntries;
  mutable std::mutex mutex; ///< Of what follows.
  std::unordered_map<Key, std::shared_ptr<Entry>, KeyHash> entries;
  uint64_t searches = 0, hits = 0;
};

SearchCache::SearchCache(size_t maxEntries) : state(std::make_unique<State>()) {
  state->maxEntries = maxEntries;
}

SearchCache::~SearchCache() = default;

SearchCache::Statistics SearchCache::statistics() const {
  std::lock_guard<std::mutex> lock(state->mutex);
  return {state->searches, state->hits, state->entries.size()};
}

/// A result on canonical leaves as one on the network's own.
static SearchResult translate(const SearchResult &result,
                              const CanonicalNetwork &form, unsigned rootLeaf) {
  unsigned n = form.leafOf.size();
  std::vector<ContractionTree::Step> steps;
  steps.reserve(result.tree.getSteps().size());
  auto toValue = [&](unsigned value) {
    return value < n ? form.leafOf[value] : value;
  };
  for (const ContractionTree::Step &step : result.tree.getSteps())
    steps.push_back({toValue(step.lhs), toValue(step.rhs)});
  ContractionTree tree = cantFail(ContractionTree::create(
      n, form.leafOf[result.tree.rootLeaf()], std::move(steps)));
  SearchResult translated = result;
  translated.tree = UnrootedTree(tree).reroot(rootLeaf);
  return translated;
}

Expected<SearchResult> SearchCache::search(const ClosedNetwork &network,
                                           unsigned rootLeaf,
                                           const SearchOptions &options) {
  std::optional<CanonicalNetwork> form;
  bool isExact = rootLeaf < network.numLeaves() &&
                 options.exactLimit <= maxExactTensors &&
                 network.numLeaves() - 1 <= options.exactLimit;
  // Multiply-adds have the same optimum from every root.
  if (isExact)
    form = CanonicalNetwork::create(network, options.objective.isFlops()
                                                 ? std::nullopt
                                                 : std::optional(rootLeaf));
  if (!form)
    return searchTree(network, rootLeaf, options);

  Key key{network.numLeaves(), form->root, options.objective, form->bundles};
  std::shared_ptr<Entry> entry;
  {
    std::lock_guard<std::mutex> lock(state->mutex);
    auto found = state->entries.find(key);
    if (found != state->entries.end()) {
      entry = found->second;
      ++state->hits;
    } else {
      entry = std::make_shared<Entry>();
      ++state->searches;
      if (state->entries.size() < state->maxEntries)
        state->entries.emplace(std::move(key), entry);
    }
  }
  std::lock_guard<std::mutex> lock(entry->mutex);
  if (!entry->isDone) {
    Expected<SearchResult> result =
        searchTree(form->toNetwork(), form->root, options);
    if (result)
      entry->result = std::move(*result);
    else
      entry->error = llvm::toString(result.takeError());
    entry->isDone = true;
  }
  if (!entry->result)
    return createStringError(entry->error);
  return translate(*entry->result, *form, rootLeaf);
}
