//===- SparseSearch.cpp - Dynamic programming over connected sets ---------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Where no index has more than two ends, every optimal tree contracts
// connected sets that share an index, except for outer products of sets whose
// indices all lie on the one connected set that is contracted next
// (docs/Search.md has the proof). So only sets that can be made in this way
// within the upper bound are ever looked at, and there are few of them: they
// are kept in a list by their number of tensors, and joined pair by pair.
//
// With V(S) the volume of a set, two connected sets cost
//
//   cost(A, B) = sqrt(V(A) V(B) V(A and B)),
//
// because each index of the step lies on exactly two of the three.
//
//===----------------------------------------------------------------------===//

#include "Certificate.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Sequence.h"
#include "llvm/Support/MemAlloc.h"

#include <limits>
#include <memory>

using namespace llvm;
using namespace fetta;

using Mask = TensorMask;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

/// A connected set of tensors.
struct Node {
  Mask set;
  Mask around; ///< Leaves outside that share an index, the root among them.
  double cost; ///< Least cost of contracting it; infinite if pruned.
  double rootOfVolume;
};

/// Sets that are not connected, waiting for the set that absorbs them.
struct Product {
  Mask set;
  double cost, volume;
};

/// A connected set that was not pruned.
struct Alive {
  Mask set, around;
  double cost, rootOfVolume;
};

/// Zeroed memory whose pages are not touched before they are used.
template <typename T> class LazyTable {
public:
  explicit LazyTable(size_t size)
      : entries(static_cast<T *>(safe_calloc(size, sizeof(T)))) {}
  T &operator[](size_t place) const { return entries.get()[place]; }

private:
  struct Free {
    void operator()(T *memory) const { std::free(memory); }
  };
  std::unique_ptr<T, Free> entries;
};

class SparseSolver {
public:
  SparseSolver(const Phase &phase, double upperBound);

  /// Whether all sets within the bound were visited.
  bool run();
  std::optional<ExactSolution> certify();

  double costOf(Mask set) const;
  template <typename Callback>
  void forEachSplit(Mask set, double threshold, Callback call) const;

private:
  void join(unsigned lhs, const Alive &a, unsigned rhs);
  void offer(Mask set, Mask around, double cost, double rootOfVolumes);
  void absorb(unsigned into, const Alive &part);
  void fillRoots();
  double rootOf(Mask set);
  double rootOfVolume(Mask set) const;
  const Node *findAlive(Mask set) const {
    uint32_t slot = nodeOf[set];
    return slot != 0 && slot != pruned && nodes[slot - 1].cost < infinity
               ? &nodes[slot - 1]
               : nullptr;
  }
  template <typename Callback>
  void forEachSplitOfParts(Mask set, ArrayRef<Mask> parts, Callback call) const;
  void findParts(Mask set, SmallVectorImpl<Mask> &parts) const;

  const Phase &phase;
  unsigned n;
  Mask full;
  double limit;
  /// Comparisons that decide what is looked at lose no tree to rounding.
  double slack;
  static constexpr size_t lanes = 4;
  SmallVector<Mask, 64> ends;    ///< Of the bundles; filled up to whole lanes.
  SmallVector<double, 64> sizes; ///< Of the bundles.
  SmallVector<Mask, maxExactTensors> neighbours;
  std::vector<Node> nodes;
  /// For each set the number of its node, plus one; 0: none yet.
  static constexpr uint32_t pruned = ~uint32_t(0); ///< For its volume.
  LazyTable<uint32_t> nodeOf;
  std::vector<SmallVector<unsigned, 0>> bySize; ///< Node numbers.
  /// The nodes that were not pruned, by ascending number of tensors.
  std::vector<Alive> alive;
  std::vector<Mask> aliveSets;
  /// What each of them can absorb; by its place in alive.
  std::vector<SmallVector<Product, 0>> absorbable;
  std::vector<double> roots; ///< rootOfVolume of every set; may be empty.
  unsigned numRoots = 0;
  bool canTabulate;
  mutable std::map<Mask, double> productCosts;
  uint64_t numPairs = 0;
};

} // namespace

