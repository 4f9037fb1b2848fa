//===- RollSlices.cpp - Repeats from slices -------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Dialect/Fetta/Transforms/RollSlices.h"

#include "fetta/Dialect/Fetta/Transforms/Passes.h"
#include "fetta/Dialect/Fetta/Transforms/ProgramOrder.h"
#include "fetta/Schedule/SteadyState.h"
#include "fetta/Support/Error.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/OperationSupport.h"
#include "llvm/ADT/TypeSwitch.h"

#include <map>
#include <set>

namespace fetta::hw {
#define GEN_PASS_DEF_FETTAROLLSLICESPASS
#include "fetta/Dialect/Fetta/Transforms/Passes.h.inc"
} // namespace fetta::hw

using namespace mlir;
using namespace fetta;
using namespace fetta::hw;

static Value withoutViews(Value value) {
  while (auto relabel = value.getDefiningOp<RelabelOp>())
    value = relabel.getSource();
  return value;
}

/// What comes before every repeat that it stands in: regions, what the host
/// places, views. They are no instructions.
static bool canStandBefore(Operation *op) {
  return isa<RelabelOp, PlaceOp, tensor::EmptyOp>(op) ||
         op->hasTrait<OpTrait::ConstantLike>();
}

//===----------------------------------------------------------------------===//
// Operations as steps of a schedule
//===----------------------------------------------------------------------===//

/// Calls `body` with the properties of an instruction, but for where a
/// transfer begins.
template <typename Result, typename Function>
static Result withProperties(Operation *op, Function body) {
  return llvm::TypeSwitch<Operation *, Result>(op)
      .Case([&](LoadOp op) { return body(op); })
      .Case([&](StoreOp op) { return body(op); })
      .Case([&](ContractOp op) { return body(op); })
      .Case([&](SyncOp op) { return body(op); });
}
template <typename Op> static auto propertiesOf(Op op) {
  auto properties = op.getProperties();
  if constexpr (llvm::is_one_of<Op, LoadOp, StoreOp>::value)
    properties.at = {};
  return properties;
}

namespace {

/// Numbers instructions by what they do, but for which values they work on and
/// where a transfer begins.
class StepKinds {
public:
  uint32_t number(Operation *op);
  uint32_t numberOfOther() { return next++; }

private:
  size_t hash(Operation *op);
  bool isAlike(Operation *a, Operation *b);
  /// Where a contraction came from, if it does not say so itself.
  StringAttr originOf(Operation *op);

  HomeFinder homes;
  llvm::DenseMap<size_t, llvm::SmallVector<std::pair<Operation *, uint32_t>, 1>>
      known;
  llvm::DenseMap<Location, StringAttr> origins;
  uint32_t next = 0;
};

/// The instructions of a block as steps.
struct BlockSteps {
  llvm::SmallVector<Operation *> ops;
  std::vector<PeriodicStep> steps; ///< As `ops`.
  llvm::DenseMap<Operation *, int64_t> numbers;

  explicit BlockSteps(Block &block);
};

/// Rewrites a steady state.
class Roller {
public:
  Roller(const BlockSteps &steps, SteadyState state)
      : ops(steps.ops), steps(steps), state(state) {}

  /// What is carried; an error where that is not possible.
  llvm::Error plan();
  RepeatOp roll();

private:
  llvm::Error planUsesBehind();
  /// The step of the steady state that makes a value or what it is a view of.
  std::optional<size_t> findStep(Value value) const;
  void writeBody(RepeatOp repeat);
  void useResultsBehind(RepeatOp repeat);
  /// The value that stands for `value` in a copy: views of mapped values are
  /// written anew, if `canCopy` says so.
  Value map(OpBuilder &builder, IRMapping &mapping, Value value,
            llvm::function_ref<bool(Operation *)> canCopy);
  Value initOf(size_t b) const {
    return ops[state.begin + b - state.period]->getResult(0);
  }

  llvm::ArrayRef<Operation *> ops;
  const BlockSteps &steps;
  SteadyState state;
  std::set<size_t> carried; ///< Steps of the period.
  /// Other operations among the steps of the steady state.
  llvm::SmallVector<Operation *> others;
};

} // namespace

