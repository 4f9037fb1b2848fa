//===- PlanModes.cpp --------------------------------------------*- C++ -*-===//
//
// Part of Fetta, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
/// \file
/// Which modes to cut where not even slices of one token fit.
//
//===----------------------------------------------------------------------===//

#include "SliceWriter.h"
#include "mlir/IR/Diagnostics.h"

using namespace mlir;
using namespace fetta::tnn;

static RankedTensorType tensorType(Value value) {
  return cast<RankedTensorType>(value.getType());
}

namespace {

/// What a value may take: half a slab, so that a piece can be made while
/// another one is used; an eighth for one token, so that there are several.
constexpr int64_t kShareOfSlab = 2, kShareOfToken = 8;
/// Parameters (or sums) with pieces stay in memory where they take no more than
/// this part of it.
constexpr int64_t kShareOfMemory = 4;
/// Modes that one plan cuts, at most.
constexpr unsigned kMostCuts = 6;
/// Elements of a burst of DRAM.
constexpr int64_t kBurstElements = 32;

class Planner {
public:
  Planner(func::FuncOp function, const MemoryRows &rows)
      : function(function), rows(rows), batch(function) {}

  ModePlan run();

private:
  RankedTensorType partType(Value value, const CutMode *more = nullptr) const;
  int64_t rowsOf(Value value, const CutMode *more = nullptr) const {
    return rows.of(partType(value, more));
  }
  bool hasToken(Value value) const {
    return batchKnown && batch.kindOf(value) == Kind::Sliced;
  }
  int64_t roomFor(Value value) const {
    return rows.slab / (hasToken(value) ? kShareOfToken : kShareOfSlab);
  }
  int64_t costOf(const CutMode &cut);
  /// The largest piece with which all that hold the mode have room, else 1.
  int64_t pieceOf(CutMode &cut) const;
  bool addCut(unsigned number);
  void collectValues();

  func::FuncOp function;
  const MemoryRows &rows;
  BatchAnalysis batch;
  bool batchKnown = false;
  /// Values that lie in memory, in the shape in which they do; by number.
  SmallVector<Value> values;
  llvm::DenseSet<Value> inMemory;
  std::vector<CutMode> cuts;
  ModePlan plan;
};

} // namespace

RankedTensorType Planner::partType(Value value, const CutMode *more) const {
  SmallVector<int64_t> shape(tensorType(value).getShape());
  if (hasToken(value))
    shape[batch.dimensionOf(value)] = 1;
  auto cutDown = [&](const CutMode &cut) {
    if (cut.mode.isHeldBy(value))
      shape[cut.mode.dimensionOf(value)] = cut.size;
  };
  for (const CutMode &cut : cuts)
    cutDown(cut);
  if (more)
    cutDown(*more);
  return tensorType(value).clone(shape);
}

void Planner::collectValues() {
  llvm::append_range(values, function.getArguments());
  for (Operation &op : function.getBody().front()) {
    llvm::append_range(values, op.getResults());
    if (auto contract = dyn_cast<ContractOp>(op)) {
      inMemory.insert(contract.getResult());
      for (Value factor : contract.getFactors())
        inMemory.insert(factor);
    }
  }
}

/// Rows that are reloaded and drained for sums over pieces, of all tokens, and
/// bursts of DRAM that tiles leave unused, as rows.
int64_t Planner::costOf(const CutMode &cut) {
  int64_t cost = 0;
  for (ContractOp op : function.getBody().front().getOps<ContractOp>()) {
    bool isHeld =
        cut.mode.isHeldBy(op.getLhs()) || cut.mode.isHeldBy(op.getRhs());
    if (isHeld && !cut.mode.isHeldBy(op.getResult()))
      cost += rows.of(op.getType().clone(Float32Type::get(op.getContext())));
  }
  for (Value value : values) {
    bool inDram = isa<BlockArgument>(value) ||
                  llvm::any_of(value.getUsers(), [](Operation *user) {
                    return user->hasTrait<OpTrait::IsTerminator>();
                  });
    if (!inDram || !cut.mode.isHeldBy(value))
      continue;
    RankedTensorType type = tensorType(value);
    int64_t run = cut.size;
    for (int64_t d = cut.mode.dimensionOf(value) + 1; d < type.getRank(); ++d)
      run *= type.getDimSize(d);
    if (run < kBurstElements)
      cost += rows.of(type) * (kBurstElements / run - 1);
  }
  return cost;
}

