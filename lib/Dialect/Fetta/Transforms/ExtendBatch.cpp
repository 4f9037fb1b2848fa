//===- ExtendBatch.cpp - More iterations for a larger batch ---------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Dialect/Fetta/Transforms/RollSlices.h"

#include "fetta/Support/Error.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/TypeSwitch.h"

#include <map>

using namespace mlir;
using namespace fetta;
using namespace fetta::hw;

namespace {

/// Where a transfer stands.
enum class Part { Before, Body, Behind };

/// A load or a store of a region.
struct Transfer {
  Operation *op;
  Part part;
  bool isStore = false;
  int64_t at = 0, advance = 0;
  int64_t elements = 0;
  int64_t last = 0; ///< Element of the region, the last of the tile.
};

/// A tensor in DRAM.
struct DramTensor {
  Value first;              ///< Argument, or tensor.empty.
  OpOperand *use = nullptr; ///< Of tensor.empty.
  /// The values that stand for it one after another.
  llvm::SmallVector<Value> values;
  llvm::SmallVector<Transfer> transfers;
  RankedTensorType type, full;
  /// Elements by which transfers of the body advance, and how many elements one
  /// index of the batch takes.
  int64_t advance = 0, perIndex = 0;

  std::string describe() const;
};

/// A function with one repeat, and the regions that it works on.
class Extension {
public:
  Extension(FunctionOpInterface function, RepeatOp repeat)
      : function(function), repeat(repeat) {}

  /// Finds regions, and by how much they advance.
  llvm::Error analyze();
  FunctionType typeOf(int64_t batch);
  /// Checks that all grow by the same whole number of iterations.
  llvm::Error check(FunctionType full);
  void apply();

private:
  void addTransfers(Block &block, Part part);
  template <typename Op>
  void addTransfer(Op op, RankedTensorType tile, unsigned region, Part part);
  unsigned regionOf(OpOperand &use);
  void addValue(unsigned region, Value value);
  llvm::Error findAdvance(DramTensor &region);
  llvm::Error setFull(DramTensor &region, RankedTensorType full);
  llvm::Error checkPlaces(const DramTensor &region);
  llvm::Error checkValuesBefore();
  llvm::Error checkTokens();
  Part partOf(Operation *op) const {
    if (repeat->isAncestor(op))
      return Part::Body;
    return op->isBeforeInBlock(repeat) ? Part::Before : Part::Behind;
  }

  FunctionOpInterface function;
  RepeatOp repeat;
  std::vector<DramTensor> regions;
  llvm::DenseMap<Value, unsigned> numbers;
  FunctionType fullType;
  int64_t iterations = 0; ///< To add.
};

} // namespace

std::string DramTensor::describe() const {
  if (auto argument = dyn_cast<BlockArgument>(first))
    return ("argument #" + Twine(argument.getArgNumber())).str();
  return ("a region of " + Twine(type.getNumElements()) + " elements").str();
}

/// The first dimension that is not 1: the one whose indices lie one after the
/// other.
static unsigned leadingDim(RankedTensorType type) {
  unsigned dim = 0;
  while (dim + 1 < type.getRank() && type.getDimSize(dim) == 1)
    ++dim;
  return dim;
}

static int64_t elementsPerIndex(RankedTensorType type, unsigned dim) {
  return llvm::product_of(type.getShape().drop_front(dim + 1));
}

static RankedTensorType withSize(RankedTensorType type, unsigned dim,
                                 int64_t size) {
  SmallVector<int64_t> shape(type.getShape());
  shape[dim] = size;
  return type.clone(shape);
}

void Extension::addValue(unsigned region, Value value) {
  numbers[value] = region;
  regions[region].values.push_back(value);
}

unsigned Extension::regionOf(OpOperand &use) {
  Value value = use.get();
  auto it = numbers.find(value);
  if (it != numbers.end())
    return it->second;
  // tensor.empty makes a new region at every use.
  regions.emplace_back();
  regions.back().first = value;
  regions.back().use = &use;
  regions.back().type = cast<RankedTensorType>(value.getType());
  if (isa<BlockArgument>(value))
    addValue(regions.size() - 1, value);
  return regions.size() - 1;
}