bool fetta::isConnectedGraph(const Phase &phase) {
  Mask reached = 1;
  if (any_of(phase.bundles,
             [](const Bundle &bundle) { return popcount(bundle.ends) != 2; }))
    return false;
  for (Mask before = 0; before != reached;) {
    before = reached;
    for (const Bundle &bundle : phase.bundles)
      if (!(bundle.ends & phase.root()) && (bundle.ends & reached))
        reached |= bundle.ends;
  }
  return reached == phase.full();
}

SparseSolver::SparseSolver(const Phase &phase, double upperBound)
    : phase(phase), n(phase.numTensors), full(phase.full()),
      limit(upperBound * (1 + 16 * relativeErrorOf(phase))),
      slack(1 + 16 * relativeErrorOf(phase)), neighbours(n, 0),
      nodeOf(size_t(full) + 1), bySize(n + 1) {
  for (const Bundle &bundle : phase.bundles) {
    ends.push_back(bundle.ends);
    sizes.push_back(toDouble(bundle.size));
    for (Mask rest = bundle.ends & full; rest != 0; rest &= rest - 1)
      neighbours[countr_zero(rest)] |= bundle.ends;
  }
  size_t whole = alignTo(ends.size(), lanes);
  ends.resize(whole, 0);
  sizes.resize(whole, 1);
  nodes.reserve(256);
  // No product of roots may leave the exponents of a double.
  double log2All = 0;
  for (const Bundle &bundle : phase.bundles)
    log2All += std::log2(toDouble(bundle.size));
  canTabulate = log2All < 0.9 * std::numeric_limits<double>::max_exponent;
  for (unsigned tensor : seq(n)) {
    Mask set = Mask(1) << tensor;
    nodeOf[set] = tensor + 1;
    nodes.push_back({set, neighbours[tensor] & ~set, 0, rootOfVolume(set)});
    bySize[1].push_back(tensor);
  }
}

double SparseSolver::rootOfVolume(Mask set) const {
  // Independent products: one after the other would wait for each other.
  double parts[lanes] = {1, 1, 1, 1};
  for (size_t k = 0; k < ends.size(); k += lanes)
    for (size_t lane = 0; lane < lanes; ++lane) {
      Mask inside = ends[k + lane] & set;
      parts[lane] *=
          inside != 0 && inside != ends[k + lane] ? sizes[k + lane] : 1;
    }
  return std::sqrt((parts[0] * parts[1]) * (parts[2] * parts[3]));
}

/// rootOfVolume of every set: with r(S) that of S, t its lowest tensor and X
/// the others,
///
///   r(S) = r(X) r(t) / (product of the sizes of indices between t and X).
void SparseSolver::fillRoots() {
  roots.assign(size_t(full) + 1, 1);
  std::vector<double> shared(roots.size());
  for (unsigned low = n; low-- > 0;) {
    double weights[maxExactTensors];
    std::fill(weights, weights + n, 1);
    for (auto [bundle, size] : zip_equal(ends, sizes))
      if ((bundle >> low & 1) && (bundle & full) == bundle)
        weights[countr_zero(bundle ^ Mask(1) << low)] = 1 / size;
    // shared[k]: over the set X = k << (low + 1), 1 / that product times r(t).
    shared[0] = rootOfVolume(Mask(1) << low);
    size_t numOthers = size_t(1) << (n - 1 - low);
    for (size_t bit = 1, tensor = low + 1; bit < numOthers; bit <<= 1, ++tensor)
      for (size_t k = 0; k < bit; ++k)
        shared[bit + k] = shared[k] * weights[tensor];
    for (size_t k = 0; k < numOthers; ++k)
      roots[(2 * k + 1) << low] = roots[(2 * k) << low] * shared[k];
  }
}

/// As rootOfVolume; with a table as soon as that is cheaper.
double SparseSolver::rootOf(Mask set) {
  if (!roots.empty())
    return roots[set];
  constexpr unsigned share = 8;
  if (canTabulate && ++numRoots > full / share) {
    fillRoots();
    return roots[set];
  }
  return rootOfVolume(set);
}

/// A way to make a connected set. \p rootOfVolumes: of the operands together;
/// 0 if \p cost is complete.
void SparseSolver::offer(Mask set, Mask around, double cost,
                         double rootOfVolumes) {
  uint32_t &slot = nodeOf[set];
  if (slot == pruned)
    return;
  if (slot == 0) {
    double root = rootOf(set);
    if ((set == full ? 1 : 2) * root * root > limit) {
      slot = pruned;
      return;
    }
    bySize[popcount(set)].push_back(nodes.size());
    nodes.push_back({set, around & ~set, infinity, root});
    slot = nodes.size();
  }
  Node &node = nodes[slot - 1];
  cost += rootOfVolumes * node.rootOfVolume;
  node.cost = std::min(node.cost, cost);
}

