//===- JoinStages.cpp -------------------------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "JoinStages.h"

#include "StageTokens.h"
#include "fetta/Schedule/TokenPlan.h"
#include "fetta/Support/Error.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace fetta;
using namespace fetta::hw;

namespace {

class Joiner {
public:
  Joiner(func::FuncOp function, ArrayRef<StagePart> stages,
         ArrayRef<tnn::StageValue> results)
      : function(function), stages(stages), results(results) {}

  /// Checks everything and changes nothing.
  llvm::Error plan();
  void join();

private:
  using Queues = StageTokens::Queues;

  Block &blockOf(size_t stage) const {
    func::FuncOp part = stages[stage].function;
    return part.getBody().front();
  }
  RankedTensorType typeOf(const tnn::StageValue &value);
  llvm::Error checkStage(size_t number);
  llvm::Error checkLoads(size_t number);
  llvm::Error checkResults();
  llvm::Error planSemaphores();
  unsigned semaphore(QueueKind from, QueueKind to) const {
    return semaphores.at({unsigned(from), unsigned(to)}).front();
  }

  void renumber(size_t stage);
  void signalEnd(size_t stage);
  void awaitStageBefore(size_t stage);

  func::FuncOp function;
  ArrayRef<StagePart> stages;
  ArrayRef<tnn::StageValue> results;
  std::vector<StageTokens> tokens; ///< By stage.
  SmallVector<size_t> busy;        ///< Stages that have instructions.
  /// The semaphores between each two queues, of all stages.
  std::map<Queues, SmallVector<unsigned, 2>> semaphores;
  /// The type as which an argument of the function is loaded.
  llvm::DenseMap<unsigned, Type> loadedAs;
};

} // namespace

//===----------------------------------------------------------------------===//
// Checks
//===----------------------------------------------------------------------===//

/// Whether a value is the end of a chain of stores.
static bool isStored(Value value) {
  if (auto repeat = value.getDefiningOp<RepeatOp>())
    return !cast<RankedTensorType>(value.getType()).getEncoding();
  return bool(value.getDefiningOp<StoreOp>());
}

RankedTensorType Joiner::typeOf(const tnn::StageValue &value) {
  Type type = value.stage ? blockOf(*value.stage)
                                .getTerminator()
                                ->getOperand(value.number)
                                .getType()
                          : function.getFunctionType().getInput(value.number);
  return dyn_cast<RankedTensorType>(type);
}

llvm::Error Joiner::checkStage(size_t number) {
  auto [part, arguments] = stages[number];
  if (part->getParentOp() != function->getParentOp() || part == function)
    return makeError("it is no other function of the same module");
  if (!part.getBody().hasOneBlock())
    return makeError("a program is straight-line code, and it has {0} blocks",
                     part.getBody().getBlocks().size());
  if (part.getNumArguments() != arguments.size())
    return makeError("{0} sources are given for its {1} arguments",
                     arguments.size(), part.getNumArguments());
  Block &block = blockOf(number);
  for (Operation &op : block)
    if (isa<PlaceOp, CollectOp>(op))
      return makeError("{0} keeps an argument or result in tensor memory; "
                       "stages hand over regions in DRAM",
                       op.getName().getStringRef());
  for (auto [index, value] :
       llvm::enumerate(block.getTerminator()->getOperands()))
    if (!isStored(value))
      return makeError("result #{0} should come from fetta.store", index);
  if (llvm::Error error = checkLoads(number))
    return error;
  llvm::Expected<StageTokens> own = StageTokens::find(block);
  if (!own)
    return own.takeError();
  // The stages before are done when the load queue begins, and so they are for
  // what follows loads. Stores follow these or contractions.
  if (!own->beginsAfter(QueueKind::Contract, QueueKind::Load))
    return makeError("its first contraction waits for no load");
  if (!own->isEmpty())
    busy.push_back(number);
  tokens.push_back(std::move(*own));
  return llvm::Error::success();
}

