//===- SlicingTest.cpp - Contractions within a memory limit ---------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Contraction/Slicing.h"
#include "TrainingReference.h"

#include "llvm/ADT/Sequence.h"

#include "gtest/gtest.h"

#include <cstdlib>

using namespace llvm;
using namespace fetta;
using namespace fetta::test;

namespace {

/// What running a sliced plan element by element comes to.
struct SlicedRun {
  uint64_t flops = 0, accumulations = 0, peak = 0;
  bool isRight = true;
};

/// Runs a plan on numbers: each piece of the indices in turn, arrays of a run
/// alone, and adds up the result.
SlicedRun runSliced(const ClosedNetwork &network, const SlicedPlan &plan,
                    std::mt19937_64 &random) {
  const ContractionTree &tree = plan.tree;
  unsigned n = tree.numLeaves(), root = tree.rootLeaf();
  using Point = std::map<unsigned, int64_t>;
  using Tensor = std::map<std::vector<int64_t>, double>;
  auto key = [](const IndexList &indices, const Point &at) {
    std::vector<int64_t> values;
    for (unsigned index : indices)
      values.push_back(at.at(index));
    return values;
  };
  std::vector<int64_t> begin, end;
  for (const NetworkIndex &index : network.getIndices()) {
    begin.push_back(0);
    end.push_back(index.size);
  }
  std::function<void(ArrayRef<unsigned>, Point &,
                     function_ref<void(const Point &)>)>
      forAll = [&](ArrayRef<unsigned> indices, Point &at,
                   function_ref<void(const Point &)> visit) {
        if (indices.empty())
          return visit(at);
        for (int64_t x = begin[indices[0]]; x < end[indices[0]]; ++x) {
          at[indices[0]] = x;
          forAll(indices.drop_front(), at, visit);
        }
      };
  std::vector<Tensor> leaves(n);
  for (unsigned leaf : seq(n)) {
    Point at;
    forAll(network.getLeaves()[leaf], at, [&](const Point &point) {
      leaves[leaf][key(network.getLeaves()[leaf], point)] =
          static_cast<double>(random() % 5) - 2;
    });
  }
  std::vector<LeafSet> sets = tree.leafSets();
  SlicedRun run;
  Tensor result;
  bool inPlace = !plan.slices.empty() && !tree.getSteps().empty();
  uint64_t size = 1;
  for (unsigned index : network.getLeaves()[root])
    size *= network.getIndices()[index].size;
  uint64_t alive = inPlace ? size : 0;
  std::function<void(size_t)> slice = [&](size_t depth) {
    if (depth < plan.slices.size()) {
      auto [index, pieces] = plan.slices[depth];
      int64_t total = network.getIndices()[index].size;
      for (int64_t piece = 0; piece < pieces; ++piece) {
        begin[index] = piece * (total / pieces);
        end[index] = begin[index] + total / pieces;
        slice(depth + 1);
      }
      return;
    }
    std::map<unsigned, Tensor> live;
    for (unsigned leaf : seq(n))
      live[leaf] = leaves[leaf];
    std::map<unsigned, uint64_t> taken;
    for (unsigned number : plan.order) {
      auto [lhs, rhs] = tree.getSteps()[number];
      unsigned value = n + number;
      bool isLast = value == tree.resultValue();
      IndexList held = network.openIndices(sets[value]);
      if (isLast)
        held = network.getLeaves()[root];
      std::set<unsigned> both;
      for (unsigned operand : {lhs, rhs})
        for (unsigned index : network.openIndices(sets[operand]))
          both.insert(index);
      auto indicesOf = [&](unsigned operand) {
        return operand < n ? network.getLeaves()[operand]
                           : network.openIndices(sets[operand]);
      };
      uint64_t elements = 1;
      for (unsigned index : held)
        elements *= end[index] - begin[index];
      taken[value] = isLast && inPlace ? 0 : elements;
      alive += taken[value];
      run.peak = std::max(run.peak, alive);
      Tensor made;
      Point at;
      std::vector<unsigned> all(both.begin(), both.end());
      forAll(all, at, [&](const Point &point) {
        ++run.flops;
        made[key(held, point)] += live[lhs][key(indicesOf(lhs), point)] *
                                  live[rhs][key(indicesOf(rhs), point)];
      });
      if (isLast)
        for (auto &[place, x] : made) {
          run.accumulations += result.count(place);
          result[place] += x;
        }
      live[value] = std::move(made);
      for (unsigned operand : {lhs, rhs}) {
        alive -= taken[operand];
        taken[operand] = 0;
        live.erase(operand);
      }
    }
    if (!tree.getSteps().empty())
      alive -= taken[tree.resultValue()];
  };
  slice(0);
  for (auto [number, index] : llvm::enumerate(network.getIndices())) {
    begin[number] = 0;
    end[number] = index.size;
  }
  if (tree.getSteps().empty())
    return run;
  Tensor direct;
  std::vector<unsigned> all;
  for (unsigned index : seq<unsigned>(0, network.getIndices().size()))
    if (network.ends(index).any())
      all.push_back(index);
  Point at;
  forAll(all, at, [&](const Point &point) {
    double product = 1;
    for (unsigned leaf : seq(n))
      if (leaf != root)
        product *= leaves[leaf][key(network.getLeaves()[leaf], point)];
    direct[key(network.getLeaves()[root], point)] += product;
  });
  run.isRight = direct == result;
  return run;
}

/// Peak of one order of a tree's steps.
uint64_t peakOf(const ContractionTree &tree, ArrayRef<Cost> elements,
                ArrayRef<unsigned> order) {
  uint64_t alive = 0, peak = 0;
  for (unsigned number : order) {
    alive += static_cast<uint64_t>(elements[number]);
    peak = std::max(peak, alive);
    for (unsigned operand :
         {tree.getSteps()[number].lhs, tree.getSteps()[number].rhs})
      if (operand >= tree.numLeaves())
        alive -= static_cast<uint64_t>(elements[operand - tree.numLeaves()]);
  }
  return peak;
}

} // namespace