template <typename Op>
void Extension::addTransfer(Op op, RankedTensorType tile, unsigned region,
                            Part part) {
  Transfer transfer{op, part};
  transfer.isStore = std::is_same_v<Op, StoreOp>;
  transfer.at = transfer.last = op.getAt();
  transfer.advance = op.getElementAdvance();
  transfer.elements = tile.getNumElements();
  for (auto [size, stride] :
       llvm::zip_equal(tile.getShape(), op.getElementStrides()))
    transfer.last += (size - 1) * stride;
  regions[region].transfers.push_back(transfer);
}

void Extension::addTransfers(Block &block, Part part) {
  for (Operation &op : block) {
    if (auto load = dyn_cast<LoadOp>(op)) {
      addTransfer(load, load.getType(), regionOf(load.getSourceMutable()),
                  part);
    } else if (auto store = dyn_cast<StoreOp>(op)) {
      unsigned region = regionOf(store.getIntoMutable());
      addValue(region, store.getResult());
      addTransfer(store, store.getSource().getType(), region, part);
    } else if (&op == repeat) {
      // Values in tensor memory have a layout.
      auto isRegion = [](Value value) {
        return !cast<RankedTensorType>(value.getType()).getEncoding();
      };
      Block &body = repeat.getRegion().front();
      for (auto [init, argument] :
           llvm::zip_equal(repeat.getInitsMutable(), body.getArguments()))
        if (isRegion(argument))
          addValue(regionOf(init), argument);
      addTransfers(body, Part::Body);
      for (auto [argument, result] :
           llvm::zip_equal(body.getArguments(), repeat.getResults()))
        if (isRegion(argument))
          addValue(numbers.at(argument), result);
      part = Part::Behind;
    }
  }
}

llvm::Error Extension::findAdvance(DramTensor &region) {
  bool isFirst = true;
  int64_t stored = 0, loaded = 0;
  for (const Transfer &transfer : region.transfers) {
    if (transfer.part != Part::Body)
      continue;
    if (!isFirst && transfer.advance != region.advance)
      return makeError("transfers of {0} advance by {1} and by {2} elements",
                       region.describe(), region.advance, transfer.advance);
    region.advance = transfer.advance;
    isFirst = false;
    (transfer.isStore ? stored : loaded) += transfer.elements;
  }
  if (region.advance == 0)
    return llvm::Error::success();
  // Loads may read everything more than once.
  if ((stored != 0 && stored != region.advance) || loaded % region.advance != 0)
    return makeError("an iteration loads {0} and stores {1} elements of {2} "
                     "and advances by {3}",
                     loaded, stored, region.describe(), region.advance);
  region.perIndex = elementsPerIndex(region.type, leadingDim(region.type));
  if (region.advance % region.perIndex != 0)
    return makeError("transfers of {0} advance by {1} elements, an index of "
                     "its leading dimension takes {2}",
                     region.describe(), region.advance, region.perIndex);
  return llvm::Error::success();
}

llvm::Error Extension::analyze() {
  for (auto other : function.getFunctionBody().front().getOps<RepeatOp>())
    if (other != repeat)
      return makeError(
          "there is more than one repeat, and one can be extended");
  addTransfers(function.getFunctionBody().front(), Part::Before);
  for (DramTensor &region : regions)
    if (llvm::Error error = findAdvance(region))
      return error;
  return llvm::Error::success();
}

FunctionType Extension::typeOf(int64_t batch) {
  auto extend = [&](Value value) -> Type {
    auto it = numbers.find(value);
    if (it == numbers.end() || regions[it->second].advance == 0)
      return value.getType();
    RankedTensorType type = regions[it->second].type;
    return withSize(type, leadingDim(type), batch);
  };
  SmallVector<Type> inputs, results;
  for (BlockArgument argument : function.getArguments())
    inputs.push_back(extend(argument));
  for (Value result :
       function.getFunctionBody().front().getTerminator()->getOperands())
    results.push_back(extend(result));
  return FunctionType::get(function.getContext(), inputs, results);
}

llvm::Error Extension::setFull(DramTensor &region, RankedTensorType full) {
  if (region.full && region.full != full)
    return makeError("{0} should have two sizes", region.describe());
  region.full = full;
  return llvm::Error::success();
}

