//===- SliceEstimate.cpp ----------------------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SliceEstimate.h"
#include "fetta/Dialect/Fetta/IR/FettaOps.h"
#include "fetta/Dialect/TNN/IR/TNNOps.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Diagnostics.h"
#include "llvm/ADT/SetVector.h"

#include <map>

using namespace mlir;
using namespace fetta;

/// A value of more than this part of a slab is large: slabs hold a few of them,
/// and what is left over counts as taken.
static constexpr int64_t kLarge = 8;

int64_t fetta::equalSize(int64_t batch, int64_t count) {
  return int64_t(llvm::divideCeil(batch, count));
}

int64_t fetta::nextCount(int64_t count) {
  if (count < 3)
    return count + 1;
  return llvm::isPowerOf2_64(count) ? count + count / 2 : count / 3 * 4;
}

int64_t fetta::sliceSize(int64_t batch, int64_t count) {
  int64_t size = llvm::divideCeil(batch, count);
  int64_t unit = std::min<int64_t>(64, llvm::bit_floor(uint64_t(size)) / 4);
  if (count == 1 || unit <= 1)
    return size;
  int64_t least = llvm::alignTo(size, unit);
  for (int64_t larger = least; larger <= size + size / 4; larger += unit)
    if (batch % larger == 0)
      return larger;
  return least;
}

static int64_t estimateRows(ArrayRef<int64_t> shape, Type elementType,
                            const Machine &machine) {
  SmallVector<int64_t> chunks(shape);
  for (unsigned bit = 0; bit < machine.laneBits(); ++bit) {
    // The first even number shrinks to a half, else the largest odd one most.
    auto *best = llvm::find_if(chunks, [](int64_t n) { return n % 2 == 0; });
    if (best == chunks.end())
      best = llvm::max_element(chunks);
    if (best == chunks.end())
      break;
    *best = (*best + 1) / 2;
  }
  int64_t rows = elementType.isF32() ? 2 : 1;
  for (int64_t count : chunks)
    if (llvm::MulOverflow(rows, count, rows))
      return INT64_MAX;
  return rows;
}

int64_t fetta::estimateRows(RankedTensorType type, const Machine &machine) {
  return ::estimateRows(type.getShape(), type.getElementType(), machine);
}

/// The value in memory that `value` is a view or a continued sum of, one step
/// back; null if it stands for itself.
static Value findSource(Value value) {
  Operation *op = value.getDefiningOp();
  if (!op)
    return {};
  if (auto contract = dyn_cast<tnn::ContractOp>(op))
    return contract.getType().getElementType().isF32() ? contract.getInit()
                                                       : Value();
  return isa<tensor::ExpandShapeOp, tensor::CollapseShapeOp, arith::TruncFOp,
             tensor::InsertSliceOp>(op)
             ? op->getOperand(0)
             : Value();
}

namespace {
/// A value in memory: where it lives, and the fewest rows that a use needs.
struct Life {
  int64_t begin, end;
  int64_t rows;
  bool isSlice;
};
} // namespace

/// Large values leave room that nothing else needs.
static int64_t withUnusedRest(int64_t rows, const Machine &machine) {
  return rows > machine.rowsPerSlab / kLarge
             ? machine.rowsPerSlab / (machine.rowsPerSlab / rows)
             : rows;
}

/// The contractions that are needed and do not go through DRAM.
static SmallVector<Operation *> findSliced(func::FuncOp function,
                                           ArrayRef<tnn::Stream> streams) {
  llvm::SmallDenseSet<Operation *> done;
  unsigned number = function.getNumArguments();
  for (Operation &op : function.getBody().front()) {
    if (llvm::any_of(streams, [&](const tnn::Stream &stream) {
          return stream.value == number;
        }))
      done.insert(&op);
    number += op.getNumResults();
  }
  SmallVector<Operation *> sliced;
  llvm::SmallDenseSet<Operation *> needed;
  for (Operation &op : llvm::reverse(function.getBody().front())) {
    if (!op.hasTrait<OpTrait::IsTerminator>() && !needed.contains(&op))
      continue;
    for (Value operand : op.getOperands())
      if (Operation *source = operand.getDefiningOp())
        needed.insert(source);
    if (isa<tnn::ContractOp>(op) && !done.contains(&op))
      sliced.push_back(&op);
  }
  return sliced;
}

