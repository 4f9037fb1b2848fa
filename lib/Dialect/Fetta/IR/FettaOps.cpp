//===- FettaOps.cpp ---------------------------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "DialectMemo.h"
#include "OpRules.h"

#include "fetta/Dialect/Fetta/IR/FettaOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/OpImplementation.h"

using namespace mlir;
using namespace fetta;
using namespace fetta::hw;

#define GET_OP_CLASSES
#include "fetta/Dialect/Fetta/IR/FettaOps.cpp.inc"

//===----------------------------------------------------------------------===//
// Rules shared by the ops
//===----------------------------------------------------------------------===//

/// A value in tensor memory has a layout for the banks of the machine.
static LogicalResult verifyInMemory(Operation *op, StringRef what, Type type,
                                    const Machine &machine) {
  auto layout =
      dyn_cast_or_null<LayoutAttr>(cast<RankedTensorType>(type).getEncoding());
  if (!layout)
    return op->emitOpError()
           << what << " should have a #fetta.layout, got " << type;
  if (layout.getBanks().size() != machine.laneBits())
    return op->emitOpError()
           << what << " has a layout over " << layout.getBanks().size()
           << " bank bits, the machine has " << machine.laneBits();
  return success();
}

/// An operand in tensor memory comes from an op that gives it a home.
static LogicalResult verifyInMemory(Operation *op, StringRef what, Value value,
                                    const Machine &machine) {
  if (failed(verifyInMemory(op, what, value.getType(), machine)))
    return failure();
  if (!isa_and_nonnull<PlaceOp, LoadOp, ContractOp, RelabelOp>(
          value.getDefiningOp()) &&
      !getCarriedInit(value))
    return op->emitOpError()
           << what
           << " should come from fetta.place, fetta.load, fetta.contract, "
              "fetta.relabel or fetta.repeat";
  return success();
}

static LogicalResult verifyOutside(Operation *op, StringRef what, Type type) {
  if (cast<RankedTensorType>(type).getEncoding())
    return op->emitOpError()
           << what << " is outside the machine and has no layout, got " << type;
  return success();
}

static LogicalResult verifyElementTypes(Operation *op, RankedTensorType from,
                                        RankedTensorType to) {
  // The host rounds an f32 argument that the machine keeps as bf16.
  bool isRounded = isa<PlaceOp, LoadOp>(op) &&
                   isFunctionArgument(op->getOperand(0)) &&
                   from.getElementType().isF32();
  if (from.getElementType() != to.getElementType() && !isRounded)
    return op->emitOpError()
           << "element types differ: " << from.getElementType() << " and "
           << to.getElementType();
  return success();
}

static LogicalResult verifyReshape(Operation *op, RankedTensorType from,
                                   RankedTensorType to) {
  if (failed(verifyElementTypes(op, from, to)))
    return failure();
  if (from.getNumElements() != to.getNumElements())
    return op->emitOpError()
           << "source has " << from.getNumElements() << " elements, result has "
           << to.getNumElements() << ": " << from << " and " << to;
  return success();
}