int64_t Planner::pieceOf(CutMode &cut) const {
  int64_t size = cut.mode.getSize();
  for (int64_t piece = size - 1; piece > 1; --piece) {
    // Equal pieces, or such as fill lanes.
    if (size % piece && !llvm::isPowerOf2_64(piece))
      continue;
    cut.size = piece;
    if (llvm::all_of(values, [&](Value value) {
          return !inMemory.contains(value) || !cut.mode.isHeldBy(value) ||
                 rowsOf(value, &cut) <= roomFor(value);
        }))
      return piece;
  }
  return 1;
}

bool Planner::addCut(unsigned number) {
  Value value = values[number];
  std::optional<CutMode> best;
  unsigned bestDimension = 0;
  std::pair<int64_t, int64_t> bestCost;
  for (int64_t d = 0; d < tensorType(value).getRank(); ++d) {
    bool isKnown =
        tensorType(value).getDimSize(d) == 1 ||
        (hasToken(value) && batch.dimensionOf(value) == d) ||
        llvm::any_of(cuts, [&](const CutMode &cut) {
          return cut.mode.isHeldBy(value) && cut.mode.dimensionOf(value) == d;
        });
    if (isKnown)
      continue;
    CutMode cut{ModeDimensions(function, "the mode",
                               ModeDimensions::Splits::EndAtBoundary),
                1};
    {
      // What cannot be cut is no candidate.
      ScopedDiagnosticHandler quiet(function.getContext(),
                                    [](Diagnostic &) { return success(); });
      if (failed(cut.mode.follow(value, d)))
        continue;
    }
    cut.size = pieceOf(cut);
    std::pair<int64_t, int64_t> cost{
        std::max<int64_t>(0, rowsOf(value, &cut) - roomFor(value)),
        costOf(cut)};
    if (best && cost >= bestCost)
      continue;
    best.emplace(std::move(cut));
    bestDimension = unsigned(d);
    bestCost = cost;
  }
  if (!best)
    return false;
  plan.cuts.push_back({number, bestDimension, best->size});
  cuts.push_back(std::move(*best));
  return true;
}

ModePlan Planner::run() {
  {
    ScopedDiagnosticHandler quiet(function.getContext(),
                                  [](Diagnostic &) { return success(); });
    if (failed(checkSliceable(function)))
      return {};
    batchKnown = succeeded(batch.run());
  }
  collectValues();
  while (cuts.size() < kMostCuts) {
    std::optional<unsigned> worst;
    int64_t worstExcess = 0;
    for (auto [number, value] : llvm::enumerate(values)) {
      if (!inMemory.contains(value))
        continue;
      int64_t excess = rowsOf(value) - roomFor(value);
      if (excess > worstExcess) {
        worst = unsigned(number);
        worstExcess = excess;
      }
    }
    if (!worst || !addCut(*worst))
      break;
  }
  int64_t parameters = 0, sums = 0;
  for (Value value : values) {
    bool isCut = llvm::any_of(
        cuts, [&](const CutMode &cut) { return cut.mode.isHeldBy(value); });
    if (!isCut || !inMemory.contains(value) || hasToken(value))
      continue;
    int64_t all = rows.of(tensorType(value));
    Kind kind = batchKnown ? batch.kindOf(value) : Kind::Whole;
    if (kind == Kind::Total)
      sums += all;
    else if (kind == Kind::Whole)
      parameters += all;
  }
  plan.keepsParameters = parameters <= rows.all / kShareOfMemory;
  plan.keepsSums = sums <= rows.all / kShareOfMemory;
  return std::move(plan);
}

ModePlan fetta::tnn::planModes(func::FuncOp function, const MemoryRows &rows) {
  return Planner(function, rows).run();
}