SliceBound::SliceBound(func::FuncOp function, const Machine &machine,
                       const tnn::ModePlan &plan)
    : machine(machine) {
  if (!plan.cuts.empty())
    return;
  ScopedDiagnosticHandler quiet(function->getContext(),
                                [](Diagnostic &) { return success(); });
  FailureOr<tnn::SliceOrder> order = tnn::findSliceOrder(function);
  if (failed(order))
    return;
  llvm::DenseMap<Value, unsigned> lifeOf; // Of views, too.
  std::map<Shape, unsigned> known;
  auto see = [&](Value value) {
    Value source = findSource(value);
    auto root = source ? lifeOf.find(source) : lifeOf.end();
    unsigned number =
        root == lifeOf.end() ? unsigned(lives.size()) : root->second;
    if (root == lifeOf.end())
      lives.push_back({INT64_MAX, -1, {}});
    lifeOf[value] = number;
    auto type = dyn_cast<RankedTensorType>(value.getType());
    if (!type)
      return;
    auto batch = order->batchDimensions.find(value);
    Shape shape{type, batch == order->batchDimensions.end()
                          ? -1
                          : int64_t(batch->second)};
    auto [it, isNew] = known.try_emplace(shape, unsigned(shapes.size()));
    if (isNew)
      shapes.push_back(shape);
    if (!llvm::is_contained(lives[number].shapes, it->second))
      lives[number].shapes.push_back(it->second);
  };
  for (Value argument : function.getArguments())
    see(argument);
  for (Operation &op : function.getBody().front())
    for (Value result : op.getResults())
      see(result);
  if (!plan.streams.empty()) {
    // What else lives then depends on the stages.
    for (Operation *op : findSliced(function, plan.streams)) {
      llvm::SmallSetVector<unsigned, 4> used;
      for (Value operand : op->getOperands())
        used.insert(lifeOf.lookup(operand));
      used.insert(lifeOf.lookup(op->getResult(0)));
      for (unsigned number : used)
        lives.push_back({positions, positions, lives[number].shapes});
      ++positions;
    }
    return;
  }
  for (Operation *op : order->contracts) {
    auto touch = [&](Value value) {
      Life &life = lives[lifeOf.lookup(value)];
      life.begin = std::min(life.begin, positions);
      life.end = positions;
    };
    llvm::for_each(op->getOperands(), touch);
    llvm::for_each(op->getResults(), touch);
    ++positions;
  }
}

int64_t SliceBound::leastRows(int64_t size) const {
  std::vector<int64_t> rowsOf;
  for (const Shape &shape : shapes) {
    RankedTensorType type = shape.type;
    SmallVector<int64_t> dims(type.getShape());
    if (shape.batchDimension >= 0)
      dims[shape.batchDimension] = std::min(dims[shape.batchDimension], size);
    rowsOf.push_back(::estimateRows(dims, type.getElementType(), machine));
  }
  std::vector<int64_t> change(positions + 1, 0);
  for (const Life &life : lives) {
    if (life.end < 0)
      continue;
    int64_t rows = INT64_MAX;
    for (unsigned shape : life.shapes)
      rows = std::min(rows, rowsOf[shape]);
    if (rows > machine.rowsPerSlab)
      return INT64_MAX;
    rows = withUnusedRest(rows, machine);
    change[life.begin] += rows;
    change[life.end + 1] -= rows;
  }
  int64_t alive = 0, most = 0;
  for (int64_t delta : change)
    most = std::max(most, alive += delta);
  return most;
}