/// Arguments have sources, and what loads from them may load from these.
llvm::Error Joiner::checkLoads(size_t number) {
  for (auto [argument, source] : llvm::zip_equal(blockOf(number).getArguments(),
                                                 stages[number].arguments)) {
    const unsigned index = argument.getArgNumber();
    if (source.stage && *source.stage >= number)
      return makeError("argument #{0} is a result of stage {1}, which does not "
                       "come before it",
                       index, *source.stage);
    const size_t count =
        source.stage ? blockOf(*source.stage).getTerminator()->getNumOperands()
                     : function.getNumArguments();
    if (source.number >= count)
      return makeError("argument #{0} is number {1} of {2} values", index,
                       source.number, count);
    auto type = dyn_cast<RankedTensorType>(argument.getType());
    RankedTensorType from = typeOf(source);
    if (!type || !from || type.getNumElements() != from.getNumElements())
      return makeError("argument #{0} of type {1} cannot be {2}", index,
                       argument.getType(), from);
    for (Operation *user : argument.getUsers()) {
      auto load = dyn_cast<LoadOp>(user);
      if (!load)
        return makeError("{0} reads argument #{1}; only fetta.load may",
                         user->getName().getStringRef(), index);
      Type element = load.getType().getElementType();
      // The host rounds an f32 argument that the machine keeps as bf16.
      bool isRounded = !source.stage && from.getElementType().isF32();
      if (element != from.getElementType() && !isRounded)
        return makeError("argument #{0} is loaded as {1} and comes as {2}",
                         index, element, from.getElementType());
      if (source.stage)
        continue;
      Type before = loadedAs.try_emplace(source.number, element).first->second;
      if (before != element)
        return makeError("argument #{0} is loaded as {1}, before as {2}", index,
                         element, before);
    }
  }
  return llvm::Error::success();
}

llvm::Error Joiner::checkResults() {
  FunctionType type = function.getFunctionType();
  if (results.size() != type.getNumResults())
    return makeError("{0} values are given for {1} results of the function",
                     results.size(), type.getNumResults());
  for (auto [index, value] : llvm::enumerate(results)) {
    if (!value.stage || *value.stage >= stages.size() ||
        value.number >= blockOf(*value.stage).getTerminator()->getNumOperands())
      return makeError("result #{0} of the function is no result of a stage",
                       index);
    RankedTensorType from = typeOf(value);
    auto to = dyn_cast<RankedTensorType>(type.getResult(index));
    if (!to || to.getElementType() != from.getElementType() ||
        to.getNumElements() != from.getNumElements())
      return makeError("result #{0} of the function of type {1} cannot be {2}",
                       index, type.getResult(index), from);
    auto region = [&](const tnn::StageValue &of) {
      return blockOf(*of.stage).getTerminator()->getOperand(of.number);
    };
    for (size_t other = 0; other < index; ++other)
      if (region(results[other]) == region(value))
        return makeError("results #{0} and #{1} of the function are one region",
                         other, index);
  }
  return llvm::Error::success();
}

/// Whether all contractions are done when the last store is. What is loaded by
/// the next stage comes behind other loads anyway.
static bool isDoneWithStores(const StageTokens &tokens) {
  return tokens.endsBefore(QueueKind::Contract, QueueKind::Store);
}

