//===- StreamWriter.cpp -----------------------------------------*- C++ -*-===//
//
// Part of Fetta, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "StreamWriter.h"
#include "SliceWriter.h"
#include "StaticSlices.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;
using namespace fetta::tnn;

static RankedTensorType tensorType(Value value) {
  return cast<RankedTensorType>(value.getType());
}

StreamWriter::StreamWriter(func::FuncOp function, const BatchAnalysis &batch,
                           int64_t size, int64_t sample, SliceClasses *classes,
                           const ModePlan &plan)
    : function(function), batch(batch), size(size), sample(sample),
      classes(classes), plan(plan), builder(function.getContext()) {
  SmallVector<Value> values(function.getArguments());
  for (Operation &op : function.getBody().front()) {
    llvm::append_range(values, op.getResults());
    if (auto contract = dyn_cast<ContractOp>(op))
      contracts.push_back(contract);
  }
  for (const Stream &stream : plan.streams)
    streams[values[stream.value].getDefiningOp()] = stream.tiles;
  assignLevels();
  makeStages();
}

//===----------------------------------------------------------------------===//
// Stages
//===----------------------------------------------------------------------===//

static bool isForward(Operation *op) {
  auto phase = op->getAttrOfType<StringAttr>(kPhaseAttr);
  return !phase || phase.getValue() == kPhaseForward;
}

void StreamWriter::assignLevels() {
  int lastForward = 0;
  for (ContractOp op : contracts) {
    bool isStream = streams.contains(op);
    int level = isForward(op) ? 0 : lastForward;
    for (Value operand : op->getOperands()) {
      auto source = getViewed(operand).getDefiningOp<ContractOp>();
      if (!source)
        continue;
      int before = levels.at(source);
      level = std::max(level, before + (before % 2));
    }
    levels[op] = level + isStream;
    if (isForward(op))
      lastForward = std::max(lastForward, level + 2 * isStream);
  }
}

double StreamWriter::workOf(Value value) const {
  auto op = value.getDefiningOp<ContractOp>();
  if (!op || inDram.contains(value) || batch.kindOf(value) == Kind::Whole)
    return 0;
  double work = double(op.getMultiplyAdds());
  for (Value operand : op->getOperands())
    work += workOf(getViewed(operand));
  return work;
}

/// Adds a contraction and what it needs: what has no batch or lies in DRAM is
/// an input, the rest of other stages is made again or comes through DRAM.
void StreamWriter::addTo(Slices &stage, int level, ContractOp op) {
  if (stage.ops.contains(op))
    return;
  for (Value operand : op->getOperands()) {
    Value root = getViewed(operand);
    auto source = root.getDefiningOp<ContractOp>();
    if (source && levels.at(source) == level)
      continue;
    constexpr double bytes = 2, ways = 2;
    if (source && !inDram.contains(root) &&
        batch.kindOf(root) == Kind::Sliced) {
      if (workOf(root) <= plan.workPerByte * bytes * ways *
                              double(tensorType(root).getNumElements())) {
        addTo(stage, level, source);
        continue;
      }
      inDram.insert(root);
    }
    stage.inputs.insert(root);
  }
  stage.ops.insert(op);
}

void StreamWriter::makeStages() {
  int last = 0;
  for (ContractOp op : contracts)
    last = std::max(last, levels.at(op));
  stages.resize(last / 2 + 1);
  for (ContractOp op : contracts)
    if (streams.contains(op)) {
      inDram.insert(op.getResult());
      for (Value operand : op->getOperands())
        inDram.insert(getViewed(operand));
    }
  Operation *terminator = function.getBody().front().getTerminator();
  for (Value operand : terminator->getOperands())
    inDram.insert(getViewed(operand));
  for (ContractOp op : contracts)
    if (!streams.contains(op))
      addTo(stages[levels.at(op) / 2], levels.at(op), op);
  for (auto [number, stage] : llvm::enumerate(stages)) {
    auto isOwn = [&, number = number](Operation *op) {
      return levels.at(op) == int(2 * number);
    };
    // What others need, and what is needed for that.
    llvm::DenseSet<Operation *> needed;
    for (Operation *op : llvm::reverse(stage.ops)) {
      Value result = op->getResult(0);
      bool isInput = inDram.contains(result) ||
                     llvm::any_of(stages, [&](const Slices &other) {
                       return other.inputs.contains(result);
                     });
      if (isOwn(op) && isInput)
        stage.results.insert(result);
      if (!stage.results.contains(result) && !needed.contains(op))
        continue;
      needed.insert(op);
      for (Value operand : op->getOperands())
        if (Operation *source = getViewed(operand).getDefiningOp())
          needed.insert(source);
    }
    stage.ops.remove_if([&](Operation *op) { return !needed.contains(op); });
  }
}