RowEstimate fetta::estimateRows(func::FuncOp function, const Machine &machine) {
  std::vector<Life> lives;
  llvm::DenseMap<Value, unsigned> lifeOf; // Of views, too.
  llvm::DenseMap<Type, int64_t> rowsOf;
  constexpr unsigned kNowhere = ~0u;
  int64_t position = 0;
  auto findLife = [&](Value value) -> unsigned {
    SmallVector<Value, 4> views;
    unsigned life;
    while (true) {
      if (auto it = lifeOf.find(value); it != lifeOf.end()) {
        life = it->second;
        break;
      }
      views.push_back(value);
      if (Value source = findSource(value)) {
        value = source;
        continue;
      }
      life = kNowhere;
      if (!isa_and_nonnull<tensor::EmptyOp>(value.getDefiningOp())) {
        life = unsigned(lives.size());
        lives.push_back(
            {position, position, INT64_MAX,
             isa_and_nonnull<tensor::ExtractSliceOp>(value.getDefiningOp())});
      }
      break;
    }
    for (Value view : views)
      lifeOf[view] = life;
    return life;
  };
  auto touch = [&](Value value) {
    unsigned number = findLife(value);
    if (number == kNowhere)
      return;
    auto type = cast<RankedTensorType>(value.getType());
    auto [rows, isNew] = rowsOf.try_emplace(type, 0);
    if (isNew)
      rows->second = estimateRows(type, machine);
    Life &life = lives[number];
    life.end = position;
    // The shape that a contraction sees counts, not that of the argument.
    life.rows = std::min(life.rows, rows->second);
  };
  for (Operation &op : function.getBody().front()) {
    ++position;
    if (isa<tnn::ContractOp>(op)) {
      for (Value operand : op.getOperands())
        touch(operand);
      touch(op.getResult(0));
    } else if (isa<tensor::ExtractSliceOp>(op)) {
      touch(op.getResult(0));
    } else if (isa<tensor::InsertSliceOp>(op)) {
      touch(op.getOperand(0));
    }
  }
  RowEstimate estimate;
  std::vector<int64_t> change(position + 2, 0);
  for (Life &life : lives) {
    if (life.rows > machine.rowsPerSlab) {
      estimate.peak = INT64_MAX;
      return estimate;
    }
    life.rows = withUnusedRest(life.rows, machine);
    if (life.isSlice)
      estimate.largestSlice = std::max(estimate.largestSlice, life.rows);
    change[life.begin] += life.rows;
    change[life.end + 1] -= life.rows;
  }
  int64_t alive = 0;
  for (int64_t delta : change)
    estimate.peak = std::max(estimate.peak, alive += delta);
  return estimate;
}

/// Cycles of the array for a contraction: multiply-adds / PEs.
static double arrayCycles(tnn::ContractOp op, const Machine &machine) {
  // Every mode once: those of one operand, and what the other one adds.
  ArrayAttr known = op.getEinsum().getInputs()[0],
            others = op.getEinsum().getInputs()[1];
  double multiplyAdds =
      double(cast<RankedTensorType>(op.getLhs().getType()).getNumElements());
  for (auto [mode, size] : llvm::zip_equal(
           others, cast<RankedTensorType>(op.getRhs().getType()).getShape()))
    if (!llvm::is_contained(known, mode))
      multiplyAdds *= double(size);
  return multiplyAdds / double(machine.pes());
}

static double bytesOf(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  return tensor ? double(tensor.getNumElements()) *
                      (tensor.getElementType().isF32() ? 4 : 2)
                : 0;
}

double fetta::linkCycles(double bytes, const Machine &machine) {
  return bytes * double(machine.clockHz) / double(machine.dramBytesPerSecond);
}

static void addTurns(StepWork &work, func::FuncOp function,
                     const Machine &machine) {
  for (auto [number, type] : llvm::enumerate(function.getArgumentTypes())) {
    auto name =
        function.getArgAttrOfType<StringAttr>(unsigned(number), tnn::kNameAttr);
    if (!name || !name.getValue().starts_with("d_"))
      continue;
    // The result is stored, then its gradient is loaded.
    work.turn += 2 * linkCycles(bytesOf(type), machine);
    work.latency = 2 * double(machine.dramLatencyCycles);
  }
}

StepWork fetta::estimateWork(func::FuncOp function, const Machine &machine,
                             LinkModel link) {
  StepWork work;
  llvm::SmallDenseSet<Operation *> repeated;
  {
    // Whoever slices says what stands in the way.
    ScopedDiagnosticHandler quiet(function.getContext(),
                                  [](Diagnostic &) { return success(); });
    if (auto found = tnn::findRepeated(function); succeeded(found))
      repeated.insert_range(*found);
  }
  for (auto op : function.getOps<tnn::ContractOp>()) {
    ++work.contracts;
    double cycles = arrayCycles(op, machine);
    work.array += cycles;
    if (repeated.contains(op))
      work.repeated += cycles;
  }
  if (link == LinkModel::Ideal)
    return work;
  double bytes = 0;
  for (TypeRange types :
       {function.getArgumentTypes(), function.getResultTypes()})
    for (Type type : types)
      bytes += bytesOf(type);
  work.link = linkCycles(bytes, machine);
  addTurns(work, function, machine);
  return work;
}