/// The places of a tile's elements lie in the region, in all iterations of a
/// repeat; in a store each in its own.
static LogicalResult verifyTile(Operation *op, RankedTensorType tile,
                                RankedTensorType region, int64_t at,
                                ArrayRef<int64_t> strides, int64_t advance) {
  if (int64_t(strides.size()) != tile.getRank())
    return op->emitOpError()
           << "has " << strides.size() << " strides for a tile of rank "
           << tile.getRank();
  int64_t elements = region.getNumElements(), last = at;
  auto outside = [&]() {
    return op->emitOpError()
           << "reaches outside of the region: a tile of shape ["
           << tile.getShape() << "] at " << at << " with strides [" << strides
           << "], the region has " << elements << " elements";
  };
  if (at < 0 || at >= elements)
    return outside();
  for (auto [stride, size] : llvm::zip_equal(strides, tile.getShape())) {
    if (stride < 0 || stride > elements)
      return outside();
    // Both factors are at most the number of elements of a region.
    if (size > 1 && stride > 0 && size - 1 > (elements - 1 - last) / stride)
      return outside();
    last += (size - 1) * stride;
  }
  if (failed(verifyAdvance(op, advance, elements - 1 - last)))
    return failure();
  if (!isa<StoreOp>(op))
    return success();
  struct Dim {
    int64_t stride, size;
  };
  SmallVector<Dim, 8> dims;
  for (auto [stride, size] : llvm::zip_equal(strides, tile.getShape()))
    if (size > 1)
      dims.push_back({stride, size});
  llvm::sort(dims,
             [](const Dim &a, const Dim &b) { return a.stride < b.stride; });
  int64_t reach = 0;
  for (const Dim &dim : dims) {
    if (dim.stride <= reach)
      return op->emitOpError()
             << "may write an element twice: strides [" << strides
             << "] of a tile of shape [" << tile.getShape() << "]";
    reach += (dim.size - 1) * dim.stride;
  }
  return success();
}

/// Blocks are those of the tile, which lies in tensor memory.
static LogicalResult verifyWalk(Operation *op, RankedTensorType tile,
                                DenseI64ArrayAttr blocks) {
  if (!blocks)
    return success();
  if (blocks.empty())
    return op->emitOpError() << "has an empty list of blocks";
  FettaDialect::Memo &memo = FettaDialect::Memo::of(op);
  const std::pair<Type, Attribute> walk(tile, blocks);
  if (std::lock_guard<std::mutex> lock(memo.mutex); memo.walks.contains(walk))
    return success();
  if (llvm::Error error =
          verifyBlocks(blocks.asArrayRef(), getLayout(tile)->dims))
    return op->emitOpError()
           << "cannot walk a tile of shape [" << tile.getShape()
           << "] in blocks: " << llvm::toString(std::move(error));
  std::lock_guard<std::mutex> lock(memo.mutex);
  memo.walks.insert(walk);
  return success();
}

/// Elements between neighbours in a dense row-major tensor.
static SmallVector<int64_t> denseStrides(ArrayRef<int64_t> shape) {
  SmallVector<int64_t> strides(shape.size(), 1);
  for (size_t d = shape.size(); d-- > 1;)
    strides[d - 1] = strides[d] * shape[d];
  return strides;
}

/// The value starts at a row of the machine and ends within its slab.
static LogicalResult verifyHome(Operation *op, HomeAttr home,
                                RankedTensorType type, const Machine &machine) {
  if (!home)
    return success();
  int64_t rows = getPhysicalRows(type);
  if (home.getSlab() < 0 || home.getSlab() >= machine.slabs)
    return op->emitOpError() << "home is in slab " << home.getSlab()
                             << ", the machine has " << machine.slabs;
  if (home.getRow() < 0 || rows > machine.rowsPerSlab ||
      home.getRow() > machine.rowsPerSlab - rows)
    return op->emitOpError()
           << "takes " << rows << " rows from row " << home.getRow()
           << ", a slab has " << machine.rowsPerSlab;
  return success();
}

LogicalResult PlaceOp::verify() {
  const Machine *machine = findMachine(*this);
  if (!machine ||
      failed(verifyOutside(*this, "source", getSource().getType())) ||
      failed(verifyInMemory(*this, "result", getType(), *machine)) ||
      failed(verifyReshape(*this, getSource().getType(), getType())))
    return failure();
  return verifyHome(*this, getHomeAttr(), getType(), *machine);
}

LogicalResult CollectOp::verify() {
  const Machine *machine = findMachine(*this);
  if (!machine ||
      failed(verifyInMemory(*this, "source", getSource(), *machine)) ||
      failed(verifyOutside(*this, "result", getType())))
    return failure();
  return verifyReshape(*this, getSource().getType(), getType());
}

SmallVector<int64_t> LoadOp::getElementStrides() {
  if (std::optional<ArrayRef<int64_t>> strides = getStrides())
    return SmallVector<int64_t>(*strides);
  return denseStrides(getType().getShape());
}

