//===- FettaValues.cpp - Machine, layout and home of a value -------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "DialectMemo.h"

#include "fetta/Dialect/Fetta/IR/FettaOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/OpImplementation.h"

using namespace mlir;
using namespace fetta;
using namespace fetta::hw;

MachineAttr fetta::hw::getMachineAttr(Operation *op) {
  // It belongs on modules, and a look into the attributes of every operation on
  // the way would take time.
  for (; op; op = op->getParentOp())
    if (isa<ModuleOp>(op))
      if (auto machine = dyn_cast_or_null<MachineAttr>(
              op->getDiscardableAttr(kMachineAttr)))
        return machine;
  return {};
}

const Machine *fetta::hw::findMachine(Operation *op) {
  if (MachineAttr machine = getMachineAttr(op))
    return &machine.getMachine();
  op->emitOpError() << "needs the attribute '" << kMachineAttr
                    << "' on the module; run fetta-attach-machine, or give "
                       "the pipeline machine=FILE";
  return nullptr;
}

FailureOr<Machine> fetta::hw::getMachine(Operation *op) {
  if (const Machine *machine = findMachine(op))
    return *machine;
  return failure();
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

static int64_t findPhysicalRows(RankedTensorType type) {
  // Layout::rows without the layout.
  auto layout = cast<LayoutAttr>(type.getEncoding());
  SmallVector<DimLayout, 8> dims;
  for (auto [size, stride] :
       llvm::zip_equal(type.getShape(), layout.getRowStrides()))
    dims.push_back({size, 0, stride});
  for (const BankBit &bank : layout.getBanks())
    if (bank.source && bank.source->mode < dims.size())
      ++dims[bank.source->mode].lowBits;
  int64_t rows = 1;
  for (const DimLayout &dim : dims)
    rows += (dim.chunks() - 1) * dim.rowStride;
  return rows * (getElementType(type) == ElementType::F32 ? 2 : 1);
}

int64_t fetta::hw::getPhysicalRows(RankedTensorType type) {
  // This is asked for every value, again and again.
  FettaDialect::Memo &memo =
      static_cast<FettaDialect &>(
          cast<LayoutAttr>(type.getEncoding()).getDialect())
          .getMemo();
  std::lock_guard<std::mutex> lock(memo.mutex);
  auto [it, isNew] = memo.rows.try_emplace(type, 0);
  if (isNew)
    it->second = findPhysicalRows(type);
  return it->second;
}

LogicalResult fetta::hw::verifyFitsSlab(Operation *op, Type type, int64_t rows,
                                        const Machine &machine) {
  int64_t excess = rows - machine.rowsPerSlab;
  if (excess <= 0)
    return success();
  return op->emitOpError() << kExceedsMemory << ": " << type << " takes "
                           << rows << " rows, a slab has "
                           << machine.rowsPerSlab << ": " << excess
                           << " too many (" << excess * machine.lanes() * 2
                           << " bytes); take fewer tokens, another order of "
                              "contractions, or a machine with more "
                              "rows_per_slab";
}

Value fetta::hw::getCarriedInit(Value value) {
  if (auto argument = dyn_cast<BlockArgument>(value)) {
    auto repeat =
        dyn_cast_or_null<RepeatOp>(argument.getOwner()->getParentOp());
    return repeat ? repeat.getInits()[argument.getArgNumber()] : Value();
  }
  auto repeat = value.getDefiningOp<RepeatOp>();
  return repeat ? repeat.getInits()[cast<OpResult>(value).getResultNumber()]
                : Value();
}

bool fetta::hw::isFunctionArgument(Value value) {
  auto argument = dyn_cast<BlockArgument>(value);
  return argument &&
         !isa_and_nonnull<RepeatOp>(argument.getOwner()->getParentOp());
}

Value fetta::hw::getRegionOf(Value value) {
  while (true) {
    Value before = getCarriedInit(value);
    if (auto store = value.getDefiningOp<StoreOp>())
      before = store.getInto();
    if (!before)
      return value;
    if (!before.getDefiningOp<tensor::EmptyOp>()) {
      value = before;
      continue;
    }
    // tensor.empty makes a new region at every use.
    if (auto repeat = value.getDefiningOp<RepeatOp>())
      return repeat.getBody()->getArgument(
          cast<OpResult>(value).getResultNumber());
    return value;
  }
}

/// The value whose home another one has; null for one with a home of its own.
static Value getHomeSource(Value value) {
  if (Value init = getCarriedInit(value))
    return init;
  Operation *op = value.getDefiningOp();
  if (auto relabel = dyn_cast_or_null<RelabelOp>(op))
    return relabel.getSource();
  if (auto contract = dyn_cast_or_null<ContractOp>(op);
      contract && contract.isInPlace())
    return contract.getInit();
  return {};
}

Operation *fetta::hw::getHomeOp(Value value) {
  while (Value source = getHomeSource(value))
    value = source;
  return value.getDefiningOp();
}

Operation *HomeFinder::find(Value value) {
  SmallVector<Value> links;
  Operation *home = nullptr;
  while (true) {
    Value source = getHomeSource(value);
    if (!source) {
      home = value.getDefiningOp();
      break;
    }
    auto [it, isNew] = known.try_emplace(value, nullptr);
    if (!isNew) {
      home = it->second;
      break;
    }
    links.push_back(value);
    value = source;
  }
  for (Value link : links)
    known[link] = home;
  return home;
}

static HomeAttr getOwnHome(Operation *op) {
  if (auto place = dyn_cast_or_null<PlaceOp>(op))
    return place.getHomeAttr();
  if (auto load = dyn_cast_or_null<LoadOp>(op))
    return load.getHomeAttr();
  if (auto contract = dyn_cast_or_null<ContractOp>(op))
    return contract.getHomeAttr();
  return {};
}

HomeAttr fetta::hw::getHome(Value value) {
  return getOwnHome(getHomeOp(value));
}

HomeAttr HomeFinder::getHome(Value value) { return getOwnHome(find(value)); }
