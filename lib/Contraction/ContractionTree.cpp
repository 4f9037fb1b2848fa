//===- ContractionTree.cpp - Which two to contract next -------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Contraction/ContractionTree.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Sequence.h"

#include <algorithm>
#include <tuple>

using namespace llvm;
using namespace fetta;

Expected<ContractionTree> ContractionTree::create(unsigned numLeaves,
                                                  unsigned rootLeaf,
                                                  std::vector<Step> steps) {
  if (rootLeaf >= numLeaves)
    return createStringError("root leaf " + Twine(rootLeaf) +
                             " is out of range: the network has " +
                             Twine(numLeaves) + " leaves");
  if (numLeaves < 2 || steps.size() != numLeaves - 2)
    return createStringError(Twine(numLeaves - 1) + " tensors take " +
                             Twine(numLeaves < 2 ? 0 : numLeaves - 2) +
                             " pairwise steps, but the tree has " +
                             Twine(steps.size()));
  // Each value is used once, so N-2 steps leave exactly one value.
  BitVector used(numLeaves + steps.size());
  used.set(rootLeaf);
  for (auto [number, step] : enumerate(steps))
    for (unsigned value : {step.lhs, step.rhs}) {
      if (value >= numLeaves + number)
        return createStringError("step " + Twine(number) + " uses value " +
                                 Twine(value) + " before it is there");
      if (used.test(value))
        return createStringError(
            "step " + Twine(number) + " uses value " + Twine(value) +
            (value == rootLeaf ? Twine(", which is the root leaf")
                               : Twine(" a second time")));
      used.set(value);
    }
  return ContractionTree(numLeaves, rootLeaf, std::move(steps));
}

/// The steps of a path; \p takeOperand turns a path's number into a value (or
/// none) and is told when a step ends.
static Error checkPathShape(unsigned numTensors, const ContractionPath &path) {
  for (auto [number, operands] : enumerate(path))
    if (operands.size() != 2)
      return createStringError("step " + Twine(number) + " of the path has " +
                               Twine(operands.size()) +
                               " operands: name two tensors in each step");
  if (path.size() != numTensors - 1)
    return createStringError(
        Twine(numTensors) + " tensors take " + Twine(numTensors - 1) +
        " pairwise steps, but the path has " + Twine(path.size()));
  return Error::success();
}

/// opt_einsum writes {(0)} for an einsum of one tensor.
static bool isPathOfOneTensor(unsigned numLeaves, const ContractionPath &path) {
  return numLeaves == 2 && path.size() == 1 && path[0].size() == 1 &&
         path[0][0] == 0;
}

Expected<ContractionTree>
ContractionTree::fromLinearPath(unsigned numLeaves, unsigned rootLeaf,
                                const ContractionPath &path) {
  if (numLeaves < 2 || isPathOfOneTensor(numLeaves, path))
    return create(numLeaves, rootLeaf, {});
  if (Error error = checkPathShape(numLeaves - 1, path))
    return error;
  std::vector<unsigned> present;
  for (unsigned leaf : seq(numLeaves))
    if (leaf != rootLeaf)
      present.push_back(leaf);
  std::vector<Step> steps;
  for (auto [number, operands] : enumerate(path)) {
    auto [first, second] = std::minmax(operands[0], operands[1]);
    if (second >= present.size() || first == second)
      return createStringError(
          "step " + Twine(number) + " of the path contracts (" +
          Twine(operands[0]) + ", " + Twine(operands[1]) + "), but " +
          Twine(present.size()) + " tensors are left: a linear path names " +
          "two different ones by their position");
    steps.push_back({present[operands[0]], present[operands[1]]});
    present.erase(present.begin() + second);
    present.erase(present.begin() + first);
    present.push_back(numLeaves + number);
  }
  return create(numLeaves, rootLeaf, std::move(steps));
}

