//===- FixedOrder.cpp - Contraction orders without a search ---------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Contraction/FixedOrder.h"

#include "llvm/ADT/STLExtras.h"

#include <algorithm>

using namespace llvm;
using namespace fetta;

/// A constant, so that options which are made before main can read it.
static constexpr ContractionOrderName orderNames[] = {
    {ContractionOrder::CSSE, "csse", "Search for the fewest multiply-adds"},
    {ContractionOrder::RightToLeft, "right-to-left",
     "((X G_K) G_{K-1}) ... G_1"},
    {ContractionOrder::BTT, "btt", "(X (input cores)) (output cores)"},
    {ContractionOrder::CoresFirst, "cores-first",
     "Rebuild the dense weight, then multiply"},
    {ContractionOrder::Greedy, "greedy",
     "Next the pair that shrinks memory most"},
    {ContractionOrder::Given, "given", "The path written by hand"},
};

ArrayRef<ContractionOrderName> fetta::contractionOrderNames() {
  return orderNames;
}

StringRef fetta::stringifyContractionOrder(ContractionOrder order) {
  for (const ContractionOrderName &entry : orderNames)
    if (entry.order == order)
      return entry.name;
  llvm_unreachable("every order has a name");
}

std::optional<ContractionOrder> fetta::parseContractionOrder(StringRef name) {
  for (const ContractionOrderName &entry : orderNames)
    if (entry.name == name)
      return entry.order;
  return std::nullopt;
}

static Error checkRoles(const ClosedNetwork &network, const LayerRoles &roles) {
  if (roles.cores.empty())
    return createStringError("a layer needs at least one core");
  LeafSet seen = network.noLeaves();
  SmallVector<unsigned, 8> all(roles.cores);
  all.push_back(roles.input);
  all.push_back(roles.outputGradient);
  for (unsigned leaf : all) {
    if (leaf >= network.numLeaves())
      return createStringError("there is no leaf " + Twine(leaf) +
                               ": the network has " +
                               Twine(network.numLeaves()) + " leaves");
    if (seen.test(leaf))
      return createStringError("leaf " + Twine(leaf) + " has two roles");
    seen.set(leaf);
  }
  if (!seen.all())
    return createStringError("a leaf of the network has no role");
  return Error::success();
}

Expected<ContractionTree> fetta::fixedOrderTree(const ClosedNetwork &network,
                                                const LayerRoles &roles,
                                                ContractionOrder order) {
  if (Error error = checkRoles(network, roles))
    return error;
  std::vector<ContractionTree::Step> steps;
  auto merge = [&](unsigned lhs, unsigned rhs) {
    steps.push_back({lhs, rhs});
    return network.numLeaves() + static_cast<unsigned>(steps.size()) - 1;
  };
  auto chain = [&](ArrayRef<unsigned> cores) {
    unsigned value = cores.front();
    for (unsigned core : cores.drop_front())
      value = merge(value, core);
    return value;
  };

  switch (order) {
  case ContractionOrder::RightToLeft: {
    unsigned value = roles.input;
    for (unsigned core : reverse(roles.cores))
      value = merge(value, core);
    break;
  }
  case ContractionOrder::BTT: {
    SmallVector<unsigned, 8> inputSide, outputSide;
    for (unsigned core : roles.cores) {
      bool holdsInputMode =
          any_of(network.getLeaves()[core], [&](unsigned index) {
            return network.ends(index).test(roles.input) &&
                   !network.ends(index).test(roles.outputGradient);
          });
      (holdsInputMode ? inputSide : outputSide).push_back(core);
    }
    // From both ends of the train towards the middle, where the rank is kept.
    std::reverse(inputSide.begin(), inputSide.end());
    unsigned value = roles.input;
    for (ArrayRef<unsigned> side :
         {ArrayRef<unsigned>(inputSide), ArrayRef<unsigned>(outputSide)})
      if (!side.empty())
        value = merge(value, chain(side));
    break;
  }
  case ContractionOrder::CoresFirst:
    merge(roles.input, chain(roles.cores));
    break;
  case ContractionOrder::Greedy:
    return greedyTree(network, roles.outputGradient);
  case ContractionOrder::CSSE:
  case ContractionOrder::Given:
    return createStringError("order '" + stringifyContractionOrder(order) +
                             "' is not fixed by the layer's roles");
  }
  return ContractionTree::create(network.numLeaves(), roles.outputGradient,
                                 std::move(steps));
}
