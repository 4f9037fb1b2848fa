//===- MachineOrder.cpp - The contraction order for a machine -------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Mapping/MachineOrder.h"
#include "OrderSchedule.h"

#include "fetta/Contraction/FixedOrder.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Sequence.h"
#include "llvm/Support/FormatVariadic.h"

#include <set>

using namespace fetta;
using namespace fetta::mapping;

/// Trees within this fraction of the serial optimum are scheduled.
static constexpr double candidateSlack = 0.1;
/// So much better than the tree of the fewest multiply-adds a schedule has to
/// be: the compiler's own comes out a few tenths of a per cent off.
static constexpr double worthIt = 0.995;
/// How much worse an alternative may be as scheduled here, and still turn out
/// to be better as compiled.
static constexpr double closeEnough = 1.05;
/// Mapping takes tens of milliseconds, and only what promises to be better than
/// the tree of the fewest multiply-adds is mapped.
static constexpr size_t mostMapped = 2;

static unsigned layoutsFor(const MachineOrderOptions &options,
                           unsigned tensors) {
  if (options.layouts != 0)
    return options.layouts;
  return tensors <= 9 ? CostModel::maxLayouts : tensors <= 12 ? 4 : 1;
}

double fetta::valueOf(ModelObjective objective,
                      const OrderCandidate &candidate) {
  double cycles = candidate.mapped.value_or(candidate.scheduled);
  switch (objective) {
  case ModelObjective::Latency:
    return cycles;
  case ModelObjective::Energy:
    return candidate.serial.energy;
  case ModelObjective::EnergyDelay:
    return cycles * candidate.serial.energy;
  }
  llvm_unreachable("every objective has a value");
}

size_t MachineOrder::alternative(unsigned number,
                                 ModelObjective objective) const {
  auto value = [&](size_t k) {
    OrderCandidate scheduled = candidates[k];
    scheduled.mapped.reset(); // Of some only, and another scale.
    return valueOf(objective, scheduled);
  };
  llvm::SmallVector<size_t, 16> others;
  for (size_t k : llvm::seq(candidates.size()))
    if (k != chosen && value(k) <= closeEnough * value(chosen))
      others.push_back(k);
  llvm::stable_sort(others,
                    [&](size_t x, size_t y) { return value(x) < value(y); });
  if (number == 0 || number > others.size())
    return chosen;
  return others[number - 1];
}

namespace {

class OrderSearch {
public:
  OrderSearch(const ClosedNetwork &network, const TrainingGoal &goal,
              const Machine &machine, const MachineOrderOptions &options)
      : network(network), goal(goal), machine(machine), options(options) {}

  llvm::Expected<MachineOrder> run();

private:
  llvm::Error add(const ContractionTree &tree, llvm::StringRef origin);
  llvm::Error search();
  llvm::Error addFixedOrders();
  llvm::Error choose();

  const ClosedNetwork &network;
  const TrainingGoal &goal;
  const Machine &machine;
  const MachineOrderOptions &options;
  std::unique_ptr<MachineCostModel> free; ///< Layouts as each step likes them.
  MachineOrder order;
  std::vector<SharedPlan> plans; ///< As the candidates.
  /// Trees are equal if they make the same sets.
  std::set<std::set<std::vector<unsigned>>> seen;
};

} // namespace

/// The bipartitions of the leaves that a tree makes: the same for all phases.
static std::set<std::vector<unsigned>> setsOf(const ContractionTree &tree) {
  std::set<std::vector<unsigned>> sets;
  std::vector<LeafSet> leaves = tree.leafSets();
  for (LeafSet &set :
       llvm::MutableArrayRef<LeafSet>(leaves).drop_front(tree.numLeaves())) {
    auto bits = set.set_bits();
    sets.insert(std::vector<unsigned>(bits.begin(), bits.end()));
  }
  return sets;
}

llvm::Error OrderSearch::add(const ContractionTree &tree,
                             llvm::StringRef origin) {
  if (!seen.insert(setsOf(tree)).second)
    return llvm::Error::success();
  llvm::Expected<SharedPlan> plan = planOf(network, goal, tree);
  if (!plan)
    return plan.takeError();
  OrderCandidate candidate{tree, origin, {}, 0, std::nullopt};
  if (llvm::Error error = estimate(network, *plan, *free, candidate))
    return error;
  order.candidates.push_back(std::move(candidate));
  plans.push_back(std::move(*plan));
  return llvm::Error::success();
}

llvm::Error OrderSearch::search() {
  unsigned root = goal.outputLeaf;
  ModelSearchOptions by;
  by.objective = options.objective;
  by.goal = goal;
  // One after the other: of energy times delay only the best is known.
  if (options.objective != ModelObjective::EnergyDelay) {
    by.best = std::max(1u, options.candidates);
    by.slack = candidateSlack;
  }
  llvm::Expected<ModelResult> trees = searchByModel(network, root, *free, by);
  if (!trees)
    return trees.takeError();
  std::optional<ModelResult> inClasses;
  order.layouts = layoutsFor(options, network.numLeaves() - 1);
  if (order.layouts > 1) {
    llvm::Expected<std::unique_ptr<MachineCostModel>> model =
        MachineCostModel::create(machine, order.layouts);
    if (!model)
      return model.takeError();
    by.best = 1;
    by.slack = 0;
    llvm::Expected<ModelResult> found =
        searchByModel(network, root, **model, by);
    if (!found)
      return found.takeError();
    inClasses = std::move(*found);
  }
  const ModelResult &certified = inClasses ? *inClasses : *trees;
  order.optimum = certified.best;
  order.fewestFlopsInClasses = certified.treeOfFewestFlops;
  order.splits = certified.splits;
  order.allSplits = certified.allSplits;
  if (llvm::Error error = add(certified.best.tree, "search"))
    return error;
  if (llvm::Error error = add(trees->best.tree, "search"))
    return error;
  for (const ModelTree &tree : trees->others)
    if (llvm::Error error = add(tree.tree, "search"))
      return error;
  return llvm::Error::success();
}