Expected<ContractionTree>
ContractionTree::fromSsaPath(unsigned numLeaves, unsigned rootLeaf,
                             const ContractionPath &path) {
  if (numLeaves < 2 || isPathOfOneTensor(numLeaves, path))
    return create(numLeaves, rootLeaf, {});
  if (Error error = checkPathShape(numLeaves - 1, path))
    return error;
  std::vector<Step> steps;
  // In the path's own numbers, which are not those of values.
  BitVector used(2 * numLeaves);
  for (auto [number, operands] : enumerate(path))
    for (unsigned operand : operands) {
      if (operand >= numLeaves - 1 + number)
        return createStringError("step " + Twine(number) +
                                 " of the path uses number " + Twine(operand) +
                                 " before it is there");
      if (used.test(operand))
        return createStringError("step " + Twine(number) +
                                 " of the path uses number " + Twine(operand) +
                                 " a second time");
      used.set(operand);
    }
  // Leaves after the root move up by one, and so does every result.
  auto toValue = [&](unsigned number) {
    return number < rootLeaf ? number : number + 1;
  };
  for (const auto &operands : path)
    steps.push_back({toValue(operands[0]), toValue(operands[1])});
  return create(numLeaves, rootLeaf, std::move(steps));
}

Expected<ContractionTree> ContractionTree::fromPath(unsigned numLeaves,
                                                    unsigned rootLeaf,
                                                    const ContractionPath &path,
                                                    PathFormat *format) {
  auto found = [&](Expected<ContractionTree> tree, PathFormat which) {
    if (format)
      *format = which;
    return tree;
  };
  Expected<ContractionTree> linear = fromLinearPath(numLeaves, rootLeaf, path);
  if (linear)
    return found(std::move(linear), PathFormat::Linear);
  Expected<ContractionTree> ssa = fromSsaPath(numLeaves, rootLeaf, path);
  if (ssa) {
    consumeError(linear.takeError());
    return found(std::move(ssa), PathFormat::SSA);
  }
  std::string asLinear = llvm::toString(linear.takeError());
  std::string asSsa = llvm::toString(ssa.takeError());
  return createStringError(
      asLinear + (asLinear == asSsa ? "" : "; as an SSA path: " + asSsa));
}

ContractionPath ContractionTree::ssaPath() const {
  if (leafCount == 2)
    return {{0}};
  ContractionPath path;
  auto toNumber = [&](unsigned value) {
    return value < root ? value : value - 1;
  };
  for (const Step &step : steps)
    path.push_back({toNumber(step.lhs), toNumber(step.rhs)});
  return path;
}

ContractionPath ContractionTree::linearPath() const {
  if (leafCount == 2)
    return {{0}};
  std::vector<unsigned> present;
  for (unsigned leaf : seq(leafCount))
    if (leaf != root)
      present.push_back(leaf);
  ContractionPath path;
  for (auto [number, step] : enumerate(steps)) {
    unsigned first = std::lower_bound(present.begin(), present.end(),
                                      std::min(step.lhs, step.rhs)) -
                     present.begin();
    unsigned second = std::lower_bound(present.begin(), present.end(),
                                       std::max(step.lhs, step.rhs)) -
                      present.begin();
    path.push_back({first, second});
    // Results are appended and grow, so the list stays sorted.
    present.erase(present.begin() + second);
    present.erase(present.begin() + first);
    present.push_back(leafCount + number);
  }
  return path;
}

unsigned ContractionTree::resultValue() const {
  if (steps.empty())
    return root == 0 ? 1 : 0;
  return leafCount + steps.size() - 1;
}

std::vector<LeafSet> ContractionTree::leafSets() const {
  std::vector<LeafSet> sets(numValues(), LeafSet(leafCount));
  for (unsigned leaf : seq(leafCount))
    sets[leaf].set(leaf);
  for (auto [number, step] : enumerate(steps)) {
    sets[leafCount + number] = sets[step.lhs];
    sets[leafCount + number] |= sets[step.rhs];
  }
  return sets;
}

UnrootedTree::UnrootedTree(const ContractionTree &tree)
    : leafNeighbour(tree.numLeaves()), innerNeighbours(tree.getSteps().size()) {
  // Step k becomes inner vertex k, which has its value's number.
  auto setParent = [&](unsigned value, unsigned parent) {
    if (value < numLeaves())
      leafNeighbour[value] = parent;
    else
      innerNeighbours[value - numLeaves()][2] = parent;
  };
  for (auto [number, step] : enumerate(tree.getSteps())) {
    innerNeighbours[number] = {step.lhs, step.rhs, 0};
    setParent(step.lhs, numLeaves() + number);
    setParent(step.rhs, numLeaves() + number);
  }
  setParent(tree.resultValue(), tree.rootLeaf());
  leafNeighbour[tree.rootLeaf()] = tree.resultValue();
}

