//===- LayerPlan.cpp - The training step of a layer, unmapped -------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Sweep/LayerPlan.h"
#include "fetta/Mapping/MachineOrder.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Sequence.h"

using namespace fetta;

bool LayerPlan::perSlice(const SharedPlan::Step &step) const {
  return step.leaves.test(0) || step.leaves.test(outputLeaf());
}

std::string fetta::contentOf(const Layer &layer, const OrderChoice &choice) {
  std::string text = stringifyContractionOrder(choice.order).str();
  const Objective &objective = choice.objective;
  for (uint64_t part :
       {uint64_t(objective.isLargest), uint64_t(objective.flopWeight),
        uint64_t(objective.writeWeight)})
    text += " " + std::to_string(part);
  if (choice.model)
    text += " " + stringifyModelObjective(*choice.model).str();
  text += "\n" + formatEinsum(layer.einsum);
  for (int64_t size : layer.sizes)
    text += " " + std::to_string(size);
  return text;
}

static llvm::Expected<ClosedNetwork> networkOf(const Layer &layer) {
  std::vector<NetworkIndex> indices;
  for (auto [name, size] : llvm::zip_equal(layer.einsum.names, layer.sizes))
    indices.push_back({name, size});
  llvm::Expected<TensorNetwork> einsum = TensorNetwork::create(
      std::move(indices), layer.einsum.operands, layer.einsum.output);
  if (!einsum)
    return einsum.takeError();
  if (einsum->numTensors() < 2)
    return makeError("a layer has X and at least one core; the einsum has {0} "
                     "operand",
                     einsum->numTensors());
  llvm::Expected<PreparedNetwork> prepared = prepareNetwork(*einsum);
  if (!prepared)
    return prepared.takeError();
  if (!prepared->reductions.empty()) {
    const TensorReduction &reduction = prepared->reductions.front();
    unsigned index = reduction.diagonal.empty() ? reduction.summed.front()
                                                : reduction.diagonal.front();
    return makeError("index '{0}' stands {1} operand {2} of the layer; the "
                     "machine contracts pairs of tensors only",
                     layer.einsum.names[index],
                     reduction.diagonal.empty() ? "on no tensor but"
                                                : "twice on",
                     reduction.tensor);
  }
  return std::move(prepared->network);
}

llvm::Expected<LayerPlan> fetta::planLayer(const Layer &layer,
                                           const OrderChoice &choice,
                                           const Machine &machine,
                                           SearchCache &cache) {
  llvm::Expected<ClosedNetwork> network = networkOf(layer);
  if (!network)
    return network.takeError();
  unsigned leaves = network->numLeaves(), output = leaves - 1;
  if (network->getLeaves()[0].empty())
    return makeError("the first operand of the layer, X, is a scalar");
  unsigned tokens = network->getLeaves()[0][0];
  LeafSet expected = network->noLeaves();
  expected.set(0);
  expected.set(output);
  if (network->ends(tokens) != expected)
    return makeError("the first index of X, '{0}', counts tokens: it must lie "
                     "on X and on the result, and on no core",
                     network->getIndices()[tokens].name);

  std::optional<ContractionTree> tree;
  if (choice.order == ContractionOrder::CSSE && choice.model) {
    MachineOrderOptions options;
    options.objective = *choice.model;
    // The order without a machine is the one to beat.
    llvm::Expected<SearchResult> fewest = cache.search(*network, output);
    if (!fewest)
      return fewest.takeError();
    options.fewestFlops = std::move(fewest->tree);
    llvm::Expected<MachineOrder> found = orderForMachine(
        *network, TrainingGoal::allGradients(*network, 0, output), machine,
        options);
    if (!found)
      return found.takeError();
    tree = found->best().tree;
  } else if (choice.order == ContractionOrder::CSSE) {
    SearchOptions options;
    options.objective = choice.objective;
    llvm::Expected<SearchResult> found =
        cache.search(*network, output, options);
    if (!found)
      return found.takeError();
    tree = std::move(found->tree);
  } else {
    LayerRoles roles;
    roles.input = 0;
    roles.outputGradient = output;
    for (unsigned leaf : llvm::seq(1u, output))
      roles.cores.push_back(leaf);
    llvm::Expected<ContractionTree> fixed =
        fixedOrderTree(*network, roles, choice.order);
    if (!fixed)
      return fixed.takeError();
    tree = std::move(*fixed);
  }
  llvm::SmallVector<unsigned, 16> roots = {output};
  for (unsigned leaf : llvm::seq(output))
    roots.push_back(leaf);
  llvm::Expected<SharedPlan> plan =
      SharedPlan::create(*network, UnrootedTree(*tree), roots);
  if (!plan)
    return plan.takeError();
  // The order may depend on the machine: its steps say which one it is.
  std::string content = contentOf(layer, choice);
  for (const SharedPlan::Step &step : plan->getSteps())
    content += " " + std::to_string(step.lhs) + "," + std::to_string(step.rhs);
  return LayerPlan{std::move(*network), tokens, std::move(*plan),
                   std::move(content)};
}

ProgramSpec fetta::buildProgram(const LayerPlan &plan, int64_t tokens,
                                bool sliced) {
  const ClosedNetwork &network = plan.network;
  auto sizeOf = [&](unsigned index) {
    return index == plan.tokens ? tokens : network.getIndices()[index].size;
  };
  ProgramSpec program;
  std::vector<IndexList> indices;
  auto addValue = [&](IndexList list) {
    ProgramSpec::Value value;
    for (unsigned index : list)
      value.sizes.push_back(sizeOf(index));
    program.values.push_back(std::move(value));
    indices.push_back(std::move(list));
  };
  for (const IndexList &leaf : network.getLeaves())
    addValue(leaf);
  llvm::SmallVector<unsigned, 16> gradients; // Of cores.
  for (unsigned phase = 0; phase < plan.plan.numPhases(); ++phase)
    if (plan.plan.rootLeaf(phase) != 0 &&
        plan.plan.rootLeaf(phase) != plan.outputLeaf())
      gradients.push_back(plan.plan.resultValue(phase));
  for (const SharedPlan::Step &planned : plan.plan.getSteps()) {
    unsigned result = unsigned(indices.size());
    addValue(network.openIndices(planned.leaves));
    ProgramSpec::Step step;
    step.values = {planned.lhs, planned.rhs, result};
    if (llvm::is_contained(gradients, result)) {
      step.contraction.resultType = ElementType::F32;
      step.contraction.accumulates = sliced;
    }
    IndexList modes;
    for (unsigned id = 0; id < 3; ++id)
      for (unsigned index : indices[step.values[id]]) {
        auto position = unsigned(llvm::find(modes, index) - modes.begin());
        if (position == modes.size()) {
          modes.push_back(index);
          step.contraction.sizes.push_back(sizeOf(index));
        }
        step.contraction.modes[id].push_back(position);
      }
    program.steps.push_back(std::move(step));
  }
  return program;
}
