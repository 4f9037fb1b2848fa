//===- PlanStreams.cpp ------------------------------------------*- C++ -*-===//
//
// Part of Fetta, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
/// \file
/// Which contractions pass through DRAM, and in which tiles.
//
//===----------------------------------------------------------------------===//

#include "BatchAnalysis.h"
#include "fetta/Dialect/TNN/Transforms/SliceBatch.h"
#include "mlir/IR/Diagnostics.h"

using namespace mlir;
using namespace fetta::tnn;

static RankedTensorType tensorType(Value value) {
  return cast<RankedTensorType>(value.getType());
}

namespace {

/// What a tile may take of a slab.
constexpr int64_t kShareOfSlab = 2;
/// Elements of a burst of DRAM.
constexpr int64_t kBurstElements = 32;

/// Chooses tiles of one contraction.
class Tiler {
public:
  Tiler(ContractOp op, const MemoryRows &rows);

  SmallVector<int64_t, 8> run();

private:
  /// Of lhs, rhs or the sums of the result.
  int64_t rowsOf(unsigned id) const;
  /// Elements that are moved: tiles as often as they are loaded, bursts as a
  /// whole; sums as often as they are reloaded and drained, which costs about
  /// as much.
  double costOf() const;

  const MemoryRows &rows;
  std::array<RankedTensorType, 3> types;
  std::array<SmallVector<unsigned, 8>, 3> modes;
  SmallVector<int64_t, 8> sizes, tiles;
};

} // namespace

Tiler::Tiler(ContractOp op, const MemoryRows &rows)
    : rows(rows), sizes(op.getModeSizes()) {
  EinsumAttr einsum = op.getEinsum();
  SmallVector<StringAttr> names = einsum.getModes();
  types = {tensorType(op.getLhs()), tensorType(op.getRhs()),
           tensorType(op.getResult())};
  for (unsigned id = 0; id < 3; ++id)
    for (StringAttr mode :
         id == 2 ? einsum.getOutputModes() : einsum.getInputModes(id))
      modes[id].push_back(unsigned(llvm::find(names, mode) - names.begin()));
  types[2] = types[2].clone(Float32Type::get(op.getContext()));
  tiles = sizes;
}

int64_t Tiler::rowsOf(unsigned id) const {
  SmallVector<int64_t> shape;
  for (unsigned mode : modes[id])
    shape.push_back(tiles[mode]);
  return rows.of(types[id].clone(shape));
}

double Tiler::costOf() const {
  double cost = 0;
  for (unsigned id = 0; id < 3; ++id) {
    double elements = double(types[id].getNumElements());
    int64_t run = 1;
    for (size_t d = modes[id].size(); d-- > 0;) {
      run *= tiles[modes[id][d]];
      if (tiles[modes[id][d]] < sizes[modes[id][d]])
        break;
    }
    if (run < kBurstElements)
      elements *= double(kBurstElements) / double(run);
    for (unsigned mode = 0; mode < sizes.size(); ++mode)
      if (!llvm::is_contained(modes[id], mode))
        elements *= double(llvm::divideCeil(sizes[mode], tiles[mode]));
    cost += elements;
  }
  return cost;
}

SmallVector<int64_t, 8> Tiler::run() {
  while (true) {
    unsigned worst = 0;
    for (unsigned id = 1; id < 3; ++id)
      if (rowsOf(id) > rowsOf(worst))
        worst = id;
    if (rowsOf(worst) <= rows.slab / kShareOfSlab)
      return tiles;
    // The mode whose next smaller tile costs least, the outer one of two.
    std::optional<std::pair<unsigned, int64_t>> best;
    double least = 0;
    for (unsigned mode : modes[worst]) {
      int64_t before = tiles[mode], next = before - 1;
      // Equal tiles, or such as fill lanes.
      while (next > 0 && sizes[mode] % next && !llvm::isPowerOf2_64(next))
        --next;
      if (next == 0)
        continue;
      tiles[mode] = next;
      // Per halving, as tiles that shrink less cost less.
      double cost = costOf() * double(next) / double(before);
      tiles[mode] = before;
      if (!best || cost < least) {
        best = {mode, next};
        least = cost;
      }
    }
    if (!best)
      return tiles;
    tiles[best->first] = best->second;
  }
}

