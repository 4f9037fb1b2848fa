//===- FettaNest.cpp --------------------------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Contractions in IR and nests of the runtime half, both ways.
///
//===----------------------------------------------------------------------===//

#include "DialectMemo.h"

#include "fetta/Dialect/Fetta/IR/FettaOps.h"
#include "fetta/Mapping/Mapping.h"
#include "fetta/Support/Error.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace fetta;
using namespace fetta::hw;

static_assert(int(DataflowKind::AStationary) == int(Dataflow::AStationary) &&
              int(DataflowKind::BStationary) == int(Dataflow::BStationary) &&
              int(DataflowKind::OutputStationary) ==
                  int(Dataflow::OutputStationary));
static_assert(int(RouteKind::Distribution) == int(NetKind::Distribution) &&
              int(RouteKind::Reduction) == int(NetKind::Reduction));

llvm::Expected<EinsumModes> fetta::hw::parseEinsum(StringRef text) {
  EinsumModes einsum;
  auto [inputs, output] = text.split("->");
  if (!text.contains("->") || inputs.count(',') != 1 || output.contains(','))
    return makeError("einsum \"{0}\" should have two operands and a result, as "
                     "in \"b i, i r -> b r\"",
                     text);
  StringRef operands[3] = {inputs.split(',').first, inputs.split(',').second,
                           output};
  for (unsigned id = 0; id < 3; ++id) {
    SmallVector<StringRef> names;
    llvm::SplitString(operands[id], names, " ");
    for (StringRef name : names) {
      if (!llvm::isAlpha(name[0]) && name[0] != '_')
        return makeError("einsum \"{0}\": '{1}' is not the name of a mode",
                         text, name);
      unsigned mode = llvm::find(einsum.names, name) - einsum.names.begin();
      if (mode == einsum.names.size()) {
        if (id == OperandC)
          return makeError(
              "einsum \"{0}\": mode '{1}' of the result is in no operand", text,
              name);
        einsum.names.push_back(name.str());
      }
      if (llvm::is_contained(einsum.modes[id], mode))
        return makeError("einsum \"{0}\": mode '{1}' appears twice in one "
                         "operand",
                         text, name);
      einsum.modes[id].push_back(mode);
    }
  }
  return einsum;
}

/// The nest but for slabs and base rows. All that it reads of the operation is
/// in the key of Memo::find.
static llvm::Expected<Nest> buildNest(ContractOp op) {
  llvm::Expected<EinsumModes> einsum = parseEinsum(op.getEinsum());
  if (!einsum)
    return einsum.takeError();
  Nest nest;
  nest.dataflow = Dataflow(op.getDataflow());
  nest.accumulate = bool(op.getInit());
  nest.sizes.assign(einsum->names.size(), 0);
  SerialAttr serial = op.getSerialAttr();
  const uint32_t masks[3] = {serial ? serial.getLhs() : 0,
                             serial ? serial.getRhs() : 0,
                             serial ? serial.getResult() : 0};
  static const char *const roles[3] = {"lhs", "rhs", "result"};
  for (unsigned id = 0; id < 3; ++id) {
    auto type = cast<RankedTensorType>(op.getTensor(id).getType());
    ArrayRef<unsigned> modes = einsum->modes[id];
    if (type.getRank() != int64_t(modes.size()))
      return makeError("{0} has {1} modes in \"{2}\" but rank {3}", roles[id],
                       modes.size(), op.getEinsum(), type.getRank());
    for (auto [mode, size] : llvm::zip_equal(modes, type.getShape())) {
      if (nest.sizes[mode] && nest.sizes[mode] != size)
        return makeError("mode '{0}' has size {1} in {2} but size {3} before",
                         einsum->names[mode], size, roles[id],
                         nest.sizes[mode]);
      nest.sizes[mode] = size;
    }
    std::optional<Layout> layout = getLayout(type);
    if (!layout)
      return makeError("{0} has no layout", roles[id]);
    Operand &operand = nest.operands[id];
    operand = operandFromLayout(*layout, modes, einsum->names.size());
    operand.elementType = getElementType(type);
    operand.serialLanes = masks[id];
  }
  auto modeOf = [&](StringAttr name) -> llvm::Expected<unsigned> {
    auto it = llvm::find(einsum->names, name.getValue());
    if (it == einsum->names.end())
      return makeError("mode '{0}' is not in einsum \"{1}\"", name.getValue(),
                       op.getEinsum());
    return unsigned(it - einsum->names.begin());
  };
  auto fillLanes = [&](ArrayRef<NamedBit> from, auto &to) -> llvm::Error {
    for (const NamedBit &bit : from) {
      to.emplace_back();
      if (!bit.mode)
        continue;
      llvm::Expected<unsigned> mode = modeOf(bit.mode);
      if (!mode)
        return mode.takeError();
      to.back() = ModeBit{*mode, bit.bit};
    }
    return llvm::Error::success();
  };
  LaneTableAttr lanes = op.getLanes();
  if (llvm::Error error = fillLanes(lanes.getCe(), nest.lanes.ce))
    return error;
  if (llvm::Error error = fillLanes(lanes.getRow(), nest.lanes.row))
    return error;
  if (llvm::Error error = fillLanes(lanes.getColumn(), nest.lanes.column))
    return error;
  LoopsAttr loops = op.getLoops();
  for (const NamedLoop &loop :
       llvm::concat<const NamedLoop>(loops.getOuter(), loops.getInner())) {
    llvm::Expected<unsigned> mode = modeOf(loop.mode);
    if (!mode)
      return mode.takeError();
    nest.loops.push_back({*mode, loop.count, loop.weight});
  }
  nest.scopeLevel = loops.getOuter().size();
  AccumulatorAttr accumulator = op.getAccumulator();
  ArrayRef<unsigned> resultModes = einsum->modes[OperandC];
  if (accumulator.getStrides().size() != resultModes.size())
    return makeError("accumulator has {0} strides, the result has {1} "
                     "dimensions",
                     accumulator.getStrides().size(), resultModes.size());
  nest.accumulatorBase = accumulator.getBase();
  nest.accumulatorStrides.assign(einsum->names.size(), 0);
  for (auto [mode, stride] :
       llvm::zip_equal(resultModes, accumulator.getStrides()))
    nest.accumulatorStrides[mode] = stride;
  return nest;
}

