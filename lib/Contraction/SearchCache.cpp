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

/// All that an exact result depends on. Of a network as it is written, the
/// root is the number of leaves where it does not matter.
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
  /// How the leaves of a network as it is written lie in a canonical one.
  struct Written {
    std::shared_ptr<const CanonicalNetwork> form;
    std::shared_ptr<Entry> entry;
  };

  Written find(Key key, std::optional<unsigned> rootLeaf);

  size_t maxEntries;
  mutable std::mutex mutex; ///< Of what follows.
  std::unordered_map<Key, std::shared_ptr<Entry>, KeyHash> entries;
  /// Layers of a model are often written alike, which is seen sooner.
  std::unordered_map<Key, Written, KeyHash> asWritten;
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

/// \p key: of the network as it is written.
SearchCache::State::Written
SearchCache::State::find(Key key, std::optional<unsigned> rootLeaf) {
  {
    std::lock_guard<std::mutex> lock(mutex);
    auto found = asWritten.find(key);
    if (found != asWritten.end()) {
      ++hits;
      return found->second;
    }
  }
  Written written;
  written.form = std::make_shared<const CanonicalNetwork>(
      key.numLeaves, key.bundles, rootLeaf);
  Key canonical{key.numLeaves, written.form->root, key.objective,
                written.form->bundles};
  std::lock_guard<std::mutex> lock(mutex);
  auto found = entries.find(canonical);
  if (found != entries.end()) {
    written.entry = found->second;
    ++hits;
  } else {
    written.entry = std::make_shared<Entry>();
    ++searches;
    if (entries.size() >= maxEntries)
      return written;
    entries.emplace(std::move(canonical), written.entry);
  }
  if (asWritten.size() < maxEntries)
    asWritten.emplace(std::move(key), written);
  return written;
}

Expected<SearchResult> SearchCache::search(const ClosedNetwork &network,
                                           unsigned rootLeaf,
                                           const SearchOptions &options) {
  std::optional<std::vector<CanonicalNetwork::Bundle>> bundles;
  if (rootLeaf < network.numLeaves() && options.exactLimit <= maxExactTensors &&
      network.numLeaves() - 1 <= options.exactLimit &&
      // What may be stopped is not for others to find.
      !options.heuristic.shouldStop && options.heuristic.seconds == 0)
    bundles = CanonicalNetwork::bundlesOf(network);
  if (!bundles)
    return searchTree(network, rootLeaf, options);
  // Multiply-adds have the same optimum from every root.
  std::optional<unsigned> fixedRoot;
  if (!options.objective.isFlops())
    fixedRoot = rootLeaf;
  Key key{network.numLeaves(), fixedRoot.value_or(network.numLeaves()),
          options.objective, std::move(*bundles)};
  auto [form, entry] = state->find(std::move(key), fixedRoot);

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