/// A region is `type` of the full batch, or an argument that no transfer reads.
static llvm::Error checkType(Type now, Type full, StringRef what) {
  auto from = dyn_cast<RankedTensorType>(now);
  auto to = dyn_cast<RankedTensorType>(full);
  if (!from || !to || from.getRank() != to.getRank() ||
      from.getElementType() != to.getElementType() ||
      from.getEncoding() != to.getEncoding())
    return makeError("{0} cannot grow from {1} to {2}", what, now, full);
  unsigned lead = leadingDim(to);
  for (unsigned dim = 0; dim < unsigned(to.getRank()); ++dim)
    if (dim != lead && from.getDimSize(dim) != to.getDimSize(dim))
      return makeError("{0} cannot grow from {1} to {2}: the batch should be "
                       "its leading dimension",
                       what, now, full);
  if (from.getDimSize(lead) > to.getDimSize(lead))
    return makeError("{0} cannot become smaller, {1} instead of {2}", what,
                     full, now);
  return llvm::Error::success();
}

llvm::Error Extension::check(FunctionType full) {
  fullType = full;
  Operation *terminator = function.getFunctionBody().front().getTerminator();
  if (full.getNumInputs() != function.getNumArguments() ||
      full.getNumResults() != terminator->getNumOperands())
    return makeError("the function has {0} arguments and {1} results, the full "
                     "batch {2} and {3}",
                     function.getNumArguments(), terminator->getNumOperands(),
                     full.getNumInputs(), full.getNumResults());
  auto checkValue = [&](Value value, Type type,
                        const Twine &what) -> llvm::Error {
    if (value.getType() == type) {
      auto it = numbers.find(value);
      return it == numbers.end()
                 ? llvm::Error::success()
                 : setFull(regions[it->second], cast<RankedTensorType>(type));
    }
    if (llvm::Error error = checkType(value.getType(), type, what.str()))
      return error;
    auto it = numbers.find(value);
    if (it != numbers.end())
      return setFull(regions[it->second], cast<RankedTensorType>(type));
    if (isa<BlockArgument>(value) && value.use_empty())
      return llvm::Error::success();
    return makeError("{0} is no region in DRAM and cannot grow", what.str());
  };
  for (BlockArgument argument : function.getArguments())
    if (llvm::Error error =
            checkValue(argument, full.getInput(argument.getArgNumber()),
                       "argument #" + Twine(argument.getArgNumber())))
      return error;
  for (OpOperand &operand : terminator->getOpOperands())
    if (llvm::Error error = checkValue(
            operand.get(), full.getResult(operand.getOperandNumber()),
            "result #" + Twine(operand.getOperandNumber())))
      return error;

  std::optional<int64_t> known;
  for (DramTensor &region : regions) {
    if (region.full && region.advance > 0) {
      int64_t missing =
          region.full.getNumElements() - region.type.getNumElements();
      if (missing % region.advance != 0)
        return makeError("{0} elements of {1} are missing, no whole number of "
                         "iterations, which advance by {2}",
                         missing, region.describe(), region.advance);
      int64_t count = missing / region.advance;
      if (known && *known != count)
        return makeError("{0} takes {1} more iterations, another region {2}",
                         region.describe(), count, *known);
      known = count;
    } else if (region.full && region.full != region.type) {
      return makeError("{0} grows, but no transfer of the repeat advances",
                       region.describe());
    }
  }
  iterations = known.value_or(0);
  for (DramTensor &region : regions) {
    if (region.advance == 0)
      continue;
    if (!region.full) { // A spill.
      unsigned dim = leadingDim(region.type);
      region.full =
          withSize(region.type, dim,
                   region.type.getDimSize(dim) +
                       iterations * (region.advance / region.perIndex));
    }
    if (llvm::Error error = checkPlaces(region))
      return error;
  }
  if (llvm::Error error = checkValuesBefore())
    return error;
  return checkTokens();
}

/// There is an index of the batch where the larger program can be cut into the
/// beginning and the end of the present one, with new iterations between:
/// - at or behind all that transfers before the repeat, and those of its first
///   iteration, touch;
/// - at or before all that those of the last iteration and behind the repeat
///   touch.
/// Then each transfer of the body has tiles one iteration apart on both sides,
/// and all indices between are worked on once, as transfers of one iteration
/// have as many elements as they advance.
llvm::Error Extension::checkPlaces(const DramTensor &region) {
  int64_t low = 0, high = region.type.getNumElements() / region.perIndex;
  for (const Transfer &transfer : region.transfers) {
    int64_t begin = transfer.at / region.perIndex;
    int64_t end = transfer.last / region.perIndex + 1;
    if (transfer.part != Part::Behind)
      low = std::max(low, end);
    if (transfer.part == Part::Body)
      begin +=
          (int64_t(repeat.getCount()) - 1) * (region.advance / region.perIndex);
    if (transfer.part != Part::Before)
      high = std::min(high, begin);
  }
  if (low <= high)
    return llvm::Error::success();
  return makeError("transfers of {0} up to the first iteration touch {1} "
                   "indices of the batch, from the last one on those from {2} "
                   "on: the beginning and the end overlap",
                   region.describe(), low, high);
}