LogicalResult LoadOp::verify() {
  const Machine *machine = findMachine(*this);
  if (!machine ||
      failed(verifyOutside(*this, "source", getSource().getType())) ||
      failed(verifyInMemory(*this, "result", getType(), *machine)) ||
      failed(verifyElementTypes(*this, getSource().getType(), getType())))
    return failure();
  if (!isFunctionArgument(getSource()) &&
      !getSource().getDefiningOp<StoreOp>() && !getCarriedInit(getSource()))
    return emitOpError() << "source should be an argument of the function or "
                            "come from fetta.store";
  if (Value init = getCarriedInit(getSource());
      init && isa<BlockArgument>(getSource()) &&
      init.getDefiningOp<tensor::EmptyOp>())
    return emitOpError() << "reads a region into which the first iteration has "
                            "stored nothing";
  if (failed(verifyTile(*this, getType(), getSource().getType(), getAt(),
                        getElementStrides(), getElementAdvance())) ||
      failed(verifyWalk(*this, getType(), getBlocksAttr())))
    return failure();
  return verifyHome(*this, getHomeAttr(), getType(), *machine);
}

SmallVector<int64_t> StoreOp::getElementStrides() {
  if (std::optional<ArrayRef<int64_t>> strides = getStrides())
    return SmallVector<int64_t>(*strides);
  return denseStrides(getSource().getType().getShape());
}

void StoreOp::build(OpBuilder &builder, OperationState &state, Value source,
                    Value into, int64_t at) {
  build(builder, state, into.getType(), source, into, at,
        /*strides=*/DenseI64ArrayAttr(), /*sync=*/SyncAttr(),
        /*blocks=*/DenseI64ArrayAttr(), /*advance=*/IntegerAttr());
}

LogicalResult StoreOp::verify() {
  const Machine *machine = findMachine(*this);
  RankedTensorType region = getInto().getType();
  if (!machine ||
      failed(verifyInMemory(*this, "source", getSource(), *machine)) ||
      failed(verifyOutside(*this, "into", region)) ||
      failed(verifyElementTypes(*this, getSource().getType(), region)))
    return failure();
  if (getSource().getDefiningOp<RelabelOp>())
    return emitOpError() << "source is a view; store what it is a view of";
  // tensor.empty makes a new region at every use.
  if (getInto().getDefiningOp<tensor::EmptyOp>()) {
    if (isa_and_nonnull<RepeatOp>((*this)->getParentOp()))
      return emitOpError() << "begins a new region in every iteration; carry "
                              "one region through the repeat";
  } else {
    if (!getInto().getDefiningOp<StoreOp>() && !getCarriedInit(getInto()))
      return emitOpError()
             << "into should come from tensor.empty or fetta.store";
    if (failed(verifyNoLaterUse(*this, "into", getInto())))
      return failure();
  }
  if (failed(verifyWalk(*this, getSource().getType(), getBlocksAttr())))
    return failure();
  return verifyTile(*this, getSource().getType(), region, getAt(),
                    getElementStrides(), getElementAdvance());
}

LogicalResult SyncOp::verify() {
  if (getSync().getWaits().empty() && getSync().getSignals().empty())
    return emitOpError() << "neither waits nor signals";
  return success();
}

LogicalResult RelabelOp::verify() {
  const Machine *machine = findMachine(*this);
  if (!machine ||
      failed(verifyInMemory(*this, "source", getSource(), *machine)) ||
      failed(verifyInMemory(*this, "result", getType(), *machine)) ||
      failed(verifyReshape(*this, getSource().getType(), getType())))
    return failure();
  std::optional<Layout> expected =
      relabel(*getLayout(getSource().getType()), getType().getShape());
  if (!expected)
    return emitOpError() << "shape [" << getType().getShape()
                         << "] does not keep the chunks and low bits of "
                         << getSource().getType();
  if (*expected != *getLayout(getType()))
    return emitOpError() << "result should have the layout "
                         << LayoutAttr::get(getContext(), *expected);
  return success();
}