int64_t StreamWriter::countContractions() {
  int64_t slices = llvm::divideCeil(batch.getBatch(), size), total = 0;
  for (const Slices &stage : stages)
    for (Operation *op : stage.ops) {
      Kind kind = batch.kindOf(op->getResult(0));
      total += kind == Kind::Whole ? 1 : slices;
    }
  for (auto &[op, tiles] : streams) {
    int64_t count = 1;
    for (auto [size, tile] :
         llvm::zip_equal(cast<ContractOp>(op).getModeSizes(), tiles))
      count *= int64_t(llvm::divideCeil(size, tile));
    total += count;
  }
  return total;
}

//===----------------------------------------------------------------------===//
// Writing
//===----------------------------------------------------------------------===//

Value StreamWriter::get(Value value) {
  if (isa<BlockArgument>(value))
    return value;
  Value &known = written[value];
  if (known)
    return known;
  assert(isView(value.getDefiningOp()) && "contractions come in order");
  Value source = get(value.getDefiningOp()->getOperand(0));
  Operation *view = builder.clone(*value.getDefiningOp());
  view->setOperand(0, source);
  return written[value] = view->getResult(0);
}

StreamWriter::Part
StreamWriter::makePart(const llvm::SetVector<Operation *> &ops,
                       ArrayRef<Value> inputs, ArrayRef<Value> results) {
  auto typesOf = [](ArrayRef<Value> values) {
    return llvm::map_to_vector(values,
                               [](Value value) { return value.getType(); });
  };
  Part part{{}, SmallVector<Value>(inputs), SmallVector<Value>(results)};
  part.stage.function = func::FuncOp::create(
      function.getLoc(), function.getName(),
      builder.getFunctionType(typesOf(inputs), typesOf(results)));
  func::FuncOp made = *part.stage.function;
  part.stage.full = made.getFunctionType();
  Block *block = made.addEntryBlock();
  IRMapping copies;
  for (auto [input, argument] :
       llvm::zip_equal(inputs, block->getArguments())) {
    copies.map(input, argument);
    if (batch.kindOf(input) != Kind::Sliced)
      made.setArgAttr(argument.getArgNumber(), kRoleAttr,
                      builder.getStringAttr(kRoleParam));
  }
  OpBuilder inside = OpBuilder::atBlockEnd(block);
  for (Operation &op : function.getBody().front()) {
    // Views of what comes in, where they are looked at.
    bool isViewOfInput = isView(&op) && copies.contains(op.getOperand(0)) &&
                         !copies.contains(op.getResult(0));
    if (isViewOfInput || ops.contains(&op))
      inside.clone(op, copies);
  }
  for (Operation &op : llvm::make_early_inc_range(llvm::reverse(*block)))
    if (isView(&op) && op.use_empty())
      op.erase();
  func::ReturnOp::create(inside, function.getLoc(),
                         llvm::map_to_vector(results, [&](Value result) {
                           return copies.lookup(result);
                         }));
  return part;
}

LogicalResult StreamWriter::writeSlices(Part &part, size_t contractions,
                                        const StageSample &few) {
  func::FuncOp made = *part.stage.function;
  SmallVector<std::pair<BlockArgument, int64_t>> batches;
  for (auto [input, argument] :
       llvm::zip_equal(part.inputs, made.getArguments()))
    if (batch.kindOf(input) == Kind::Sliced)
      batches.push_back({argument, batch.dimensionOf(input)});
  std::optional<BatchAnalysis> kinds;
  auto analyze = [&]() {
    kinds.emplace(made);
    return kinds->run(batches);
  };
  if (failed(analyze()))
    return failure();
  if (batches.empty()) {
    kinds.reset();
  } else {
    const int64_t all = llvm::divideCeil(kinds->getBatch(), size);
    part.stage.iterations = part.stage.written = all;
    if (few.slices > 0 && all > few.slices && all >= few.worthSlices) {
      // The last slice is that of the whole batch.
      int64_t written = few.slices + (all - few.slices) % few.period;
      part.stage.written = written;
      resizeMode(made, kinds->getMode(),
                 kinds->getBatch() - (all - written) * size);
      if (failed(analyze()))
        return failure();
    }
  }
  SliceClasses own;
  SliceWriter(made, kinds ? &*kinds : nullptr, size, sample, &own, /*cuts=*/{},
              plan)
      .run();
  if (classes)
    for (auto &[op, kind] : own) {
      kind.contract += numbers;
      (*classes)[op] = std::move(kind);
    }
  numbers += unsigned(contractions);
  return success();
}