llvm::Expected<KnownNest &> FettaDialect::Memo::find(ContractOp op) {
  MachineAttr machine = getMachineAttr(op);
  const NestKey key = {
      {machine ? machine.getAsOpaquePointer() : nullptr,
       op.getEinsumAttr().getAsOpaquePointer(),
       op.getDataflowAttr().getAsOpaquePointer(),
       op.getLanes().getAsOpaquePointer(), op.getLoops().getAsOpaquePointer(),
       op.getAccumulator().getAsOpaquePointer(),
       op.getSerialAttr().getAsOpaquePointer(),
       op.getLhs().getType().getAsOpaquePointer(),
       op.getRhs().getType().getAsOpaquePointer(),
       op.getType().getAsOpaquePointer(),
       op.getInit() ? op.getType().getAsOpaquePointer() : nullptr}};
  std::lock_guard<std::mutex> lock(mutex);
  if (auto it = nests.find(key); it != nests.end())
    return *it->second;
  llvm::Expected<Nest> nest = buildNest(op);
  if (!nest)
    return nest.takeError();
  std::unique_ptr<KnownNest> &known = nests[key];
  known = std::make_unique<KnownNest>();
  known->nest = std::move(*nest);
  return *known;
}

llvm::Expected<const Nest &> fetta::hw::getUnplacedNest(ContractOp op) {
  llvm::Expected<KnownNest &> known = FettaDialect::Memo::of(op).find(op);
  if (!known)
    return known.takeError();
  return known->nest;
}

llvm::Expected<Nest> fetta::hw::getNest(ContractOp op, HomeFinder &homes) {
  llvm::Expected<const Nest &> unplaced = getUnplacedNest(op);
  if (!unplaced)
    return unplaced.takeError();
  Nest nest = *unplaced;
  for (unsigned id = 0; id < 3; ++id)
    if (HomeAttr home = homes.getHome(op.getTensor(id))) {
      nest.operands[id].slab = home.getSlab();
      nest.operands[id].baseRow = home.getRow();
    }
  if (nest.roundsSums())
    if (HomeAttr home = homes.getHome(op.getInit()))
      nest.sums = {home.getSlab(), home.getRow()};
  return nest;
}

