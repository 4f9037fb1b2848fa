//===- MachineCost.cpp - What a contraction step costs --------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Mapping/MachineCost.h"
#include "StepTables.h"

#include "fetta/Support/Error.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Sequence.h"
#include "llvm/ADT/StringMap.h"

#include <cmath>
#include <map>

using namespace fetta;
using namespace fetta::mapping;
using llvm::ArrayRef;
using llvm::SmallVector;

static constexpr double infinity = std::numeric_limits<double>::infinity();

namespace {

using ShapeKey = std::tuple<uint64_t, uint64_t, uint64_t, uint64_t>;

} // namespace

struct MachineCostModel::State {
  State(const Machine &machine, const EnergyTable &table, unsigned layouts)
      : machine(machine), form(machine, table), cases(form), layouts(layouts) {
    double milliwatts = 0;
    for (unsigned e = 0; e < numEnergyEvents; ++e)
      if (isStatic(EnergyEvent(e)))
        milliwatts += table[EnergyEvent(e)].value *
                      double(instances(EnergyEvent(e), machine));
    // A milliwatt for a nanosecond is a picojoule.
    staticPower = milliwatts * 1e9 / double(machine.clockHz);
  }

  void fillClass(ArrayRef<int64_t> sizes, LayoutClass &bits) const;
  Machine machine;
  StepForm form;
  StepCases cases;
  unsigned layouts;
  double staticPower = 0;
  std::map<SmallVector<int64_t, 8>, std::vector<LayoutClass>> classes;
  llvm::StringMap<std::vector<Price>> steps;
  llvm::DenseMap<ShapeKey, Price> bounds;
};

MachineCostModel::MachineCostModel(const Machine &machine,
                                   const EnergyTable &table, unsigned layouts)
    : state(std::make_unique<State>(machine, table, layouts)) {
  assert(layouts >= 1 && layouts <= maxLayouts && "see CostModel");
}

MachineCostModel::~MachineCostModel() = default;

llvm::Expected<std::unique_ptr<MachineCostModel>>
MachineCostModel::create(const Machine &machine, unsigned layouts) {
  llvm::Expected<EnergyTable> table = EnergyTable::preset(machine.energyPreset);
  if (!table)
    return addErrorContext("machine '" + machine.name + "'", table.takeError());
  return std::make_unique<MachineCostModel>(machine, *table, layouts);
}

Price MachineCostModel::roughBound(const StepShape &shape) const {
  return state->form.roughBound(shape.flops());
}

double MachineCostModel::staticPower() const { return state->staticPower; }
const Machine &MachineCostModel::getMachine() const { return state->machine; }

//===----------------------------------------------------------------------===//
// Layout classes
//===----------------------------------------------------------------------===//

/// Fills the row with low bits of the mode whose chunks shrink most, the one
/// with most chunks among equals, as the mapper does.
void MachineCostModel::State::fillClass(ArrayRef<int64_t> sizes,
                                        LayoutClass &bits) const {
  unsigned left = machine.laneBits();
  for (uint8_t b : bits)
    left -= b;
  for (; left > 0; --left) {
    std::optional<size_t> best;
    int64_t bestBefore = 0, bestAfter = 1;
    for (size_t m = 0; m < sizes.size(); ++m) {
      int64_t before = (sizes[m] + (int64_t(1) << bits[m]) - 1) >> bits[m];
      if (before == 1)
        continue;
      int64_t after = (before + 1) / 2;
      double ours = double(before) * double(bestAfter);
      double theirs = double(bestBefore) * double(after);
      if (!best || ours > theirs || (ours == theirs && before > bestBefore)) {
        best = m;
        bestBefore = before;
        bestAfter = after;
      }
    }
    if (!best)
      return;
    ++bits[*best];
  }
}

const std::vector<LayoutClass> &
MachineCostModel::layoutClasses(ArrayRef<int64_t> sizes) const {
  SmallVector<int64_t, 8> key(sizes);
  auto [it, isNew] = state->classes.try_emplace(key);
  std::vector<LayoutClass> &classes = it->second;
  if (!isNew || state->layouts == 1)
    return classes;
  classes.emplace_back(sizes.size(), uint8_t(0));
  state->fillClass(sizes, classes.back());
  SmallVector<unsigned, 8> order =
      llvm::to_vector<8>(llvm::seq<unsigned>(0, sizes.size()));
  llvm::stable_sort(
      order, [&](unsigned x, unsigned y) { return sizes[x] > sizes[y]; });
  for (unsigned mode : order) {
    if (classes.size() == state->layouts)
      break;
    LayoutClass bits(sizes.size(), 0);
    bits[mode] = uint8_t(std::min<unsigned>(
        state->machine.laneBits(), llvm::Log2_64_Ceil(uint64_t(sizes[mode]))));
    state->fillClass(sizes, bits);
    if (!llvm::is_contained(classes, bits))
      classes.push_back(std::move(bits));
  }
  return classes;
}

static SmallVector<int64_t, 8> sizesAbove1(const ClosedNetwork &network,
                                           ArrayRef<unsigned> indices) {
  // The order of a leaf's dimensions means nothing.
  SmallVector<unsigned, 8> sorted(indices);
  llvm::sort(sorted);
  SmallVector<int64_t, 8> sizes;
  for (unsigned index : sorted)
    if (int64_t size = network.getIndices()[index].size; size > 1)
      sizes.push_back(size);
  return sizes;
}