ContractionTree UnrootedTree::reroot(unsigned leaf) const {
  unsigned n = numLeaves();
  assert(leaf < n && "no such leaf");
  std::vector<ContractionTree::Step> steps;
  if (n > 2) {
    // Parents before children, then the lowest leaf below each vertex.
    std::vector<unsigned> order, lowest(2 * n - 2);
    std::vector<std::array<unsigned, 2>> children(n - 2);
    std::vector<std::pair<unsigned, unsigned>> stack = {
        {leafNeighbour[leaf], leaf}};
    while (!stack.empty()) {
      auto [vertex, parent] = stack.back();
      stack.pop_back();
      order.push_back(vertex);
      if (vertex < n)
        continue;
      unsigned count = 0;
      for (unsigned neighbour : innerNeighbours[vertex - n])
        if (neighbour != parent) {
          children[vertex - n][count++] = neighbour;
          stack.push_back({neighbour, vertex});
        }
    }
    for (unsigned vertex : reverse(order)) {
      if (vertex < n) {
        lowest[vertex] = vertex;
        continue;
      }
      auto &[first, second] = children[vertex - n];
      if (lowest[second] < lowest[first])
        std::swap(first, second);
      lowest[vertex] = lowest[first];
    }
    // Post-order; a vertex is numbered when its second visit comes.
    std::vector<unsigned> value(2 * n - 2);
    std::vector<std::pair<unsigned, bool>> todo = {
        {leafNeighbour[leaf], false}};
    while (!todo.empty()) {
      auto [vertex, childrenDone] = todo.back();
      todo.pop_back();
      if (vertex < n) {
        value[vertex] = vertex;
        continue;
      }
      auto [first, second] = children[vertex - n];
      if (childrenDone) {
        value[vertex] = n + steps.size();
        steps.push_back({value[first], value[second]});
        continue;
      }
      todo.push_back({vertex, true});
      todo.push_back({second, false});
      todo.push_back({first, false});
    }
  }
  return cantFail(ContractionTree::create(n, leaf, std::move(steps)));
}

/// All of a few indices, the first of many.
static std::string nameSome(const ClosedNetwork &network,
                            ArrayRef<unsigned> list) {
  constexpr size_t max = 16;
  std::string names = network.formatIndices(list.take_front(max));
  if (list.size() > max)
    names += " and " + std::to_string(list.size() - max) + " more";
  return names;
}

Expected<TreeCost> fetta::computeCost(const ClosedNetwork &network,
                                      const ContractionTree &tree) {
  if (tree.numLeaves() != network.numLeaves())
    return createStringError("the tree has " + Twine(tree.numLeaves()) +
                             " leaves, but the network has " +
                             Twine(network.numLeaves()));
  // Of a value, only its indices; of an index, the number of values (the root
  // leaf among them) that hold it. So long chains stay cheap.
  std::vector<IndexList> held(tree.numValues());
  std::vector<unsigned> holders(network.getIndices().size(), 0);
  for (unsigned leaf : seq(network.numLeaves())) {
    held[leaf] = network.getLeaves()[leaf];
    llvm::sort(held[leaf]);
    for (unsigned index : held[leaf])
      ++holders[index];
  }
  TreeCost total;
  for (auto [number, step] : enumerate(tree.getSteps())) {
    StepCost cost;
    cost.lhs = std::move(held[step.lhs]);
    cost.rhs = std::move(held[step.rhs]);
    IndexList all;
    std::set_union(cost.lhs.begin(), cost.lhs.end(), cost.rhs.begin(),
                   cost.rhs.end(), std::back_inserter(all));
    for (unsigned index : cost.lhs)
      --holders[index];
    for (unsigned index : cost.rhs)
      --holders[index];
    for (unsigned index : all)
      if (holders[index] == 0) {
        cost.summed.push_back(index);
      } else {
        cost.result.push_back(index);
        ++holders[index];
      }
    std::optional<Cost> flops = network.volume(all);
    std::optional<Cost> sum =
        flops ? addCosts(total.flops, *flops) : std::nullopt;
    if (!sum)
      return createStringError("the multiply-adds of step " + Twine(number) +
                               " over [" + nameSome(network, all) +
                               "] bring the total beyond 128 bits");
    total.flops = *sum;
    cost.flops = *flops;
    // A factor of the step's own volume, so it fits.
    cost.resultVolume = *network.volume(cost.result);
    total.write += cost.resultVolume;
    total.largestIntermediate =
        std::max(total.largestIntermediate, cost.resultVolume);
    held[network.numLeaves() + number] = cost.result;
    total.steps.push_back(std::move(cost));
  }
  return total;
}