/// Whether no view stands between contractions: one is of an argument or of a
/// result.
static bool hasViewsAtEndsOnly(func::FuncOp function) {
  return llvm::all_of(function.getBody().front(), [](Operation &op) {
    return !isView(&op) || isa<BlockArgument>(getViewed(op.getOperand(0))) ||
           isOnlyReturned(op.getResult(0));
  });
}

ModePlan fetta::tnn::planStreams(func::FuncOp function,
                                 const MemoryRows &rows) {
  ScopedDiagnosticHandler quiet(function.getContext(),
                                [](Diagnostic &) { return success(); });
  BatchAnalysis batch(function);
  if (failed(batch.run()) || !hasViewsAtEndsOnly(function))
    return {};
  ModePlan plan;
  plan.workPerByte = rows.workPerByte;
  unsigned number = function.getNumArguments();
  llvm::DenseSet<Value> streamed;
  for (Operation &op : function.getBody().front()) {
    unsigned first = number;
    number += op.getNumResults();
    auto contract = dyn_cast<ContractOp>(op);
    if (!contract)
      continue;
    auto isLarge = [&](Value value) {
      return batch.kindOf(value) != Kind::Sliced &&
             rows.of(tensorType(value)) > rows.slab;
    };
    Value result = contract.getResult();
    if (!isLarge(result) && !llvm::any_of(op.getOperands(), isLarge))
      continue;
    auto isInDram = [&](Value value) {
      return isa<BlockArgument>(getViewed(value)) || streamed.contains(value) ||
             batch.kindOf(value) == Kind::Sliced;
    };
    bool canStream =
        !contract.getInit() && llvm::all_of(op.getOperands(), isInDram) &&
        (batch.kindOf(result) == Kind::Sliced || isOnlyReturned(result));
    if (!canStream)
      return {};
    streamed.insert(result);
    plan.streams.push_back({first, Tiler(contract, rows).run()});
  }
  return plan;
}

GradientStreams fetta::tnn::planGradients(func::FuncOp function,
                                          const MemoryRows &rows,
                                          int64_t size) {
  ScopedDiagnosticHandler quiet(function.getContext(),
                                [](Diagnostic &) { return success(); });
  BatchAnalysis batch(function);
  if (failed(batch.run()) || !hasViewsAtEndsOnly(function))
    return {};
  GradientStreams streams;
  streams.plan.workPerByte = rows.workPerByte;
  unsigned number = function.getNumArguments();
  llvm::DenseSet<Value> stored;
  for (Operation &op : function.getBody().front()) {
    unsigned first = number;
    number += op.getNumResults();
    auto contract = dyn_cast<ContractOp>(op);
    if (!contract || contract.getInit() ||
        batch.kindOf(contract.getResult()) != Kind::Total ||
        !isOnlyReturned(contract.getResult()) ||
        !llvm::all_of(op.getOperands(), [&](Value operand) {
          return batch.kindOf(operand) == Kind::Sliced;
        }))
      continue;
    RankedTensorType sums =
        contract.getType().clone(Float32Type::get(op.getContext()));
    double beats = double(contract.getMultiplyAdds()) / rows.multipliers *
                   double(size) / double(batch.getBatch());
    // Reloaded and drained, row by row of both planes.
    double ports = 2 * double(rows.of(sums));
    if (ports <= beats)
      continue;
    streams.plan.streams.push_back({first, Tiler(contract, rows).run()});
    streams.cycles += ports;
    for (Value operand : op.getOperands())
      if (Value root = getViewed(operand);
          !isa<BlockArgument>(root) && stored.insert(root).second)
        streams.bytes += 2 * 2 * double(tensorType(root).getNumElements());
  }
  return streams;
}