StringAttr StepKinds::originOf(Operation *op) {
  auto contract = dyn_cast<ContractOp>(op);
  if (!contract || contract.getOriginAttr())
    return {};
  auto [it, isNew] = origins.try_emplace(op->getLoc());
  if (isNew)
    it->second = StringAttr::get(op->getContext(), getOrigin(op->getLoc()));
  return it->second;
}

size_t StepKinds::hash(Operation *op) {
  llvm::hash_code code = llvm::hash_combine(
      op->getName(), op->getDiscardableAttrDictionary(), originOf(op),
      withProperties<llvm::hash_code>(op, [](auto op) {
        return decltype(op)::computePropertiesHash(propertiesOf(op));
      }));
  for (Type type : op->getResultTypes())
    code = llvm::hash_combine(code, type);
  for (Value operand : op->getOperands())
    code = llvm::hash_combine(code, operand.getType(), homes.getHome(operand),
                              withoutViews(operand).getType());
  return code;
}

bool StepKinds::isAlike(Operation *a, Operation *b) {
  auto isSameOperand = [&](Value x, Value y) {
    return x.getType() == y.getType() &&
           withoutViews(x).getType() == withoutViews(y).getType() &&
           homes.getHome(x) == homes.getHome(y);
  };
  return a->getName() == b->getName() &&
         a->getNumOperands() == b->getNumOperands() &&
         a->getDiscardableAttrDictionary() ==
             b->getDiscardableAttrDictionary() &&
         llvm::equal(a->getResultTypes(), b->getResultTypes()) &&
         originOf(a) == originOf(b) &&
         withProperties<bool>(a,
                              [&](auto op) {
                                return propertiesOf(op) ==
                                       propertiesOf(cast<decltype(op)>(b));
                              }) &&
         llvm::all_of_zip(a->getOperands(), b->getOperands(), isSameOperand);
}

uint32_t StepKinds::number(Operation *op) {
  // The map keeps its largest keys for itself.
  auto &alike = known[hash(op) >> 1];
  for (auto [other, kind] : alike)
    if (isAlike(op, other))
      return kind;
  alike.push_back({op, next});
  return next++;
}

BlockSteps::BlockSteps(Block &block) {
  StepKinds kinds;
  llvm::DenseMap<Value, int64_t> outside;
  for (Operation &op : block.without_terminator()) {
    if (canStandBefore(&op))
      continue;
    PeriodicStep step;
    bool isOne = isInstruction(&op);
    step.kind = isOne ? kinds.number(&op) : kinds.numberOfOther();
    for (Value operand : op.getOperands()) {
      Value source = withoutViews(operand);
      auto it = numbers.find(source.getDefiningOp());
      step.sources.push_back(
          it != numbers.end()
              ? it->second
              : outside.try_emplace(source, -1 - int64_t(outside.size()))
                    .first->second);
    }
    if (auto load = dyn_cast<LoadOp>(op)) {
      step.offset = load.getAt();
    } else if (auto store = dyn_cast<StoreOp>(op)) {
      step.offset = store.getAt();
      // A chain goes on, or begins anew with each tensor.empty.
      step.chained = 1u << store.getIntoMutable().getOperandNumber();
    }
    numbers[&op] = int64_t(ops.size());
    ops.push_back(&op);
    steps.push_back(std::move(step));
  }
}

//===----------------------------------------------------------------------===//
// Rewriting
//===----------------------------------------------------------------------===//

std::optional<size_t> Roller::findStep(Value value) const {
  auto it = steps.numbers.find(withoutViews(value).getDefiningOp());
  if (it == steps.numbers.end() || it->second < int64_t(state.begin) ||
      it->second >= int64_t(state.end()))
    return std::nullopt;
  return size_t(it->second);
}

llvm::Error Roller::planUsesBehind() {
  for (Operation *op = ops[state.end() - 1]->getNextNode(); op;
       op = op->getNextNode())
    for (Value operand : op->getOperands())
      if (std::optional<size_t> step = findStep(operand)) {
        if (*step + state.period < state.end())
          return makeError("a value of an earlier period is needed behind the "
                           "last one");
        carried.insert((*step - state.begin) % state.period);
      }
  return llvm::Error::success();
}

