//===- FettaOps.cpp ---------------------------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Dialect/Fetta/IR/FettaOps.h"
#include "mlir/IR/OpImplementation.h"

using namespace mlir;
using namespace fetta;
using namespace fetta::hw;

#define GET_OP_CLASSES
#include "fetta/Dialect/Fetta/IR/FettaOps.cpp.inc"

MachineAttr fetta::hw::getMachineAttr(Operation *op) {
  for (; op; op = op->getParentOp())
    if (auto machine = op->getAttrOfType<MachineAttr>(kMachineAttr))
      return machine;
  return {};
}

FailureOr<Machine> fetta::hw::getMachine(Operation *op) {
  if (MachineAttr machine = getMachineAttr(op))
    return machine.getMachine();
  return op->emitOpError() << "needs the attribute '" << kMachineAttr
                           << "' on the module; run fetta-attach-machine";
}

std::optional<Layout> fetta::hw::getLayout(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  auto layout = tensor ? dyn_cast_or_null<LayoutAttr>(tensor.getEncoding())
                       : LayoutAttr();
  if (!layout)
    return std::nullopt;
  return layout.getLayout(tensor.getShape());
}

ElementType fetta::hw::getElementType(Type type) {
  return getElementTypeOrSelf(type).isF32() ? ElementType::F32
                                            : ElementType::BF16;
}

int64_t fetta::hw::getPhysicalRows(RankedTensorType type) {
  return getLayout(type)->rows() *
         (getElementType(type) == ElementType::F32 ? 2 : 1);
}

LogicalResult fetta::hw::verifyFitsSlab(Operation *op, Type type, int64_t rows,
                                        const Machine &machine) {
  int64_t excess = rows - machine.rowsPerSlab;
  if (excess <= 0)
    return success();
  return op->emitOpError() << "exceeds tensor memory: " << type << " takes "
                           << rows << " rows, a slab has "
                           << machine.rowsPerSlab << ": " << excess
                           << " too many (" << excess * machine.lanes() * 2
                           << " bytes); take fewer tokens, another order of "
                              "contractions, or a machine with more "
                              "rows_per_slab";
}

Operation *fetta::hw::getHomeOp(Value value) {
  Operation *op = value.getDefiningOp();
  while (auto relabel = dyn_cast_or_null<RelabelOp>(op))
    op = relabel.getSource().getDefiningOp();
  return op;
}

HomeAttr fetta::hw::getHome(Value value) {
  Operation *op = getHomeOp(value);
  if (auto place = dyn_cast_or_null<PlaceOp>(op))
    return place.getHomeAttr();
  if (auto contract = dyn_cast_or_null<ContractOp>(op))
    return contract.getHomeAttr();
  return {};
}

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
  if (!isa_and_nonnull<PlaceOp, ContractOp, RelabelOp>(value.getDefiningOp()))
    return op->emitOpError()
           << what
           << " should come from fetta.place, fetta.contract or "
              "fetta.relabel";
  return success();
}

static LogicalResult verifyOutside(Operation *op, StringRef what, Type type) {
  if (cast<RankedTensorType>(type).getEncoding())
    return op->emitOpError()
           << what << " is outside the machine and has no layout, got " << type;
  return success();
}

static LogicalResult verifyReshape(Operation *op, RankedTensorType from,
                                   RankedTensorType to) {
  // The host rounds an f32 argument that the machine keeps as bf16.
  if (from.getElementType() != to.getElementType() &&
      !(isa<PlaceOp>(op) && from.getElementType().isF32()))
    return op->emitOpError()
           << "element types differ: " << from.getElementType() << " and "
           << to.getElementType();
  if (from.getNumElements() != to.getNumElements())
    return op->emitOpError()
           << "source has " << from.getNumElements() << " elements, result has "
           << to.getNumElements() << ": " << from << " and " << to;
  return success();
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
  FailureOr<Machine> machine = getMachine(*this);
  if (failed(machine) ||
      failed(verifyOutside(*this, "source", getSource().getType())) ||
      failed(verifyInMemory(*this, "result", getType(), *machine)) ||
      failed(verifyReshape(*this, getSource().getType(), getType())))
    return failure();
  return verifyHome(*this, getHomeAttr(), getType(), *machine);
}

LogicalResult CollectOp::verify() {
  FailureOr<Machine> machine = getMachine(*this);
  if (failed(machine) ||
      failed(verifyInMemory(*this, "source", getSource(), *machine)) ||
      failed(verifyOutside(*this, "result", getType())))
    return failure();
  return verifyReshape(*this, getSource().getType(), getType());
}

LogicalResult RelabelOp::verify() {
  FailureOr<Machine> machine = getMachine(*this);
  if (failed(machine) ||
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

LogicalResult ContractOp::verify() {
  FailureOr<Machine> machine = getMachine(*this);
  if (failed(machine) ||
      failed(verifyInMemory(*this, "lhs", getLhs(), *machine)) ||
      failed(verifyInMemory(*this, "rhs", getRhs(), *machine)) ||
      failed(verifyInMemory(*this, "result", getType(), *machine)))
    return failure();
  llvm::Expected<Nest> nest = getNest(*this, *machine);
  if (!nest)
    return emitOpError() << llvm::toString(nest.takeError());
  if (llvm::Error error = verifyNest(*nest, *machine)) {
    // The rules speak of modes by number.
    InFlightDiagnostic diag = emitOpError()
                              << llvm::toString(std::move(error)) << " (modes:";
    for (auto [mode, name] :
         llvm::enumerate(llvm::cantFail(parseEinsum(getEinsum())).names))
      diag << (mode ? ", " : " ") << mode << " is " << name;
    return diag << ")";
  }
  if (getRoutes() && getRoutes()->size() != 3)
    return emitOpError() << "names the routes of lhs, rhs and result: 3, got "
                         << getRoutes()->size();
  return verifyHome(*this, getHomeAttr(), getType(), *machine);
}

LogicalResult ContractOp::verifySymbolUses(SymbolTableCollection &symbolTable) {
  if (!getRoutes())
    return success();
  FailureOr<Machine> machine = getMachine(*this);
  if (failed(machine))
    return failure();
  llvm::Expected<Nest> nest = getNest(*this, *machine);
  if (!nest)
    return emitOpError() << llvm::toString(nest.takeError());
  for (auto [id, name] :
       llvm::enumerate(getRoutes()->getAsRange<FlatSymbolRefAttr>())) {
    auto route = symbolTable.lookupNearestSymbolFrom<RouteOp>(*this, name);
    if (!route)
      return emitOpError() << name << " is not the name of a fetta.route";
    if (route.getKind() != getRouteKind(id)) {
      InFlightDiagnostic diag =
          emitOpError() << "needs a " << stringifyRouteKind(getRouteKind(id))
                        << " as route " << id;
      diag.attachNote(route.getLoc()) << "route declared here";
      return diag;
    }
    BitMapAttr needed =
        BitMapAttr::get(getContext(), bankMap(*nest, OperandId(id), *machine));
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

LogicalResult RouteOp::verify() {
  FailureOr<Machine> machine = getMachine(*this);
  if (failed(machine))
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
  llvm::Expected<Route> route = getRoute(*this, *machine);
  if (!route)
    return emitOpError() << llvm::toString(route.takeError());
  llvm::Expected<BitMap> map = liftRoute(*route);
  if (!map)
    return emitOpError() << llvm::toString(map.takeError());
  if (getMapAttr() && !(getMapAttr().getMap() == *map))
    return emitOpError() << "switch words do "
                         << BitMapAttr::get(getContext(), *map)
                         << ", but the map is " << getMapAttr();
  return success();
}