/// For all tiles of the modes `over`, the last one fastest.
static void forTiles(ArrayRef<unsigned> over, ArrayRef<int64_t> counts,
                     MutableArrayRef<int64_t> place,
                     llvm::function_ref<void()> body) {
  if (over.empty())
    return body();
  for (int64_t tile = 0; tile < counts[over.front()]; ++tile) {
    place[over.front()] = tile;
    forTiles(over.drop_front(), counts, place, body);
  }
}

/// Gives a dimension of a value another size, as a mode of the whole function;
/// false where it cannot be followed.
static bool resizeDimension(func::FuncOp function, Value value,
                            int64_t dimension, int64_t size) {
  ScopedDiagnosticHandler quiet(function.getContext(),
                                [](Diagnostic &) { return success(); });
  ModeDimensions mode(function, "the mode", ModeDimensions::Splits::Refuse);
  if (failed(mode.follow(value, dimension)))
    return false;
  resizeMode(function, mode, size);
  return true;
}

void StreamWriter::writeStream(Part &part, ArrayRef<int64_t> tiles,
                               const StageSample &few) {
  func::FuncOp made = *part.stage.function;
  ContractOp op = *made.getBody().front().getOps<ContractOp>().begin();
  OpBuilder builder(op);
  EinsumAttr einsum = op.getEinsum();
  SmallVector<StringAttr> modes = einsum.getModes();
  std::array<SmallVector<unsigned, 8>, 3> modesOf;
  for (unsigned id = 0; id < 3; ++id)
    for (StringAttr mode :
         id == 2 ? einsum.getOutputModes() : einsum.getInputModes(id))
      modesOf[id].push_back(unsigned(llvm::find(modes, mode) - modes.begin()));
  SmallVector<int64_t> sizes, counts, place(modes.size(), 0);
  auto count = [&]() {
    sizes = SmallVector<int64_t>(op.getModeSizes());
    counts.clear();
    for (auto [size, tile] : llvm::zip_equal(sizes, tiles))
      counts.push_back(int64_t(llvm::divideCeil(size, tile)));
  };
  count();
  auto *outer = llvm::find_if(modesOf[2],
                              [&](unsigned mode) { return counts[mode] > 1; });
  if (outer != modesOf[2].end()) {
    const int64_t turns = counts[*outer];
    part.stage.iterations = part.stage.written = turns;
    // The last tile is that of the whole mode.
    if (few.turns > 0 && turns > few.turns && turns >= few.worthTurns &&
        resizeDimension(made, op.getResult(), outer - modesOf[2].begin(),
                        sizes[*outer] - (turns - few.turns) * tiles[*outer])) {
      part.stage.written = few.turns;
      count();
      part.stage.contractsPerIteration =
          llvm::product_of(counts) / counts[*outer];
    }
  }
  SmallVector<unsigned> summed;
  for (unsigned mode = 0; mode < modes.size(); ++mode)
    if (!llvm::is_contained(modesOf[2], mode))
      summed.push_back(mode);

  // Contractions in order. A sample has results at the edges, where tiles may
  // be smaller, and enough others to have all that is ever alive.
  struct Step {
    SmallVector<int64_t> place;
    bool isFirst, isLast;
  };
  std::vector<Step> steps;
  constexpr int64_t kSampleTiles = 4;
  int64_t result = -1;
  forTiles(modesOf[2], counts, place, [&]() {
    ++result;
    if (sample > 0 && result >= kSampleTiles &&
        !llvm::all_of(modesOf[2], [&](unsigned mode) {
          return place[mode] == 0 || place[mode] + 1 == counts[mode];
        }))
      return;
    size_t first = steps.size();
    forTiles(summed, counts, place,
             [&]() { steps.push_back({place, false, false}); });
    steps[first].isFirst = steps.back().isLast = true;
  });

  Location loc = op.getLoc();
  auto rectangle = [&](unsigned id, const Step &step) {
    SmallVector<int64_t> offsets, lengths;
    for (unsigned mode : modesOf[id]) {
      offsets.push_back(step.place[mode] * tiles[mode]);
      lengths.push_back(std::min(tiles[mode], sizes[mode] - offsets.back()));
    }
    return std::pair(offsets, lengths);
  };
  SmallVector<int64_t> lastOffsets[2];
  Value last[2];
  auto tilesOf = [&](const Step &step) {
    for (unsigned id = 0; id < 2; ++id) {
      auto [offsets, lengths] = rectangle(id, step);
      // Not from sum to sum: these may be of other classes, and other layouts.
      if (last[id] && !step.isFirst && lastOffsets[id] == offsets)
        continue;
      last[id] =
          extractSlice(builder, loc, op->getOperand(id), offsets, lengths);
      lastOffsets[id] = offsets;
    }
    return std::pair(last[0], last[1]);
  };
  RankedTensorType type = tensorType(op.getResult());
  Value into = tensor::EmptyOp::create(builder, loc, type.getShape(),
                                       type.getElementType());
  Value sum;
  std::pair<Value, Value> next = tilesOf(steps.front());
  for (auto [number, step] : llvm::enumerate(steps)) {
    // The next tiles come in while these are contracted.
    auto [lhs, rhs] = next;
    if (number + 1 < steps.size())
      next = tilesOf(steps[number + 1]);
    auto [offsets, lengths] = rectangle(2, step);
    RankedTensorType part = type.clone(lengths);
    if (!step.isLast)
      part = part.clone(builder.getF32Type());
    auto contract = ContractOp::create(builder, loc, part, lhs, rhs,
                                       step.isFirst ? Value() : sum, einsum);
    contract->setDiscardableAttrs(op->getDiscardableAttrDictionary());
    if (classes) {
      SliceClass &kind = (*classes)[contract];
      kind.contract = numbers;
      for (auto [at, size, tile] : llvm::zip_equal(step.place, sizes, tiles))
        kind.sizes.push_back(std::min(tile, size - at * tile));
      kind.continues = !step.isFirst;
      kind.goesOn = !step.isLast;
    }
    sum = contract;
    if (!step.isLast)
      continue;
    into = insertSlice(builder, loc, sum, into, offsets);
  }
  ++numbers;
  op.getResult().replaceAllUsesWith(into);
  op.erase();
}

