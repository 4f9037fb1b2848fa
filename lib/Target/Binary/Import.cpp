//===- Import.cpp ------------------------------------------------*- C++
//-*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Dialect/Fetta/IR/FettaOps.h"
#include "fetta/Dialect/TNN/IR/TNNDialect.h"
#include "fetta/Support/Error.h"
#include "fetta/Target/Binary/Binary.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Verifier.h"

using namespace mlir;
using namespace fetta;
using namespace fetta::hw;

void fetta::registerBinaryDialects(DialectRegistry &registry) {
  registry.insert<FettaDialect, tnn::TNNDialect, func::FuncDialect>();
}

namespace {

class Importer {
public:
  Importer(const Program &program, MLIRContext *context)
      : program(program), context(context), builder(context) {}

  llvm::Expected<OwningOpRef<ModuleOp>> run();

private:
  llvm::Error importContract(const Contract &contract);
  llvm::Expected<Value> operandValue(const Contract &contract, unsigned id,
                                     ArrayRef<unsigned> modes);
  RankedTensorType outside(const TensorEntry &tensor) {
    return RankedTensorType::get(tensor.shape, elementType(tensor));
  }
  RankedTensorType inMemory(const TensorEntry &tensor, const Layout &layout) {
    SmallVector<int64_t> shape;
    for (const DimLayout &dim : layout.dims)
      shape.push_back(dim.size);
    return RankedTensorType::get(shape, elementType(tensor),
                                 LayoutAttr::get(context, layout));
  }
  Type elementType(const TensorEntry &tensor) {
    return tensor.elementType == ElementType::F32 ? Type(builder.getF32Type())
                                                  : builder.getBF16Type();
  }
  HomeAttr home(const TensorEntry &tensor) {
    return HomeAttr::get(context, tensor.slab, tensor.baseRow);
  }
  Location location(StringRef origin) {
    auto [rest, column] = origin.rsplit(':');
    auto [file, line] = rest.rsplit(':');
    unsigned lineNumber, columnNumber;
    if (file.empty() || line.getAsInteger(10, lineNumber) ||
        column.getAsInteger(10, columnNumber))
      return builder.getUnknownLoc();
    return FileLineColLoc::get(context, file, lineNumber, columnNumber);
  }

  const Program &program;
  MLIRContext *context;
  OpBuilder builder;
  std::vector<Value> values;                  ///< By tensor.
  std::array<std::vector<uint32_t>, 3> slots; ///< Routes by network.
};

} // namespace

/// The operand as a layout over the modes of its tensor, which the einsum
/// lists: the inverse of operandFromLayout.
static Layout layoutOf(const Operand &operand, ArrayRef<unsigned> modes) {
  Layout layout;
  layout.banks.assign(operand.banks.begin(), operand.banks.end());
  for (BankBit &bank : layout.banks)
    if (bank.source)
      bank.source->mode = llvm::find(modes, bank.source->mode) - modes.begin();
  for (unsigned mode : modes)
    layout.dims.push_back(operand.modes[mode].value_or(DimLayout()));
  return layout;
}

llvm::Expected<Value> Importer::operandValue(const Contract &contract,
                                             unsigned id,
                                             ArrayRef<unsigned> modes) {
  const Operand &operand = contract.nest.operands[id];
  const TensorEntry &tensor = program.tensors[contract.tensors[id]];
  if (operand.slab != tensor.slab || operand.baseRow != tensor.baseRow)
    return makeError("operand {0} is a window of tensor '{1}' from row {2}; "
                     "the dialect knows whole tensors only",
                     id, tensor.name, operand.baseRow - tensor.baseRow);
  RankedTensorType type = inMemory(tensor, layoutOf(operand, modes));
  Value value = values[contract.tensors[id]];
  if (!value)
    return makeError("tensor '{0}' is read before it is written", tensor.name);
  if (value.getType() == type)
    return value;
  std::optional<Layout> relabeled = relabel(tensor.layout, type.getShape());
  if (!relabeled || inMemory(tensor, *relabeled) != type)
    return makeError("operand {0} is no relabeling of tensor '{1}'", id,
                     tensor.name);
  // One relabel for each type, as the conversion makes them.
  for (Operation *user : value.getUsers())
    if (auto relabelOp = dyn_cast<RelabelOp>(user);
        relabelOp && relabelOp.getType() == type)
      return relabelOp.getResult();
  return Value(
      RelabelOp::create(builder, builder.getUnknownLoc(), type, value));
}