TEST(EvaluationOrder, SmallestOfAllOrders) {
  std::mt19937_64 random(41);
  unsigned count = std::getenv("FETTA_LONG") ? 3000 : 300;
  bool anyInterleaved = false;
  for (unsigned number : seq(count)) {
    SCOPED_TRACE(number);
    unsigned n = 3 + random() % 7;
    // A random tree, and any elements: no network has to have them.
    std::vector<unsigned> present;
    for (unsigned leaf : seq(n - 1))
      present.push_back(leaf);
    std::vector<ContractionTree::Step> steps;
    while (present.size() > 1) {
      std::shuffle(present.begin(), present.end(), random);
      unsigned a = present.back();
      present.pop_back();
      unsigned b = present.back();
      present.back() = n + steps.size();
      steps.push_back({a, b});
    }
    ContractionTree tree = must(ContractionTree::create(n, n - 1, steps));
    std::vector<Cost> elements;
    for (size_t k = 0; k < steps.size(); ++k)
      elements.push_back(random() % 12);
    EvaluationOrder order = must(smallestPeakOrder(tree, elements));
    EXPECT_EQ(order.steps.size(), steps.size());
    EXPECT_EQ(peakOf(tree, elements, order.steps),
              static_cast<uint64_t>(order.peak));
    uint64_t least = ~uint64_t(0);
    std::vector<unsigned> sequence;
    std::vector<bool> done(n + steps.size(), false);
    std::fill(done.begin(), done.begin() + n, true);
    std::function<void()> extend = [&] {
      if (sequence.size() == steps.size()) {
        least = std::min(least, peakOf(tree, elements, sequence));
        return;
      }
      for (unsigned k : seq<unsigned>(0, steps.size())) {
        if (done[n + k] || !done[steps[k].lhs] || !done[steps[k].rhs])
          continue;
        done[n + k] = true;
        sequence.push_back(k);
        extend();
        sequence.pop_back();
        done[n + k] = false;
      }
    };
    extend();
    EXPECT_EQ(static_cast<uint64_t>(order.peak), least);
    // Interleaving is worth something only now and then.
    std::function<uint64_t(unsigned)> oneByOne = [&](unsigned value) {
      if (value < n)
        return uint64_t(0);
      auto [a, b] = steps[value - n];
      auto volume = [&](unsigned x) {
        return x < n ? uint64_t(0) : static_cast<uint64_t>(elements[x - n]);
      };
      uint64_t first = std::max(oneByOne(a), volume(a) + oneByOne(b));
      uint64_t second = std::max(oneByOne(b), volume(b) + oneByOne(a));
      return std::max(std::min(first, second),
                      volume(a) + volume(b) + volume(value));
    };
    anyInterleaved |= least < oneByOne(tree.resultValue());
  }
  EXPECT_TRUE(anyInterleaved);
}

TEST(Slicing, FiguresAreThoseOfARun) {
  std::mt19937_64 random(42);
  for (unsigned number : seq(60)) {
    SCOPED_TRACE(number);
    ClosedNetwork network = smallNetwork(random, 5);
    unsigned root = random() % network.numLeaves();
    std::vector<Slice> slices;
    for (auto [index, entry] : llvm::enumerate(network.getIndices()))
      if (random() % 2 && entry.size > 1)
        slices.push_back({static_cast<unsigned>(index), entry.size});
    SlicedPlan plan =
        must(computeSliced(network, must(greedyTree(network, root)), slices));
    SlicedRun run = runSliced(network, plan, random);
    EXPECT_TRUE(run.isRight);
    EXPECT_EQ(toString(plan.flops), toString(run.flops));
    EXPECT_EQ(toString(plan.accumulations), toString(run.accumulations));
    EXPECT_EQ(toString(plan.peak), toString(run.peak));
  }
}