/// What is made before the repeat of tiles at the beginning of the batch
/// belongs to that beginning: only carried values (sums, tiles that were loaded
/// ahead) lead further.
llvm::Error Extension::checkValuesBefore() {
  llvm::SetVector<Operation *> ofBatch;
  auto isOfBatch = [&](Value value) {
    return ofBatch.contains(value.getDefiningOp());
  };
  for (const DramTensor &region : regions)
    if (region.advance > 0)
      for (const Transfer &transfer : region.transfers)
        if (transfer.part == Part::Before && !transfer.isStore)
          ofBatch.insert(transfer.op);
  Block &block = function.getFunctionBody().front();
  for (Operation &op : block) {
    if (&op == repeat)
      break;
    if (isa<ContractOp, RelabelOp>(op) &&
        llvm::any_of(op.getOperands(), isOfBatch))
      ofBatch.insert(&op);
  }
  for (Operation *made : ofBatch)
    for (Operation *user : made->getUsers())
      if (user != repeat && partOf(user) != Part::Before)
        return makeError("what is made of the beginning of the batch is used "
                         "{0} the repeat",
                         partOf(user) == Part::Body ? "in" : "behind");
  return llvm::Error::success();
}

/// Iterations leave as many tokens as they take.
llvm::Error Extension::checkTokens() {
  std::map<unsigned, int64_t> left;
  auto count = [&](SyncAttr sync) {
    if (!sync)
      return;
    for (const Token &token : sync.getSignals())
      left[token.semaphore] += token.count;
    for (const Token &token : sync.getWaits())
      left[token.semaphore] -= token.count;
  };
  for (Operation &op : repeat.getRegion().front())
    llvm::TypeSwitch<Operation *>(&op)
        .Case<LoadOp, StoreOp, ContractOp, SyncOp>(
            [&](auto op) { count(op.getSyncAttr()); });
  for (auto [semaphore, tokens] : left)
    if (tokens != 0)
      return makeError("an iteration leaves {0} tokens of semaphore s{1}",
                       tokens, semaphore);
  return llvm::Error::success();
}

void Extension::apply() {
  for (DramTensor &region : regions) {
    if (region.advance == 0)
      continue;
    for (const Transfer &transfer : region.transfers)
      if (transfer.part == Part::Behind)
        llvm::TypeSwitch<Operation *>(transfer.op)
            .Case<LoadOp, StoreOp>([&](auto op) {
              op.setAt(transfer.at + iterations * region.advance);
            });
    for (Value value : region.values)
      value.setType(region.full);
    if (auto empty = region.first.getDefiningOp<tensor::EmptyOp>()) {
      // Of this region alone; others may begin with the same operation.
      OpBuilder builder(empty);
      auto copy = tensor::EmptyOp::create(builder, empty.getLoc(),
                                          region.full.getShape(),
                                          region.full.getElementType());
      region.use->set(copy.getResult());
      if (empty.use_empty())
        empty.erase();
    }
  }
  for (BlockArgument argument : function.getArguments())
    argument.setType(fullType.getInput(argument.getArgNumber()));
  function.setType(fullType);
  repeat.setCount(repeat.getCount() + iterations);
}

llvm::Error fetta::hw::extendBatch(FunctionOpInterface function,
                                   RepeatOp repeat, FunctionType full) {
  Extension extension(function, repeat);
  if (llvm::Error error = extension.analyze())
    return error;
  if (llvm::Error error = extension.check(full))
    return error;
  extension.apply();
  return llvm::Error::success();
}

llvm::Expected<FunctionType>
fetta::hw::getTypeOfBatch(FunctionOpInterface function, RepeatOp repeat,
                          int64_t batch) {
  Extension extension(function, repeat);
  if (llvm::Error error = extension.analyze())
    return error;
  return extension.typeOf(batch);
}