/// \p lhs (where \p a will be) and \p rhs are places in alive.
void SparseSolver::join(unsigned lhs, const Alive &a, unsigned rhs) {
  ++numPairs;
  const Alive &b = alive[rhs];
  double below = a.cost + b.cost;
  double larger = std::max(a.rootOfVolume, b.rootOfVolume);
  if (below + larger * larger <= limit)
    offer(a.set | b.set, a.around | b.around, below,
          a.rootOfVolume * b.rootOfVolume);
  if (!(a.around & ~b.set))
    absorb(rhs, a);
  if (!(b.around & ~a.set))
    absorb(lhs, b);
}

/// All indices of \p part are on \p into. Its outer products with others of
/// that kind may pay off, if their volumes do not exceed that of the result.
void SparseSolver::absorb(unsigned into, const Alive &part) {
  const Alive &whole = alive[into];
  double wholeVolume = whole.rootOfVolume * whole.rootOfVolume;
  double volume = part.rootOfVolume * part.rootOfVolume;
  // The other one has a volume of at least 2.
  if (2 * volume * volume > wholeVolume * slack)
    return;
  SmallVector<Product, 0> &list = absorbable[into];
  SmallVector<Product, 4> todo = {{part.set, part.cost, volume}};
  while (!todo.empty()) {
    Product first = todo.pop_back_val();
    auto *known = find_if(
        list, [&](const Product &entry) { return entry.set == first.set; });
    if (known == list.end())
      list.push_back(first);
    else if (first.cost < known->cost)
      known->cost = first.cost;
    else
      continue;
    for (size_t k = 0; k < list.size(); ++k) {
      Product second = list[k];
      double product = first.volume * second.volume;
      if ((first.set & second.set) ||
          std::max(first.volume, second.volume) * product > wholeVolume * slack)
        continue;
      ++numPairs;
      double cost = first.cost + second.cost + product;
      double total = whole.cost + cost + wholeVolume;
      if (total > limit)
        continue;
      Mask set = first.set | second.set;
      todo.push_back({set, cost, product});
      offer(whole.set | set, whole.around, total, 0);
    }
  }
}

bool SparseSolver::run() {
  // With more sets than that, all splits of all subsets are sooner weighed.
  // Measured; the smaller the phase, the less it matters.
  const size_t numSubsets = size_t(full) + 1;
  const size_t most =
      std::max<size_t>(64, n < 10 ? numSubsets / 7 : numSubsets / 16);
  // A tensor with d neighbours makes a connected set with each subset of them.
  if (n <= 12)
    for (Mask around : neighbours)
      if ((size_t(1) << (popcount(around & full) - 1)) > most)
        return false;
  constexpr unsigned setsBetweenStops = 1 << 8;
  unsigned numSets = 0;
  for (unsigned size : seq(1u, n)) {
    for (unsigned number : bySize[size]) {
      // Who gives up asks the other solver, which stops as well.
      if (++numSets % setsBetweenStops == 0 && phase.mustStop())
        return false;
      Node &node = nodes[number];
      if (size > 1 &&
          node.cost + node.rootOfVolume * node.rootOfVolume > limit) {
        node.cost = infinity;
        continue;
      }
      // Its own place is not visited: a set overlaps with itself.
      unsigned place = alive.size();
      Alive self{node.set, node.around, node.cost, node.rootOfVolume};
      Mask set = self.set, around = self.around & full;
      alive.push_back(self);
      aliveSets.push_back(set);
      absorbable.emplace_back();
      // Sets of this size made so far, and all smaller ones.
      constexpr unsigned width = 16;
      unsigned k = 0;
      auto visit = [&](unsigned other) {
        if (!(aliveSets[other] & set) && (aliveSets[other] & around))
          join(place, self, other);
      };
      for (; k + width <= place; k += width) {
        // Most sets overlap or do not touch: tell sixteen at once.
        const Mask *sets = &aliveSets[k];
        Mask hit = 0;
        for (unsigned j = 0; j < width; ++j)
          hit |= (sets[j] & set) == 0 ? sets[j] & around : 0;
        if (hit)
          for (unsigned j = 0; j < width; ++j)
            visit(k + j);
      }
      for (; k < place; ++k)
        visit(k);
      if (alive.size() > most)
        return false;
    }
  }
  return true;
}