/// Tokens between two queues are taken in the order in which they are given, so
/// stages can share a semaphore. The first one between two queues is that of
/// `semaphoreBetween`, others have numbers that are left.
llvm::Error Joiner::planSemaphores() {
  std::map<Queues, size_t> counts;
  auto need = [&](QueueKind from, QueueKind to) {
    size_t &count = counts[{unsigned(from), unsigned(to)}];
    count = std::max<size_t>(count, 1);
  };
  for (const StageTokens &own : tokens)
    for (const auto &[queues, numbers] : own.semaphoresBetween())
      counts[queues] = std::max(counts[queues], numbers.size());
  if (busy.size() > 1)
    need(QueueKind::Store, QueueKind::Load);
  for (const StageTokens &own : tokens)
    if (!isDoneWithStores(own))
      need(QueueKind::Contract, QueueKind::Store);
  size_t all = 0;
  std::array<bool, SemaphoreCount> taken = {};
  for (auto [queues, count] : counts) {
    all += count;
    taken[semaphoreBetween(queues.first, queues.second)] = true;
    semaphores[queues] = {semaphoreBetween(queues.first, queues.second)};
  }
  if (all > SemaphoreCount)
    return makeError("the stages need {0} semaphores together, there are {1}; "
                     "use fewer slices",
                     all, SemaphoreCount);
  // Those of pairs of queues that need none come last.
  SmallVector<unsigned> free;
  const unsigned pairs = QueueCount * (QueueCount - 1);
  for (unsigned i = 0; i < SemaphoreCount; ++i)
    if (unsigned number = (i + pairs) % SemaphoreCount; !taken[number])
      free.push_back(number);
  std::reverse(free.begin(), free.end());
  for (auto [queues, count] : counts)
    while (semaphores[queues].size() < count)
      semaphores[queues].push_back(free.pop_back_val());
  return llvm::Error::success();
}

llvm::Error Joiner::plan() {
  for (size_t i = 0; i < stages.size(); ++i)
    if (llvm::Error error = checkStage(i)) {
      func::FuncOp part = stages[i].function;
      return addErrorContext(
          llvm::formatv("stage {0} ('{1}')", i, part.getName()).str(),
          std::move(error));
    }
  if (llvm::Error error = checkResults())
    return error;
  return planSemaphores();
}

//===----------------------------------------------------------------------===//
// Rewriting
//===----------------------------------------------------------------------===//

/// Gives a region another shape, from the first of its chain of stores to
/// `value`, the last one: places in a region do not depend on it.
static void reshapeRegion(Value value, RankedTensorType type) {
  while (value.getType() != type) {
    value.setType(type);
    OpOperand *before;
    if (auto store = value.getDefiningOp<StoreOp>()) {
      before = &store.getIntoMutable();
    } else {
      auto repeat = cast<RepeatOp>(value.getDefiningOp());
      unsigned number = cast<OpResult>(value).getResultNumber();
      BlockArgument argument = repeat.getBody()->getArgument(number);
      for (Value inner = repeat.getYield().getValues()[number];
           inner != argument; inner = inner.getDefiningOp<StoreOp>().getInto())
        inner.setType(type);
      argument.setType(type);
      before = &repeat.getInitsMutable()[number];
    }
    value = before->get();
    // Of this region alone; others may begin with the same operation.
    if (auto empty = value.getDefiningOp<tensor::EmptyOp>()) {
      OpBuilder builder(empty);
      before->set(tensor::EmptyOp::create(
          builder, empty.getLoc(), type.getShape(), type.getElementType()));
      if (empty.use_empty())
        empty.erase();
      return;
    }
  }
}

void Joiner::renumber(size_t stage) {
  std::array<unsigned, SemaphoreCount> numbers = {};
  for (const auto &[queues, own] : tokens[stage].semaphoresBetween())
    for (auto [before, after] : llvm::zip(own, semaphores.at(queues)))
      numbers[before] = after;
  llvm::DenseMap<SyncAttr, SyncAttr> known;
  auto convert = [&](ArrayRef<Token> list) {
    SmallVector<Token> result;
    for (const Token &token : list)
      result.push_back({numbers[token.semaphore], token.count});
    return result;
  };
  blockOf(stage).walk([&](Operation *op) {
    SyncAttr sync = getSync(op);
    if (!sync)
      return;
    SyncAttr &other = known[sync];
    if (!other)
      other = SyncAttr::get(op->getContext(), convert(sync.getWaits()),
                            convert(sync.getSignals()));
    setSync(op, other);
  });
}