Value ContractOp::getTensor(unsigned operand) {
  return operand == OperandA   ? getLhs()
         : operand == OperandB ? getRhs()
                               : getResult();
}

bool ContractOp::isInPlace() {
  return getInit() && getType().getElementType().isF32();
}

/// Partial sums lie as the result does; an f32 result overwrites them.
static LogicalResult verifyInit(ContractOp op, const Machine &machine) {
  Value init = op.getInit();
  if (!init)
    return success();
  if (failed(verifyInMemory(op, "init", init, machine)))
    return failure();
  auto sums = cast<RankedTensorType>(init.getType());
  if (!sums.getElementType().isF32() ||
      sums.getShape() != op.getType().getShape() ||
      sums.getEncoding() != op.getType().getEncoding())
    return op.emitOpError()
           << "init should lie as the result does, "
           << op.getType().clone(Float32Type::get(op.getContext())) << ", got "
           << sums;
  if (!isa_and_nonnull<LoadOp, ContractOp>(init.getDefiningOp()) &&
      !getCarriedInit(init))
    return op.emitOpError()
           << "goes on from what the host has placed or from a view: init "
              "should come from fetta.contract or fetta.load";
  if (!op.isInPlace())
    return success();
  if (op.getHomeAttr())
    return op.emitOpError() << "has the home of init and none of its own, got "
                            << op.getHomeAttr();
  // Chains of sums are long, and a view keeps the element type.
  for (Value operand : {op.getLhs(), op.getRhs()})
    if (getElementTypeOrSelf(operand.getType()).isF32() &&
        getHomeOp(operand) == getHomeOp(init))
      return op.emitOpError() << "reads its partial sums as an operand";
  return verifyNoLaterUse(op, "init", init);
}

/// The nest is right. Where the tensors lie is the business of the operations
/// that make them, so contractions that are alike are checked once.
static LogicalResult verifyContractNest(ContractOp op, const Machine &machine) {
  FettaDialect::Memo &memo = FettaDialect::Memo::of(op);
  llvm::Expected<KnownNest &> known = memo.find(op);
  if (!known)
    return op.emitOpError() << llvm::toString(known.takeError());
  if (std::lock_guard<std::mutex> lock(memo.mutex); known->isRight)
    return success();
  if (llvm::Error error = verifyNest(known->nest, machine)) {
    // The rules speak of modes by number.
    InFlightDiagnostic diag = op.emitOpError()
                              << llvm::toString(std::move(error)) << " (modes:";
    for (auto [mode, name] :
         llvm::enumerate(llvm::cantFail(parseEinsum(op.getEinsum())).names))
      diag << (mode ? ", " : " ") << mode << " is " << name;
    return diag << ")";
  }
  std::lock_guard<std::mutex> lock(memo.mutex);
  known->isRight = true;
  return success();
}

/// What the routes of a contraction have to do.
static FailureOr<std::array<BitMapAttr, 3>>
getRouteMaps(ContractOp op, const Machine &machine) {
  FettaDialect::Memo &memo = FettaDialect::Memo::of(op);
  llvm::Expected<KnownNest &> known = memo.find(op);
  if (!known)
    return op.emitOpError() << llvm::toString(known.takeError());
  std::array<BitMapAttr, 3> maps;
  {
    std::lock_guard<std::mutex> lock(memo.mutex);
    maps = known->maps;
  }
  if (maps[0])
    return maps;
  for (unsigned id = 0; id < 3; ++id)
    maps[id] = BitMapAttr::get(op.getContext(),
                               bankMap(known->nest, OperandId(id), machine));
  std::lock_guard<std::mutex> lock(memo.mutex);
  known->maps = maps;
  return maps;
}

