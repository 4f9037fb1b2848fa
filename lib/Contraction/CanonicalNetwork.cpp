//===- CanonicalNetwork.cpp - Networks up to names and order --------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// Colour refinement: a leaf's colour is a hash of what it and its neighbours
// look like, sharpened until no more leaves are told apart. Of leaves that
// still look alike one is marked, and refinement goes on. Equal hashes of
// unlike leaves would only lead to another form, never to a wrong answer.
//
//===----------------------------------------------------------------------===//

#include "CanonicalNetwork.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Sequence.h"
#include "llvm/ADT/bit.h"

using namespace llvm;
using namespace fetta;

/// A hash that is the same in every process (SplitMix64's finalizer).
static uint64_t mix(uint64_t a, uint64_t b) {
  uint64_t number = a + 0x9e3779b97f4a7c15 * (b + 1);
  number = (number ^ (number >> 30)) * 0xbf58476d1ce4e5b9;
  number = (number ^ (number >> 27)) * 0x94d049bb133111eb;
  return number ^ (number >> 31);
}

namespace {

using Bundle = CanonicalNetwork::Bundle;

using Colours = SmallVector<uint64_t, 64>;

/// Colours of leaves, and the same in order: what can be said of them without
/// naming a leaf.
struct Colouring {
  Colours colours, sorted;
  unsigned numColours = 0;

  void refine(ArrayRef<Bundle> bundles);
};

} // namespace

void Colouring::refine(ArrayRef<Bundle> bundles) {
  for (;;) {
    // Sums, so that the order of leaves and bundles has no part in it.
    Colours sums(colours.size(), 0);
    for (const Bundle &bundle : bundles) {
      uint64_t sum = 0;
      for (uint64_t rest = bundle.ends; rest != 0; rest &= rest - 1)
        sum += colours[countr_zero(rest)];
      uint64_t hash = mix(sum, bundle.size);
      for (uint64_t rest = bundle.ends; rest != 0; rest &= rest - 1)
        sums[countr_zero(rest)] += hash;
    }
    for (auto [colour, sum] : zip_equal(colours, sums))
      colour = mix(colour, sum);
    sorted = colours;
    llvm::sort(sorted);
    unsigned before = numColours;
    numColours = 1;
    for (size_t k = 1; k < sorted.size(); ++k)
      numColours += sorted[k] != sorted[k - 1];
    if (numColours <= before || numColours == colours.size())
      return;
  }
}

/// The fewest leaves that look alike, of several such the lowest colour.
static uint64_t smallestSharedColour(ArrayRef<uint64_t> sorted) {
  uint64_t shared = 0;
  size_t fewest = sorted.size() + 1;
  for (size_t begin = 0, end; begin < sorted.size(); begin = end) {
    end = begin + 1;
    while (end < sorted.size() && sorted[end] == sorted[begin])
      ++end;
    if (end - begin > 1 && end - begin < fewest) {
      fewest = end - begin;
      shared = sorted[begin];
    }
  }
  return shared;
}

/// A colour for each leaf that no other has.
static Colours tellApart(unsigned numLeaves, ArrayRef<Bundle> bundles,
                         std::optional<unsigned> rootLeaf) {
  Colouring colouring;
  colouring.colours.assign(numLeaves, 1);
  if (rootLeaf)
    colouring.colours[*rootLeaf] = 2;
  colouring.refine(bundles);
  while (colouring.numColours < numLeaves) {
    // Each of them is marked in turn; the one whose marking looks best stays.
    // Those that look the same are, as a rule, exchanged by a symmetry.
    uint64_t shared = smallestSharedColour(colouring.sorted);
    std::optional<Colouring> best;
    for (auto [leaf, colour] : enumerate(colouring.colours)) {
      if (colour != shared)
        continue;
      Colouring marked = colouring;
      marked.colours[leaf] = mix(colour, ~uint64_t(0));
      marked.refine(bundles);
      if (!best || marked.sorted < best->sorted)
        best = std::move(marked);
    }
    // Unless hashes collide there is one colour more.
    bool isBetter = best->numColours > colouring.numColours;
    colouring = std::move(*best);
    if (!isBetter)
      break;
  }
  return std::move(colouring.colours);
}

std::optional<std::vector<Bundle>>
CanonicalNetwork::bundlesOf(const ClosedNetwork &network) {
  constexpr unsigned maxLeaves = 64;
  if (network.numLeaves() > maxLeaves)
    return std::nullopt;
  SmallVector<uint64_t, 64> ends(network.getIndices().size(), 0);
  for (auto [leaf, indices] : enumerate(network.getLeaves()))
    for (unsigned index : indices)
      ends[index] |= uint64_t(1) << leaf;
  std::vector<Bundle> bundles;
  bundles.reserve(ends.size());
  for (auto [mask, index] : zip_equal(ends, network.getIndices()))
    if (index.size > 1 && mask != 0)
      bundles.push_back({mask, index.size});
  llvm::sort(bundles);
  size_t kept = 0;
  for (const Bundle &bundle : bundles) {
    if (kept == 0 || bundles[kept - 1].ends != bundle.ends)
      bundles[kept++] = bundle;
    else if (__builtin_mul_overflow(bundles[kept - 1].size, bundle.size,
                                    &bundles[kept - 1].size))
      return std::nullopt;
  }
  bundles.resize(kept);
  return bundles;
}

CanonicalNetwork::CanonicalNetwork(unsigned numLeaves,
                                   std::vector<Bundle> written,
                                   std::optional<unsigned> rootLeaf)
    : bundles(std::move(written)) {
  Colours colours = tellApart(numLeaves, bundles, rootLeaf);
  leafOf.assign(seq(numLeaves).begin(), seq(numLeaves).end());
  llvm::sort(leafOf, [&](unsigned a, unsigned b) {
    return std::make_pair(colours[a], a) < std::make_pair(colours[b], b);
  });
  SmallVector<unsigned, 64> placeOf(numLeaves);
  for (auto [place, leaf] : enumerate(leafOf))
    placeOf[leaf] = place;
  uint64_t held = 0;
  for (Bundle &bundle : bundles) {
    uint64_t places = 0;
    for (uint64_t rest = bundle.ends; rest != 0; rest &= rest - 1)
      places |= uint64_t(1) << placeOf[countr_zero(rest)];
    bundle.ends = places;
    held |= places;
  }
  llvm::sort(bundles);
  // A scalar if there is one: the tensors then hang together without it.
  unsigned scalar = countr_one(held);
  root = rootLeaf             ? placeOf[*rootLeaf]
         : scalar < numLeaves ? scalar
                              : numLeaves - 1;
}

ClosedNetwork CanonicalNetwork::toNetwork() const {
  std::vector<NetworkIndex> indices;
  std::vector<IndexList> leaves(leafOf.size());
  for (auto [number, bundle] : enumerate(bundles)) {
    indices.push_back({"", bundle.size});
    for (uint64_t rest = bundle.ends; rest != 0; rest &= rest - 1)
      leaves[countr_zero(rest)].push_back(number);
  }
  return cantFail(ClosedNetwork::create(std::move(indices), std::move(leaves)));
}