/// Of a layer: X first, dY last.
llvm::Error OrderSearch::addFixedOrders() {
  unsigned tensors = network.numLeaves() - 1;
  if (tensors < 2 || goal.outputLeaf != tensors)
    return llvm::Error::success();
  LayerRoles roles;
  for (unsigned leaf : llvm::seq(1u, tensors))
    roles.cores.push_back(leaf);
  roles.outputGradient = tensors;
  for (const ContractionOrderName &name : contractionOrderNames()) {
    if (name.order == ContractionOrder::CSSE ||
        name.order == ContractionOrder::Given)
      continue;
    llvm::Expected<ContractionTree> tree =
        name.order == ContractionOrder::Greedy
            ? greedyTree(network, goal.outputLeaf)
            : fixedOrderTree(network, roles, name.order);
    if (!tree)
      return tree.takeError();
    if (llvm::Error error = add(*tree, name.name))
      return error;
  }
  return llvm::Error::success();
}

/// The best as scheduled; then, of the first few that promise to beat the tree
/// of the fewest multiply-adds, the best as mapped.
llvm::Error OrderSearch::choose() {
  auto value = [&](size_t k) {
    return valueOf(options.objective, order.candidates[k]);
  };
  bool isSum = options.objective == ModelObjective::Energy;
  auto isBetter = [&](size_t k) {
    return value(k) < (isSum ? 1 : worthIt) * value(0);
  };
  llvm::SmallVector<size_t, 16> better;
  for (size_t k : llvm::seq<size_t>(1, order.candidates.size()))
    if (isBetter(k))
      better.push_back(k);
  if (better.empty())
    return llvm::Error::success();
  llvm::stable_sort(better,
                    [&](size_t x, size_t y) { return value(x) < value(y); });
  if (isSum || !options.confirm) {
    order.chosen = better.front();
    return llvm::Error::success();
  }
  if (better.size() > mostMapped)
    better.resize(mostMapped);
  better.insert(better.begin(), 0);
  for (size_t k : better) {
    llvm::Expected<double> cycles = mappedCycles(network, plans[k], machine);
    if (!cycles)
      return cycles.takeError();
    order.candidates[k].mapped = *cycles;
    if (isBetter(k) && value(k) < value(order.chosen))
      order.chosen = k;
  }
  return llvm::Error::success();
}

llvm::Expected<MachineOrder> OrderSearch::run() {
  llvm::Expected<std::unique_ptr<MachineCostModel>> model =
      MachineCostModel::create(machine, 1);
  if (!model)
    return model.takeError();
  free = std::move(*model);
  order.staticPower = free->staticPower();
  // What would be taken without a machine comes first and wins ties.
  std::optional<ContractionTree> first = options.fewestFlops;
  if (!first) {
    llvm::Expected<TrainingResult> fewest = searchTraining(network, goal, {});
    if (!fewest)
      return fewest.takeError();
    first = std::move(fewest->tree.tree);
  }
  if (llvm::Error error = add(*first, "fewest multiply-adds"))
    return error;
  unsigned tensors = network.numLeaves() - 1;
  if (tensors > std::min(options.exactLimit, maxExactTensors))
    order.reason = llvm::formatv("{0} tensors, beyond the limit of {1}",
                                 tensors, options.exactLimit);
  else if (llvm::Error error = search())
    return error;
  if (llvm::Error error = addFixedOrders())
    return error;
  if (llvm::Error error = choose())
    return error;
  return std::move(order);
}

llvm::Expected<MachineOrder>
fetta::orderForMachine(const ClosedNetwork &network, const TrainingGoal &goal,
                       const Machine &machine,
                       const MachineOrderOptions &options) {
  return OrderSearch(network, goal, machine, options).run();
}

llvm::Expected<std::vector<ModelTree>>
fetta::frontForMachine(const ClosedNetwork &network, const TrainingGoal &goal,
                       const Machine &machine,
                       const MachineOrderOptions &options) {
  unsigned tensors = network.numLeaves() - 1;
  if (tensors > options.exactLimit)
    return llvm::createStringError(
        llvm::formatv("the front is searched up to {0} tensors, not for {1}",
                      options.exactLimit, tensors));
  llvm::Expected<std::unique_ptr<MachineCostModel>> model =
      MachineCostModel::create(machine, layoutsFor(options, tensors));
  if (!model)
    return model.takeError();
  ModelSearchOptions by;
  by.goal = goal;
  by.factor = tensors <= 8 ? 1 : 1.01;
  return searchModelFront(network, goal.outputLeaf, **model, by);
}
