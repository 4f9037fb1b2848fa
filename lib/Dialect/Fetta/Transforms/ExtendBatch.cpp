//===- ExtendBatch.cpp - More iterations for a larger batch ---------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Dialect/Fetta/Transforms/RollSlices.h"

#include "RegionTiles.h"
#include "RepeatChecks.h"
#include "fetta/Support/Error.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/TypeSwitch.h"

#include <map>

using namespace mlir;
using namespace fetta;
using namespace fetta::hw;

namespace {

/// A load or a store of a region.
struct Transfer : PlacedTile {
  Operation *op = nullptr;
  int64_t advance = 0;

  int64_t elements() const { return llvm::product_of(tile.sizes); }
};

/// A tensor in DRAM.
struct DramTensor {
  Value first;              ///< Argument, or tensor.empty.
  OpOperand *use = nullptr; ///< Of tensor.empty.
  /// The values that stand for it one after another.
  llvm::SmallVector<Value> values;
  llvm::SmallVector<Transfer> transfers;
  RankedTensorType type, full;
  unsigned dim = 0; ///< That grows.
  /// Elements by which transfers of the body advance.
  int64_t advance = 0;

  std::string describe() const;
  GrowingRegion shape() const { return {type.getShape(), dim}; }
  /// Indices of the growing dimension by which they advance.
  int64_t step() const { return advance / shape().elementsPerIndex(); }
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
  llvm::Error checkElements(const DramTensor &region);
  llvm::Expected<int64_t> countMissing(const DramTensor &region);
  llvm::Error checkPlaces(const DramTensor &region);
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
  Transfer transfer;
  transfer.op = op;
  transfer.part = part;
  transfer.isStore = std::is_same_v<Op, StoreOp>;
  transfer.advance = op.getElementAdvance();
  transfer.tile = {int64_t(op.getAt()), SmallVector<int64_t>(tile.getShape()),
                   op.getElementStrides()};
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
  for (const Transfer &transfer : region.transfers) {
    if (transfer.part != Part::Body)
      continue;
    if (!isFirst && transfer.advance != region.advance)
      return makeError("transfers of {0} advance by {1} and by {2} elements",
                       region.describe(), region.advance, transfer.advance);
    region.advance = transfer.advance;
    isFirst = false;
  }
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

/// The dimension in which `now` grows to `full`; the leading one where they are
/// the same.
static llvm::Expected<unsigned> findDim(Type now, Type full, StringRef what) {
  auto from = dyn_cast<RankedTensorType>(now);
  auto to = dyn_cast<RankedTensorType>(full);
  if (!from || !to || from.getRank() != to.getRank() ||
      from.getElementType() != to.getElementType() ||
      from.getEncoding() != to.getEncoding())
    return makeError("{0} cannot grow from {1} to {2}", what, now, full);
  std::optional<unsigned> dim;
  for (unsigned d = 0; d < unsigned(to.getRank()); ++d) {
    if (from.getDimSize(d) == to.getDimSize(d))
      continue;
    if (dim)
      return makeError("{0} cannot grow from {1} to {2}: in one dimension only",
                       what, now, full);
    if (from.getDimSize(d) > to.getDimSize(d))
      return makeError("{0} cannot become smaller, {1} instead of {2}", what,
                       full, now);
    dim = d;
  }
  return dim.value_or(leadingDim(from));
}

/// An iteration stores all elements of the indices by which it advances once,
/// and loads them any number of times; all together do so with the region.
llvm::Error Extension::checkElements(const DramTensor &region) {
  int64_t stored = 0, loaded = 0, allStored = 0, allLoaded = 0;
  const auto count = int64_t(repeat.getCount());
  for (const Transfer &transfer : region.transfers) {
    const bool isBody = transfer.part == Part::Body;
    if (isBody)
      (transfer.isStore ? stored : loaded) += transfer.elements();
    (transfer.isStore ? allStored : allLoaded) +=
        transfer.elements() * (isBody ? count : 1);
  }
  const int64_t elements = region.step() * region.shape().elementsOfIndex();
  if ((stored != 0 && stored != elements) || loaded % elements != 0)
    return makeError("an iteration loads {0} and stores {1} elements of {2} "
                     "and advances by {3}",
                     loaded, stored, region.describe(), elements);
  const int64_t all = region.type.getNumElements();
  if (allStored != stored / elements * all ||
      allLoaded != loaded / elements * all)
    return makeError("an iteration loads {0} and stores {1} times what it "
                     "advances by, all transfers load {2} and store {3} of {4} "
                     "elements of {5}",
                     loaded / elements, stored / elements, allLoaded, allStored,
                     all, region.describe());
  return llvm::Error::success();
}

/// Iterations that a region takes more than it has.
llvm::Expected<int64_t> Extension::countMissing(const DramTensor &region) {
  const int64_t missing =
      region.full.getDimSize(region.dim) - region.shape().size();
  if (missing % region.step() != 0)
    return makeError("{0} indices of {1} are missing, no whole number of "
                     "iterations, which advance by {2}",
                     missing, region.describe(), region.step());
  return missing / region.step();
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
    auto it = numbers.find(value);
    if (it == numbers.end() && value.getType() == type)
      return llvm::Error::success();
    llvm::Expected<unsigned> dim = findDim(value.getType(), type, what.str());
    if (!dim)
      return dim.takeError();
    if (it != numbers.end()) {
      regions[it->second].dim = *dim;
      return setFull(regions[it->second], cast<RankedTensorType>(type));
    }
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
    if (region.advance == 0) {
      if (region.full && region.full != region.type)
        return makeError("{0} grows, but no transfer of the repeat advances",
                         region.describe());
      continue;
    }
    if (!region.full) // A spill.
      region.dim = leadingDim(region.type);
    if (region.advance % region.shape().elementsPerIndex() != 0)
      return makeError("transfers of {0} advance by {1} elements, an index of "
                       "dimension {2} takes {3}",
                       region.describe(), region.advance, region.dim,
                       region.shape().elementsPerIndex());
    if (!region.full)
      continue;
    llvm::Expected<int64_t> count = countMissing(region);
    if (!count)
      return count.takeError();
    if (known && *known != *count)
      return makeError("{0} takes {1} more iterations, another region {2}",
                       region.describe(), *count, *known);
    known = *count;
  }
  iterations = known.value_or(0);
  for (DramTensor &region : regions) {
    if (region.advance == 0)
      continue;
    if (!region.full)
      region.full =
          withSize(region.type, region.dim,
                   region.shape().size() + iterations * region.step());
    if (llvm::Error error = checkPlaces(region))
      return error;
  }
  llvm::SmallVector<Operation *> loads;
  for (const DramTensor &region : regions)
    if (region.advance > 0)
      for (const Transfer &transfer : region.transfers)
        if (transfer.part == Part::Before && !transfer.isStore)
          loads.push_back(transfer.op);
  if (llvm::Error error = checkValuesBefore(repeat, loads))
    return error;
  return checkTokens(repeat);
}

/// Transfers of a region do to each of its indices what they do now:
/// - They sweep over it, each of the body's with tiles of its own, some of
/// which
///   come before the repeat and some behind it. Then there are more of its
///   tiles, and which of two sweeps comes first to a tile is the same for all.
/// - Or there is an index where the larger program can be cut into the
/// beginning
///   and the end of the present one, with new iterations between: at or behind
///   all that transfers before the repeat, and those of its first iteration,
///   touch; at or before all that those of the last iteration and behind the
///   repeat touch. Then each transfer of the body has tiles one iteration apart
///   on both sides, and all indices between are worked on once, as transfers of
///   one iteration have as many elements as they advance.
llvm::Error Extension::checkPlaces(const DramTensor &region) {
  std::vector<RegionTile> forms;
  for (const Transfer &transfer : region.transfers)
    forms.push_back(transfer.tile);
  const GrowingRegion shape = region.shape().refine(forms);
  const auto count = int64_t(repeat.getCount());
  std::vector<PlacedTile> tiles;
  for (const Transfer &transfer : region.transfers) {
    const int64_t sweep =
        transfer.part == Part::Body ? (count - 1) * region.advance : 0;
    if (!shape.grow(transfer.tile, region.full.getDimSize(region.dim), sweep))
      return makeError(
          "a tile of {0} at {1} goes from the end of dimension {2} "
          "on to its beginning and has no like in a larger region",
          region.describe(), transfer.tile.at, region.dim);
    tiles.push_back(transfer);
  }
  if (isSwept(shape, tiles, region.step(), count))
    return llvm::Error::success();
  const IndexRange cut = findCut(shape, tiles, region.step(), count);
  if (cut.begin > cut.end)
    return makeError("transfers of {0} up to the first iteration touch {1} "
                     "indices of the batch, from the last one on those from "
                     "{2} on: the beginning and the end overlap",
                     region.describe(), cut.begin, cut.end);
  return checkElements(region);
}

void Extension::apply() {
  for (DramTensor &region : regions) {
    if (region.advance == 0)
      continue;
    for (const Transfer &transfer : region.transfers) {
      RegionTile tile = *region.shape().grow(
          transfer.tile, region.full.getDimSize(region.dim), /*sweep=*/0);
      if (transfer.part == Part::Behind)
        tile.at += iterations * region.advance;
      llvm::TypeSwitch<Operation *>(transfer.op)
          .Case<LoadOp, StoreOp>([&](auto op) {
            op.setAt(tile.at);
            if (tile.strides != transfer.tile.strides)
              op.setStrides(tile.strides);
          });
    }
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