unsigned MachineCostModel::numLayouts(const ClosedNetwork &network,
                                      ArrayRef<unsigned> indices) const {
  if (state->layouts == 1)
    return 1;
  return unsigned(layoutClasses(sizesAbove1(network, indices)).size());
}

//===----------------------------------------------------------------------===//
// Steps
//===----------------------------------------------------------------------===//

StepEstimate
MachineCostModel::estimate(const StepModes &modes,
                           std::array<const LayoutClass *, 3> layouts) const {
  StepTables tables(state->form, state->cases, double(state->machine.lanes()),
                    modes);
  return state->cases.minimize(tables.caseOf({0, 0, 0}, layouts));
}

void MachineCostModel::stepPrices(const ModelStep &step,
                                  llvm::MutableArrayRef<Price> prices) const {
  // Modes in the order of their indices: layout classes follow from it.
  StepModes modes;
  std::string key;
  auto holds = [](ArrayRef<unsigned> list, unsigned index) {
    return std::binary_search(list.begin(), list.end(), index);
  };
  SmallVector<unsigned, 16> all;
  std::array<SmallVector<unsigned, 8>, 3> lists = {
      SmallVector<unsigned, 8>(step.lhs), SmallVector<unsigned, 8>(step.rhs),
      SmallVector<unsigned, 8>(step.result)};
  for (SmallVector<unsigned, 8> &list : lists) {
    llvm::sort(list);
    all.append(list.begin(), list.end());
  }
  llvm::sort(all);
  all.erase(std::unique(all.begin(), all.end()), all.end());
  for (unsigned index : all) {
    int64_t size = step.network.getIndices()[index].size;
    if (size == 1)
      continue;
    std::array<bool, 3> in;
    for (unsigned id = 0; id < 3; ++id)
      in[id] = holds(lists[id], index);
    modes.sizes.push_back(size);
    modes.in.push_back(in);
    key.append(reinterpret_cast<const char *>(&size), sizeof(size));
    key.push_back(char(in[0] | in[1] << 1 | in[2] << 2));
  }
  std::vector<Price> &known = state->steps[key];
  if (known.empty()) {
    known.resize(prices.size());
    std::array<const std::vector<LayoutClass> *, 3> classes = {};
    if (state->layouts > 1)
      for (unsigned id = 0; id < 3; ++id) {
        SmallVector<int64_t, 8> sizes;
        for (auto [size, in] : llvm::zip_equal(modes.sizes, modes.in))
          if (in[id])
            sizes.push_back(size);
        classes[id] = &layoutClasses(sizes);
      }
    auto classOf = [&](unsigned id, unsigned number) {
      return classes[id] ? &(*classes[id])[number] : nullptr;
    };
    StepTables tables(state->form, state->cases, double(state->machine.lanes()),
                      modes);
    size_t at = 0;
    for (unsigned a = 0; a < step.lhsLayouts; ++a)
      for (unsigned b = 0; b < step.rhsLayouts; ++b)
        for (unsigned r = 0; r < step.resultLayouts; ++r) {
          known[at++] = state->cases.price(tables.caseOf(
              {a, b, r}, {classOf(0, a), classOf(1, b), classOf(2, r)}));
        }
  }
  llvm::copy(known, prices.begin());
}

Price MachineCostModel::lowerBound(const StepShape &shape) const {
  auto bits = [](double x) { return llvm::bit_cast<uint64_t>(x); };
  auto [it, isNew] = state->bounds.try_emplace(
      ShapeKey(bits(shape.batch), bits(shape.rows), bits(shape.columns),
               bits(shape.summed)),
      Price{infinity, infinity});
  Price &least = it->second;
  if (!isNew)
    return least;
  const StepForm &form = state->form;
  unsigned columns =
      std::min(form.columnBits + form.ceBits, LaneSpread::maxBits);
  LaneSpread batch = mergedSpread(shape.batch, columns),
             lanesA = mergedSpread(shape.rows, columns),
             lanesB = mergedSpread(shape.columns, columns),
             lanesR = mergedSpread(shape.summed, columns);
  auto onRows = [&](double size) {
    return mergedRows(size, form.rowBits, form.ceBits);
  };
  std::vector<LaneSpread> byR = onRows(shape.summed), outA = onRows(shape.rows),
                          outB = onRows(shape.columns);
  double resultRows =
      std::ceil(shape.resultElements() / double(state->machine.lanes()));
  least.energy = infinity;
  auto run = [&](Dataflow dataflow, const std::vector<LaneSpread> &rows,
                 const LaneSpread &held, const LaneSpread &other,
                 bool aStreams) {
    LaneGroups groups{dataflow,
                      &rows,
                      &held,
                      &other,
                      &batch,
                      shape.batch,
                      aStreams ? shape.rows : shape.columns,
                      aStreams ? shape.columns : shape.rows,
                      shape.summed,
                      resultRows};
    form.boundLatency(groups, least.latency);
    least.energy = std::min(least.energy, form.energyBound(groups));
  };
  run(Dataflow::BStationary, byR, lanesB, lanesA, true);
  run(Dataflow::AStationary, byR, lanesA, lanesB, false);
  run(Dataflow::OutputStationary, outA, lanesB, lanesR, true);
  run(Dataflow::OutputStationary, outB, lanesA, lanesR, false);
  return least;
}

Price MachineCostModel::boundaryPrice(const ClosedNetwork &, ArrayRef<unsigned>,
                                      unsigned) const {
  return {};
}