llvm::Error Importer::importContract(const Contract &contract) {
  const OpEntry &entry = program.ops[contract.op];
  auto context = [&](llvm::Error error) {
    return addErrorContext(entry.name, std::move(error));
  };
  llvm::Expected<EinsumModes> einsum = parseEinsum(entry.einsum);
  if (!einsum)
    return context(einsum.takeError());
  const Nest &nest = contract.nest;
  for (unsigned id = 0; id < 3; ++id) {
    bool same = einsum->names.size() == nest.modeCount();
    for (unsigned mode = 0; same && mode < nest.modeCount(); ++mode)
      same = nest.operands[id].holds(mode) ==
             llvm::is_contained(einsum->modes[id], mode);
    if (!same)
      return context(makeError("the operands of the instruction are not those "
                               "of \"{0}\"",
                               entry.einsum));
  }
  if (!nest.clearAtStart || !nest.drainAtEnd)
    return context(makeError("its accumulator scope is open; the dialect knows "
                             "contractions that clear and drain only"));
  Value operands[2];
  for (unsigned id = 0; id < 2; ++id) {
    llvm::Expected<Value> value = operandValue(contract, id, einsum->modes[id]);
    if (!value)
      return context(value.takeError());
    operands[id] = *value;
  }
  const TensorEntry &result = program.tensors[contract.tensors[OperandC]];
  if (layoutOf(nest.c(), einsum->modes[OperandC]) != result.layout ||
      nest.c().slab != result.slab || nest.c().baseRow != result.baseRow)
    return context(makeError("it writes a part of tensor '{0}'; the dialect "
                             "knows whole tensors only",
                             result.name));
  Location loc = location(entry.location);
  ContractOp op = createContract(builder, loc, entry.einsum, operands[0],
                                 operands[1], inMemory(result, result.layout),
                                 nest, PhaseKind(entry.phase));
  op.setHomeAttr(home(result));
  SmallVector<Attribute> names;
  for (OperandId id : {OperandA, OperandB, OperandC}) {
    unsigned net = unsigned(netOf(nest.dataflow, id));
    names.push_back(FlatSymbolRefAttr::get(
        builder.getContext(),
        "route" + std::to_string(slots[net][contract.slots[net]])));
  }
  op.setRoutesAttr(builder.getArrayAttr(names));
  values[contract.tensors[OperandC]] = op.getResult();
  return llvm::Error::success();
}

llvm::Expected<OwningOpRef<ModuleOp>> Importer::run() {
  Location unknown = builder.getUnknownLoc();
  OwningOpRef<ModuleOp> module = ModuleOp::create(builder, unknown);
  (*module)->setAttr(kMachineAttr, MachineAttr::get(context, program.machine));
  builder.setInsertionPointToStart(module->getBody());
  for (auto [index, route] : llvm::enumerate(program.routes)) {
    llvm::Expected<BitMap> map = liftRoute(route);
    if (!map)
      return addErrorContext("route " + std::to_string(index), map.takeError());
    RouteOp op = RouteOp::create(
        builder, unknown, "route" + std::to_string(index),
        RouteKind(route.wiring.kind), BitMapAttr::get(context, *map),
        StringAttr(), DenseI64ArrayAttr());
    setRoute(op, route);
  }

  SmallVector<Type> inputs;
  for (const TensorEntry &tensor : program.tensors)
    if (isPreloaded(tensor.role))
      inputs.push_back(outside(tensor));
  auto function = func::FuncOp::create(builder, unknown, "main",
                                       builder.getFunctionType(inputs, {}));
  Block *block = function.addEntryBlock();
  builder.setInsertionPointToStart(block);
  values.resize(program.tensors.size());
  unsigned argument = 0;
  static const StringLiteral roles[] = {tnn::kRoleInput, tnn::kRoleParam,
                                        tnn::kRoleState, tnn::kRoleTarget};
  for (auto [index, tensor] : llvm::enumerate(program.tensors)) {
    if (!isPreloaded(tensor.role))
      continue;
    function.setArgAttr(argument, tnn::kNameAttr,
                        builder.getStringAttr(tensor.name));
    function.setArgAttr(argument, tnn::kRoleAttr,
                        builder.getStringAttr(roles[unsigned(tensor.role)]));
    values[index] =
        PlaceOp::create(builder, unknown, inMemory(tensor, tensor.layout),
                        block->getArgument(argument++), home(tensor));
  }
  for (unsigned net = 0; net < 3; ++net)
    slots[net].assign(program.machine.routeSlots, 0);
  for (const Instruction &instruction : program.code) {
    if (auto *load = std::get_if<LoadRoute>(&instruction))
      slots[unsigned(load->net)][load->slot] = load->route;
    else if (auto *contract = std::get_if<Contract>(&instruction))
      if (llvm::Error error = importContract(*contract))
        return error;
  }
  SmallVector<Value> results;
  SmallVector<Type> types;
  SmallVector<DictionaryAttr> attributes;
  for (auto [index, tensor] : llvm::enumerate(program.tensors)) {
    if (!isCollected(tensor.role))
      continue;
    if (!values[index])
      return makeError("tensor '{0}' is never written", tensor.name);
    results.push_back(
        CollectOp::create(builder, unknown, outside(tensor), values[index]));
    types.push_back(results.back().getType());
    attributes.push_back(builder.getDictionaryAttr(builder.getNamedAttr(
        tnn::kNameAttr, builder.getStringAttr(tensor.name))));
  }
  func::ReturnOp::create(builder, unknown, results);
  function.setType(builder.getFunctionType(inputs, types));
  function.setAllResultAttrs(attributes);
  if (failed(verify(*module)))
    return makeError("the program is no valid module");
  return module;
}

llvm::Expected<OwningOpRef<ModuleOp>>
fetta::importProgram(const Program &program, MLIRContext *context) {
  DialectRegistry registry;
  registerBinaryDialects(registry);
  context->appendDialectRegistry(registry);
  context->loadDialect<FettaDialect, tnn::TNNDialect, func::FuncDialect>();
  return Importer(program, context).run();
}