TEST(Slicing, BestOfAllTreesAndSlices) {
  std::mt19937_64 random(43);
  unsigned count = std::getenv("FETTA_LONG") ? 600 : 60, numSliced = 0;
  for (unsigned number : seq(count)) {
    SCOPED_TRACE(number);
    ClosedNetwork network = smallNetwork(random, 4);
    unsigned root = random() % network.numLeaves();
    Cost whole = 1;
    for (unsigned index : network.getLeaves()[root])
      whole *= network.getIndices()[index].size;
    Cost limit = whole + random() % 6;
    SlicingOptions options;
    options.accumulationPrice = random() % 4;
    // All trees of up to four tensors, by all sequences of pairs.
    uint64_t least = ~uint64_t(0);
    std::vector<ContractionTree::Step> steps;
    std::vector<ContractionTree> trees;
    std::function<void(std::vector<unsigned>)> extend =
        [&](std::vector<unsigned> present) {
          if (present.size() < 2)
            trees.push_back(must(
                ContractionTree::create(network.numLeaves(), root, steps)));
          for (size_t i = 0; i < present.size(); ++i)
            for (size_t j = i + 1; j < present.size(); ++j) {
              std::vector<unsigned> next = present;
              next.erase(next.begin() + j);
              next.erase(next.begin() + i);
              next.push_back(network.numLeaves() + steps.size());
              steps.push_back({present[i], present[j]});
              extend(next);
              steps.pop_back();
            }
        };
    std::vector<unsigned> operands;
    for (unsigned leaf : seq(network.numLeaves()))
      if (leaf != root)
        operands.push_back(leaf);
    extend(operands);
    // Sizes are 1 to 3, so an index is whole or in single elements.
    for (uint32_t code : seq(1u << network.getIndices().size())) {
      std::vector<Slice> slices;
      bool isNew = true;
      for (auto [index, entry] : llvm::enumerate(network.getIndices()))
        if (code >> index & 1) {
          isNew &= entry.size > 1;
          slices.push_back({static_cast<unsigned>(index), entry.size});
        }
      if (!isNew)
        continue;
      for (const ContractionTree &tree : trees) {
        SlicedPlan plan = must(computeSliced(network, tree, slices));
        if (plan.peak <= limit)
          least =
              std::min(least, static_cast<uint64_t>(
                                  plan.flops + plan.accumulations *
                                                   options.accumulationPrice));
      }
    }
    Expected<SlicedPlan> plan = searchSliced(network, root, limit, options);
    ASSERT_EQ(bool(plan), least != ~uint64_t(0));
    if (!plan) {
      consumeError(plan.takeError());
      continue;
    }
    numSliced += !plan->slices.empty();
    EXPECT_TRUE(plan->proven);
    EXPECT_LE(toDouble(plan->peak), toDouble(limit));
    EXPECT_EQ(
        toString(plan->flops + plan->accumulations * options.accumulationPrice),
        toString(least));
    SlicedRun run = runSliced(network, *plan, random);
    EXPECT_TRUE(run.isRight);
    EXPECT_EQ(toString(run.peak), toString(plan->peak));

    // One slice after the other meets the limit as well, if not as cheaply.
    options.exactLimit = 0;
    Expected<SlicedPlan> greedy = searchSliced(network, root, limit, options);
    if (greedy) {
      EXPECT_LE(toDouble(greedy->peak), toDouble(limit));
      EXPECT_GE(toDouble(greedy->flops +
                         greedy->accumulations * options.accumulationPrice),
                static_cast<double>(least));
    } else {
      consumeError(greedy.takeError());
    }
  }
  EXPECT_GT(numSliced, 5u);
}

TEST(Slicing, AMatrixProductByHand) {
  // (ab.bc).cd: ac has 64 elements, abcd 512 multiply-adds a step.
  ClosedNetwork network = makeClosed("ab,bc,cd->ad", "a=8,b=8,c=8,d=8");
  SlicedPlan plan = must(searchSliced(network, 3, 1000));
  EXPECT_EQ(toString(plan.flops), "1024");
  EXPECT_EQ(toString(plan.peak), "128");
  EXPECT_TRUE(plan.slices.empty());
  // a in two pieces: 64 of the result and 32 of a.c; each run does its half.
  plan = must(searchSliced(network, 3, 96));
  EXPECT_EQ(toString(plan.flops), "1024");
  EXPECT_EQ(toString(plan.accumulations), "0");
  EXPECT_EQ(toString(plan.peak), "96");
  ASSERT_EQ(plan.slices.size(), 1u);
  EXPECT_EQ(plan.slices[0].pieces, 2);
  EXPECT_EQ(messageOf(searchSliced(network, 3, 63)),
            "no slices keep the elements alive within the limit of 63; the "
            "least that was found is 65");
  ContractionTree tree = must(greedyTree(network, 3));
  EXPECT_EQ(messageOf(computeSliced(network, tree, {{0, 3}})),
            "index 'a' of size 8 cannot be cut into 3 equal pieces");
  EXPECT_EQ(messageOf(computeSliced(network, tree, {{0, 2}, {0, 4}})),
            "index 'a' is sliced twice");
}