llvm::Error Roller::plan() {
  // What the first period takes from before it, and the second from the first.
  for (size_t i = state.begin; i < state.begin + state.period; ++i)
    for (auto [now, later] : llvm::zip_equal(
             steps.steps[i].sources, steps.steps[i + state.period].sources))
      if (now != later && now < int64_t(state.begin))
        carried.insert(size_t(now) + state.period - state.begin);
  if (llvm::Error error = planUsesBehind())
    return error;
  HomeFinder homes;
  for (size_t b : carried) {
    Value result = ops[state.begin + b]->getResult(0);
    if (state.begin + b < state.period ||
        initOf(b).getType() != result.getType() ||
        homes.getHome(initOf(b)) != homes.getHome(result))
      return makeError("what is needed behind the last period has no like "
                       "before the first");
  }
  for (Operation *op = ops[state.begin]; op != ops[state.end() - 1];
       op = op->getNextNode())
    if (!steps.numbers.contains(op))
      others.push_back(op);
  return llvm::Error::success();
}

Value Roller::map(OpBuilder &builder, IRMapping &mapping, Value value,
                  llvm::function_ref<bool(Operation *)> canCopy) {
  if (Value known = mapping.lookupOrNull(value))
    return known;
  auto relabel = value.getDefiningOp<RelabelOp>();
  if (!relabel || !mapping.contains(withoutViews(value)) || !canCopy(relabel))
    return value;
  Value source = map(builder, mapping, relabel.getSource(), canCopy);
  auto copy =
      RelabelOp::create(builder, relabel.getLoc(), relabel.getType(), source);
  mapping.map(value, copy.getResult());
  return copy;
}

/// Views of `value` that nothing reads: those that another period read.
static void eraseUnusedViews(Value value) {
  for (Operation *user : llvm::make_early_inc_range(value.getUsers()))
    if (isa<RelabelOp>(user)) {
      eraseUnusedViews(user->getResult(0));
      if (user->use_empty())
        user->erase();
    }
}

void Roller::writeBody(RepeatOp repeat) {
  auto builder = OpBuilder::atBlockEnd(&repeat.getRegion().front());
  IRMapping mapping;
  for (auto [number, b] : llvm::enumerate(carried))
    mapping.map(initOf(b), repeat.getRegion().getArgument(number));
  auto always = [](Operation *) { return true; };
  Operation *end = ops[state.begin + state.period];
  for (Operation *op = ops[state.begin]; op != end; op = op->getNextNode()) {
    if (isa<RelabelOp>(op)) {
      // Where it stands, though the first use might write it, too.
      map(builder, mapping, op->getResult(0), always);
      continue;
    }
    SmallVector<Value> operands;
    for (Value operand : op->getOperands())
      operands.push_back(map(builder, mapping, operand, always));
    Operation *copy = builder.insert(op->clone());
    copy->setOperands(operands);
    mapping.map(op->getResults(), copy->getResults());
    size_t i = steps.numbers.at(op);
    int64_t advance =
        steps.steps[i + state.period].offset - steps.steps[i].offset;
    if (advance == 0)
      continue;
    llvm::TypeSwitch<Operation *>(copy).Case<LoadOp, StoreOp>(
        [&](auto transfer) {
          transfer.setAdvanceAttr(builder.getI64IntegerAttr(advance));
        });
  }
  SmallVector<Value> yielded;
  for (size_t b : carried)
    yielded.push_back(mapping.lookup(ops[state.begin + b]->getResult(0)));
  for (Value value : yielded)
    eraseUnusedViews(value);
  YieldOp::create(builder, repeat.getLoc(), yielded);
}

void Roller::useResultsBehind(RepeatOp repeat) {
  OpBuilder builder(repeat->getContext());
  builder.setInsertionPointAfter(ops[state.end() - 1]);
  IRMapping mapping;
  for (auto [number, b] : llvm::enumerate(carried))
    mapping.map(ops[state.end() - state.period + b]->getResult(0),
                repeat.getResult(number));
  llvm::SmallPtrSet<Operation *, 16> within(others.begin(), others.end());
  auto isWithin = [&](Operation *op) { return within.contains(op); };
  for (Operation *op = ops[state.end() - 1]->getNextNode(); op;
       op = op->getNextNode())
    for (OpOperand &operand : op->getOpOperands())
      operand.set(map(builder, mapping, operand.get(), isWithin));
}