std::string fetta::hw::getOrigin(Location location) {
  auto file = location->findInstanceOf<FileLineColLoc>();
  if (!file || file.getFilename().empty())
    return "";
  return llvm::formatv("{0}:{1}:{2}", file.getFilename().getValue(),
                       file.getLine(), file.getColumn());
}

ContractOp fetta::hw::createContract(OpBuilder &builder, Location location,
                                     StringRef text, Value lhs, Value rhs,
                                     RankedTensorType resultType,
                                     const Nest &nest, PhaseKind phase,
                                     Value init) {
  MLIRContext *context = builder.getContext();
  EinsumModes einsum = llvm::cantFail(parseEinsum(text));
  auto name = [&](unsigned mode) {
    return builder.getStringAttr(einsum.names[mode]);
  };
  auto bits = [&](ArrayRef<std::optional<ModeBit>> lanes) {
    return llvm::map_to_vector(lanes, [&](std::optional<ModeBit> bit) {
      return bit ? NamedBit{name(bit->mode), bit->bit} : NamedBit();
    });
  };
  SmallVector<NamedLoop> loops =
      llvm::map_to_vector(nest.loops, [&](const Loop &loop) {
        return NamedLoop{name(loop.mode), loop.count, loop.weight};
      });
  ArrayRef<NamedLoop> allLoops = loops;
  SmallVector<int64_t> strides;
  for (unsigned mode : einsum.modes[OperandC])
    strides.push_back(nest.accumulatorStrides[mode]);
  SerialAttr serial =
      SerialAttr::get(context, nest.a().serialLanes, nest.b().serialLanes,
                      nest.c().serialLanes);
  std::string origin = getOrigin(location);
  return ContractOp::create(
      builder, location, resultType, builder.getStringAttr(text), lhs, rhs,
      init, DataflowKindAttr::get(context, DataflowKind(nest.dataflow)),
      LaneTableAttr::get(context, bits(nest.lanes.ce), bits(nest.lanes.row),
                         bits(nest.lanes.column)),
      LoopsAttr::get(context, allLoops.take_front(nest.scopeLevel),
                     allLoops.drop_front(nest.scopeLevel)),
      AccumulatorAttr::get(context, nest.accumulatorBase, strides),
      serial.isNone() ? SerialAttr() : serial, /*routes=*/ArrayAttr(),
      /*sync=*/SyncAttr(), /*home=*/HomeAttr(),
      PhaseKindAttr::get(context, phase),
      origin.empty() ? StringAttr() : builder.getStringAttr(origin));
}

Wiring fetta::hw::getWiring(const Machine &machine, RouteKind kind) {
  return {machine.networks, machine.laneBits(), NetKind(kind)};
}

llvm::Expected<Route> fetta::hw::getRoute(RouteOp op, const Machine &machine) {
  Route route;
  route.wiring = getWiring(machine, op.getKind());
  if (!op.getWords())
    return makeError("route '{0}' has no switch words", op.getSymName());
  std::string bytes;
  if (!llvm::tryGetFromHex(*op.getWords(), bytes))
    return makeError("switch words should be hexadecimal digits");
  size_t switches = size_t(route.wiring.stages()) * route.wiring.switches();
  size_t expected = llvm::divideCeil(switches, 4);
  if (op.getWords()->size() != 2 * expected)
    return makeError("{0} stages of {1} switches take {2} hexadecimal digits, "
                     "got {3}",
                     route.wiring.stages(), route.wiring.switches(),
                     2 * expected, op.getWords()->size());
  unpackCodes(
      ArrayRef(reinterpret_cast<const uint8_t *>(bytes.data()), bytes.size()),
      route);
  ArrayRef<int64_t> masks;
  if (op.getMasksAttr())
    masks = op.getMasksAttr().asArrayRef();
  if (masks.size() != route.wiring.bits)
    return makeError("there should be {0} masks, one for each bank bit, got "
                     "{1}",
                     route.wiring.bits, masks.size());
  for (int64_t mask : masks) {
    if (mask < 0 || mask >> route.wiring.bits)
      return makeError("mask {0} exceeds {1} stages", mask, route.wiring.bits);
    route.masks.push_back(uint32_t(mask));
  }
  return route;
}

void fetta::hw::setRoute(RouteOp op, const Route &route) {
  op.setWords(llvm::toHex(packCodes(route), /*LowerCase=*/true));
  op.setMasks(SmallVector<int64_t>(route.masks.begin(), route.masks.end()));
}