/// What a function of few slices does: contractions, their cycles, and the
/// bytes of tiles, parameters and results that go to and from DRAM.
static StepWork workAsWritten(func::FuncOp function, const Machine &machine) {
  StepWork work;
  double bytes = 0;
  for (Operation &op : function.getBody().front()) {
    if (auto contract = dyn_cast<tnn::ContractOp>(op)) {
      ++work.contracts;
      work.array += arrayCycles(contract, machine);
    } else if (isa<tensor::ExtractSliceOp>(op)) {
      bytes += bytesOf(op.getResult(0).getType());
    } else if (isa<tensor::InsertSliceOp>(op)) {
      bytes += bytesOf(op.getOperand(0).getType());
    } else if (op.hasTrait<OpTrait::IsTerminator>()) {
      for (Value result : op.getOperands())
        if (!result.getDefiningOp<tensor::InsertSliceOp>())
          bytes += bytesOf(result.getType());
    }
  }
  for (Value argument : function.getArguments())
    if (!llvm::all_of(argument.getUsers(),
                      llvm::IsaPred<tensor::ExtractSliceOp>))
      bytes += bytesOf(argument.getType());
  work.link = linkCycles(bytes, machine);
  return work;
}

FailureOr<StepWork> fetta::estimateSlicedWork(const SlicedFunction &sliced,
                                              const Machine &machine,
                                              LinkModel link) {
  func::FuncOp function = sliced.function;
  ScopedDiagnosticHandler quiet(function->getContext(),
                                [](Diagnostic &) { return success(); });
  auto ofSlices = [&](int64_t sample) -> FailureOr<StepWork> {
    OwningOpRef<func::FuncOp> copy = function.clone();
    if (failed(tnn::sliceBatch(*copy, sliced.size, sample, /*classes=*/nullptr,
                               sliced.plan)))
      return failure();
    return workAsWritten(*copy, machine);
  };
  int64_t slices =
      llvm::divideCeil(tnn::getBatchSize(function).value_or(1), sliced.size);
  FailureOr<StepWork> few = ofSlices(tnn::kSliceSample);
  if (failed(few))
    return failure();
  if (slices > tnn::kSliceSample) {
    FailureOr<StepWork> more = ofSlices(tnn::kSliceSample + 1);
    if (failed(more))
      return failure();
    int64_t others = slices - tnn::kSliceSample;
    few->array += double(others) * (more->array - few->array);
    few->link += double(others) * (more->link - few->link);
    few->contracts += others * (more->contracts - few->contracts);
  }
  few->contracts = llvm::divideCeil(few->contracts, slices);
  if (link == LinkModel::Ideal)
    few->link = 0;
  else
    addTurns(*few, function, machine);
  return few;
}

double StepWork::cycles(int64_t slices, bool inTurn) const {
  // A contraction more takes some 15 cycles of loads and drains that nothing
  // hides, a slice some 60 of waiting for its own transfers (measured on the
  // worked example).
  constexpr double eachContract = 15, eachSlice = 60;
  double count = double(slices);
  double sliced = array + (count - 1) * repeated +
                  (slices > 1 ? count * double(contracts) * eachContract : 0);
  return std::max(sliced, link) + std::min(sliced, link) / count +
         count * eachSlice + (inTurn ? turn + count * latency : 0);
}

bool StepWork::repeatsMuch(int64_t slices) const {
  constexpr double kMuch = 0.02;
  double again = repeated * double(slices - 1), all = array + again;
  return all > link / 2 && again > kMuch * all;
}

StepWork &StepWork::operator+=(const StepWork &other) {
  array += other.array;
  repeated += other.repeated;
  link += other.link;
  contracts += other.contracts;
  turn += other.turn;
  latency += other.latency;
  return *this;
}