FailureOr<std::vector<StreamWriter::Part>>
StreamWriter::writeParts(const StageSample &few) {
  std::vector<Part> parts;
  for (auto [number, stage] : llvm::enumerate(stages)) {
    if (!stage.ops.empty()) {
      parts.push_back(makePart(stage.ops, stage.inputs.getArrayRef(),
                               stage.results.getArrayRef()));
      if (failed(writeSlices(parts.back(), stage.ops.size(), few)))
        return failure();
    }
    for (ContractOp op : contracts) {
      if (levels.at(op) != int(2 * number + 1))
        continue;
      llvm::SetVector<Operation *> alone;
      alone.insert(op);
      llvm::SetVector<Value> inputs;
      for (Value operand : op->getOperands())
        inputs.insert(getViewed(operand));
      parts.push_back(makePart(alone, inputs.getArrayRef(), op.getResult()));
      writeStream(parts.back(), streams.at(op), few);
    }
  }
  return parts;
}

LogicalResult StreamWriter::run() {
  FailureOr<std::vector<Part>> parts = writeParts(StageSample());
  if (failed(parts))
    return failure();
  Block &block = function.getBody().front();
  Operation *terminator = block.getTerminator();
  SmallVector<Operation *> old;
  for (Operation &op : block.without_terminator())
    old.push_back(&op);
  builder.setInsertionPoint(terminator);
  for (Part &part : *parts) {
    Block &made = part.stage.function->getBody().front();
    Operation *end = made.getTerminator();
    for (auto [result, now] : llvm::zip_equal(part.results, end->getOperands()))
      written[result] = now;
    end->erase();
    for (auto [input, argument] :
         llvm::zip_equal(part.inputs, made.getArguments()))
      argument.replaceAllUsesWith(get(input));
    block.getOperations().splice(terminator->getIterator(),
                                 made.getOperations());
  }
  for (OpOperand &operand : terminator->getOpOperands())
    operand.set(get(operand.get()));
  for (Operation *op : llvm::reverse(old))
    if (op->use_empty())
      op->erase();
  return success();
}