RepeatOp Roller::roll() {
  Operation *first = ops[state.begin], *last = ops[state.end() - 1];
  for (Operation *op : others)
    if (!isa<RelabelOp>(op) || !findStep(op->getResult(0)))
      op->moveBefore(first);
  SmallVector<Value> inits;
  for (size_t b : carried)
    inits.push_back(initOf(b));
  OpBuilder builder(first);
  auto repeat =
      RepeatOp::create(builder, first->getLoc(), int64_t(state.count), inits);
  writeBody(repeat);
  useResultsBehind(repeat);
  for (Operation *op = last; op != repeat;) {
    Operation *before = op->getPrevNode();
    op->erase();
    op = before;
  }
  for (Value init : inits)
    eraseUnusedViews(init);
  return repeat;
}

/// For so many contractions, twice and four times as many (homes may repeat
/// with every few turns of a loop) and so on: the steps from one contraction to
/// the one that many further on; where transfers between them make that differ,
/// what most of them have.
static std::vector<size_t> findPeriods(const BlockSteps &steps,
                                       size_t contracts) {
  std::vector<size_t> places, periods;
  for (auto [place, op] : llvm::enumerate(steps.ops))
    if (isa<ContractOp>(op))
      places.push_back(place);
  for (size_t few = contracts; few < places.size(); few *= 2) {
    std::map<size_t, size_t> times;
    for (size_t j = 0; j + few < places.size(); ++j)
      ++times[places[j + few] - places[j]];
    periods.push_back(llvm::max_element(times, llvm::less_second())->first);
  }
  return periods;
}

llvm::Expected<RepeatOp> fetta::hw::rollSlices(FunctionOpInterface function,
                                               int64_t contractsPerPeriod) {
  Region &body = function.getFunctionBody();
  if (!body.hasOneBlock())
    return makeError("function '{0}' has {1} blocks, a program has one",
                     function.getName(), body.getBlocks().size());
  if (!body.front().getOps<RepeatOp>().empty())
    return makeError("function '{0}' has a repeat already", function.getName());
  BlockSteps steps(body.front());
  std::vector<size_t> periods;
  if (contractsPerPeriod > 0) {
    periods = findPeriods(steps, size_t(contractsPerPeriod));
    if (periods.empty())
      return makeError("function '{0}' has no more contractions than one "
                       "period of {1}",
                       function.getName(), contractsPerPeriod);
  }
  std::optional<SteadyState> state = findSteadyState(steps.steps, periods);
  if (!state)
    return makeError("no instructions of function '{0}' come again in the same "
                     "way",
                     function.getName());
  // What the last period leaves to those behind it may have no like before the
  // first; what it takes from the period before it has.
  for (;; --state->count) {
    Roller roller(steps, *state);
    llvm::Error error = roller.plan();
    if (!error)
      return roller.roll();
    if (state->count == 2)
      return error;
    llvm::consumeError(std::move(error));
  }
}

namespace {
struct RollSlicesPass
    : fetta::hw::impl::FettaRollSlicesPassBase<RollSlicesPass> {
  using Base::Base;

  void runOnOperation() override {
    for (auto function : getOperation().getOps<FunctionOpInterface>()) {
      FailureOr<Block *> block = getProgramBlock(function);
      if (failed(block))
        return signalPassFailure();
      if (!*block)
        continue;
      auto repeats = (*block)->getOps<RepeatOp>();
      llvm::Expected<RepeatOp> repeat =
          repeats.empty() ? rollSlices(function, contracts) : *repeats.begin();
      if (!repeat) {
        function.emitRemark() << llvm::toString(repeat.takeError());
        continue;
      }
      if (batch == 0)
        continue;
      llvm::Expected<FunctionType> type =
          getTypeOfBatch(function, *repeat, batch);
      if (llvm::Error error =
              type ? extendBatch(function, *repeat, *type) : type.takeError()) {
        function.emitError()
            << "cannot be extended: " << llvm::toString(std::move(error));
        return signalPassFailure();
      }
    }
  }
};
} // namespace