static void addSync(OpBuilder &builder, Location location, QueueKind queue,
                    ArrayRef<unsigned> waits, ArrayRef<unsigned> signals) {
  auto list = [](ArrayRef<unsigned> numbers) {
    SmallVector<Token> result;
    for (unsigned number : numbers)
      result.push_back({number, 1});
    return result;
  };
  SyncOp::create(
      builder, location, queue,
      SyncAttr::get(builder.getContext(), list(waits), list(signals)));
}

/// Lets an instruction of the block itself, not of a repeat, wait or signal.
static bool addTokenIn(Block &block, Operation *op, unsigned semaphore,
                       bool isSignal) {
  return op && op->getBlock() == &block && addToken(op, semaphore, isSignal);
}

void Joiner::signalEnd(size_t stage) {
  Block &block = blockOf(stage);
  const unsigned end = semaphore(QueueKind::Store, QueueKind::Load);
  const bool isDone = isDoneWithStores(tokens[stage]);
  if (isDone && addTokenIn(block, tokens[stage].last(QueueKind::Store), end,
                           /*isSignal=*/true))
    return;
  OpBuilder builder(block.getTerminator());
  Location location = block.getTerminator()->getLoc();
  SmallVector<unsigned> waits;
  if (!isDone) {
    waits = {semaphore(QueueKind::Contract, QueueKind::Store)};
    addSync(builder, location, QueueKind::Contract, {}, waits);
  }
  addSync(builder, location, QueueKind::Store, waits, end);
}

void Joiner::awaitStageBefore(size_t stage) {
  Block &block = blockOf(stage);
  const unsigned end = semaphore(QueueKind::Store, QueueKind::Load);
  if (addTokenIn(block, tokens[stage].first(QueueKind::Load), end,
                 /*isSignal=*/false))
    return;
  auto builder = OpBuilder::atBlockBegin(&block);
  addSync(builder, block.front().getLoc(), QueueKind::Load, end, {});
}

void Joiner::join() {
  for (auto [number, own] : llvm::enumerate(tokens))
    if (!own.isEmpty())
      renumber(number);
  for (size_t i = 0; i + 1 < busy.size(); ++i) {
    signalEnd(busy[i]);
    awaitStageBefore(busy[i + 1]);
  }

  SmallVector<Location> locations(function.getNumArguments(),
                                  function.getLoc());
  if (!function.isExternal())
    for (BlockArgument argument : function.getArguments())
      locations[argument.getArgNumber()] = argument.getLoc();
  function.eraseBody();
  Block &body = function.getBody().emplaceBlock();
  body.addArguments(function.getFunctionType().getInputs(), locations);
  std::vector<SmallVector<Value>> stored(stages.size());
  auto valueOf = [&](const tnn::StageValue &value) -> Value {
    return value.stage ? stored[*value.stage][value.number]
                       : body.getArgument(value.number);
  };
  for (auto [number, stage] : llvm::enumerate(stages)) {
    Block &block = blockOf(number);
    for (auto [argument, source] :
         llvm::zip_equal(block.getArguments(), stage.arguments))
      argument.replaceAllUsesWith(valueOf(source));
    Operation *terminator = block.getTerminator();
    llvm::append_range(stored[number], terminator->getOperands());
    terminator->erase();
    body.getOperations().splice(body.end(), block.getOperations());
  }
  SmallVector<Value> returned;
  for (auto [value, type] :
       llvm::zip_equal(results, function.getFunctionType().getResults())) {
    returned.push_back(valueOf(value));
    reshapeRegion(returned.back(), cast<RankedTensorType>(type));
  }
  auto builder = OpBuilder::atBlockEnd(&body);
  func::ReturnOp::create(builder, function.getLoc(), returned);
  for (const StagePart &stage : stages) {
    func::FuncOp part = stage.function;
    part.erase();
  }
}

llvm::Error fetta::hw::joinStages(func::FuncOp function,
                                  ArrayRef<StagePart> stages,
                                  ArrayRef<tnn::StageValue> results) {
  Joiner joiner(function, stages, results);
  if (llvm::Error error = joiner.plan())
    return error;
  joiner.join();
  return llvm::Error::success();
}