double SparseSolver::costOf(Mask set) const {
  if (const Node *node = findAlive(set))
    return node->cost;
  // Not connected: a product of its parts.
  auto found = productCosts.find(set);
  if (found != productCosts.end())
    return found->second;
  SmallVector<Mask, 8> parts;
  findParts(set, parts);
  double best = infinity;
  if (parts.size() > 1)
    forEachSplitOfParts(set, parts, [&](Mask, Mask, double cost) {
      best = std::min(best, cost);
    });
  productCosts[set] = best;
  return best;
}

/// The connected components of a set.
void SparseSolver::findParts(Mask set, SmallVectorImpl<Mask> &parts) const {
  while (set != 0) {
    Mask part = set & -set;
    for (Mask before = 0; before != part;) {
      before = part;
      for (Mask rest = before; rest != 0; rest &= rest - 1)
        part |= neighbours[countr_zero(rest)] & set;
    }
    parts.push_back(part);
    set ^= part;
  }
}

template <typename Callback>
void SparseSolver::forEachSplitOfParts(Mask set, ArrayRef<Mask> parts,
                                       Callback call) const {
  double root = rootOfVolume(set);
  // The first part stays in the first half.
  for (unsigned chosen : seq(0u, (1u << (parts.size() - 1)) - 1)) {
    Mask a = parts[0];
    for (unsigned k : seq<unsigned>(1, parts.size()))
      if (chosen >> (k - 1) & 1)
        a |= parts[k];
    double cost = costOf(a) + costOf(set ^ a) + root * root;
    call(a, set ^ a, cost);
  }
}

template <typename Callback>
void SparseSolver::forEachSplit(Mask set, double threshold,
                                Callback call) const {
  auto within = [&](Mask a, Mask b, double cost) {
    if (cost <= threshold)
      call(a, b, cost);
  };
  const Node *whole = findAlive(set);
  if (!whole) {
    SmallVector<Mask, 8> parts;
    findParts(set, parts);
    forEachSplitOfParts(set, parts, within);
    return;
  }
  for (const Alive &first : alive) {
    Mask a = first.set;
    if ((a & ~set) != 0 || a == set)
      continue;
    Mask b = set ^ a;
    if (const Node *second = findAlive(b)) {
      if (a < b)
        within(a, b,
               first.cost + second->cost +
                   first.rootOfVolume * second->rootOfVolume *
                       whole->rootOfVolume);
      continue;
    }
    // An outer product that a absorbs: every part of it touches a only.
    double volume = first.rootOfVolume * first.rootOfVolume;
    if (first.cost + volume > threshold)
      continue;
    SmallVector<Mask, 8> parts;
    findParts(b, parts);
    if (parts.size() > 1 && all_of(parts, [&](Mask part) {
          const Node *node = findAlive(part);
          return node && !(node->around & ~a);
        }))
      within(a, b, first.cost + costOf(b) + volume);
  }
}

std::optional<ExactSolution> SparseSolver::certify() {
  Objective flops;
  IntegerCosts costs{phase, flops};
  auto certified = Certifier<SparseSolver>(*this, costs).run();
  if (!certified)
    return std::nullopt;
  ExactSolution solution;
  solution.splits = std::move(certified->first);
  solution.value = certified->second;
  solution.pairs = numPairs;
  solution.sets = alive.size();
  solution.tableBytes =
      (size_t(full) + 1) * (sizeof(uint32_t) + (roots.empty() ? 0 : 16)) +
      nodes.capacity() * sizeof(Node) +
      alive.capacity() *
          (sizeof(Alive) + sizeof(Mask) + sizeof(SmallVector<Product, 0>));
  solution.enumeration = Enumeration::ConnectedPairs;
  return solution;
}

std::optional<ExactSolution>
fetta::solveSparsely(const Phase &phase, double upperBound, bool &giveUp) {
  SparseSolver solver(phase, upperBound);
  giveUp = !solver.run();
  if (giveUp)
    return std::nullopt;
  return solver.certify();
}