LogicalResult ContractOp::verify() {
  const Machine *machine = findMachine(*this);
  if (!machine || failed(verifyInMemory(*this, "lhs", getLhs(), *machine)) ||
      failed(verifyInMemory(*this, "rhs", getRhs(), *machine)) ||
      failed(verifyInMemory(*this, "result", getType(), *machine)) ||
      failed(verifyInit(*this, *machine)) ||
      failed(verifyContractNest(*this, *machine)))
    return failure();
  if (getRoutes() && getRoutes()->size() != 3)
    return emitOpError() << "names the routes of lhs, rhs and result: 3, got "
                         << getRoutes()->size();
  return verifyHome(*this, getHomeAttr(), getType(), *machine);
}

LogicalResult ContractOp::verifySymbolUses(SymbolTableCollection &symbolTable) {
  if (!getRoutes())
    return success();
  const Machine *machine = findMachine(*this);
  if (!machine)
    return failure();
  FailureOr<std::array<BitMapAttr, 3>> maps = getRouteMaps(*this, *machine);
  if (failed(maps))
    return failure();
  Operation *scope = SymbolTable::getNearestSymbolTable((*this)->getParentOp());
  for (auto [id, name] :
       llvm::enumerate(getRoutes()->getAsRange<FlatSymbolRefAttr>())) {
    auto route =
        scope ? symbolTable.lookupSymbolIn<RouteOp>(scope, name.getAttr())
              : RouteOp();
    if (!route)
      return emitOpError() << name << " is not the name of a fetta.route";
    if (route.getKind() != getRouteKind(id)) {
      InFlightDiagnostic diag =
          emitOpError() << "needs a " << stringifyRouteKind(getRouteKind(id))
                        << " as route " << id;
      diag.attachNote(route.getLoc()) << "route declared here";
      return diag;
    }
    BitMapAttr needed = (*maps)[id];
    if (route.getMapAttr() && route.getMapAttr() != needed) {
      InFlightDiagnostic diag = emitOpError()
                                << "needs " << needed << " as route " << id
                                << ", " << name << " is " << route.getMapAttr();
      diag.attachNote(route.getLoc()) << "route declared here";
      return diag;
    }
  }
  return success();
}

/// What switch words and masks do: followed once for each machine.
static FailureOr<BitMapAttr> getMapOfWords(RouteOp op, const Machine &machine) {
  FettaDialect::Memo &memo = FettaDialect::Memo::of(op);
  Attribute masks = op.getMasksAttr();
  std::tuple key(getMachineAttr(op).getAsOpaquePointer(), op.getKind(),
                 op.getWordsAttr().getAsOpaquePointer(),
                 masks.getAsOpaquePointer());
  {
    std::lock_guard<std::mutex> lock(memo.mutex);
    if (BitMapAttr known = memo.routes.lookup(key))
      return known;
  }
  llvm::Expected<Route> route = getRoute(op, machine);
  if (!route)
    return op.emitOpError() << llvm::toString(route.takeError());
  llvm::Expected<BitMap> map = liftRoute(*route);
  if (!map)
    return op.emitOpError() << llvm::toString(map.takeError());
  BitMapAttr attribute = BitMapAttr::get(op.getContext(), *map);
  std::lock_guard<std::mutex> lock(memo.mutex);
  return memo.routes[key] = attribute;
}

LogicalResult RouteOp::verify() {
  const Machine *machine = findMachine(*this);
  if (!machine)
    return failure();
  if (!getMapAttr() && !getWords())
    return emitOpError() << "has neither a map nor switch words";
  if (getMapAttr() && getMapAttr().getRows().size() != machine->laneBits())
    return emitOpError() << "maps " << getMapAttr().getRows().size()
                         << " bits, the machine has " << machine->laneBits();
  if (!getWords()) {
    if (getMasks())
      return emitOpError() << "has masks but no switch words";
    return success();
  }
  FailureOr<BitMapAttr> map = getMapOfWords(*this, *machine);
  if (failed(map))
    return failure();
  if (getMapAttr() && getMapAttr() != *map)
    return emitOpError() << "switch words do " << *map << ", but the map is "
                         << getMapAttr();
  return success();
}
