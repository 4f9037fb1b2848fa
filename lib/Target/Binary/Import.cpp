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
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Verifier.h"

using namespace mlir;
using namespace fetta;
using namespace fetta::hw;

void fetta::registerBinaryDialects(DialectRegistry &registry) {
  registry.insert<FettaDialect, tnn::TNNDialect, func::FuncDialect,
                  tensor::TensorDialect>();
}

namespace {

class Importer {
public:
  Importer(const Program &program, MLIRContext *context)
      : program(program), context(context), builder(context) {}

  llvm::Expected<OwningOpRef<ModuleOp>> run();

private:
  llvm::Error importContract(const Contract &contract);
  llvm::Error importDma(const Dma &dma);
  void importSync(const Sync &sync);
  void addArguments(func::FuncOp function, Block *block);
  llvm::Error addResults(func::FuncOp function);
  SyncAttr sync(const Tokens &tokens);
  llvm::Expected<Value> operandValue(const Contract &contract, unsigned id,
                                     ArrayRef<unsigned> modes);
  template <typename Entry> RankedTensorType outside(const Entry &entry) {
    return RankedTensorType::get(entry.shape, elementType(entry));
  }
  RankedTensorType inMemory(const TensorEntry &tensor, const Layout &layout) {
    SmallVector<int64_t> shape;
    for (const DimLayout &dim : layout.dims)
      shape.push_back(dim.size);
    return RankedTensorType::get(shape, elementType(tensor),
                                 LayoutAttr::get(context, layout));
  }
  template <typename Entry> Type elementType(const Entry &entry) {
    return entry.elementType == ElementType::F32 ? Type(builder.getF32Type())
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
  std::vector<Value> stored;                  ///< By region.
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
  Value init;
  if (nest.accumulate) {
    const TensorEntry &sums = program.tensors[sumsTensor(contract)];
    init = values[sumsTensor(contract)];
    if (!init)
      return context(makeError("it goes on from sums in '{0}', which nothing "
                               "wrote",
                               sums.name));
    if (nest.sumsPlace() != SumsPlace{sums.slab, sums.baseRow} ||
        sums.layout != result.layout)
      return context(makeError("it goes on from a part or a view of tensor "
                               "'{0}'; the dialect knows whole tensors only",
                               sums.name));
  }
  ContractOp op = createContract(builder, loc, entry.einsum, operands[0],
                                 operands[1], inMemory(result, result.layout),
                                 nest, PhaseKind(entry.phase), init);
  if (!op.isInPlace())
    op.setHomeAttr(home(result));
  op.setSyncAttr(sync(contract.tokens));
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

/// Null without tokens.
SyncAttr Importer::sync(const Tokens &tokens) {
  SmallVector<fetta::hw::Token> waits, signals;
  for (auto [from, to] :
       {std::pair(&tokens.waits, &waits), {&tokens.signals, &signals}})
    for (const fetta::Token &token : *from)
      if (token.count)
        to->push_back({token.semaphore, token.count});
  if (waits.empty() && signals.empty())
    return {};
  return SyncAttr::get(context, waits, signals);
}

llvm::Error Importer::importDma(const Dma &dma) {
  const TensorEntry &tensor = program.tensors[dma.tensor];
  const DramRegion &region = program.regions[dma.region];
  RankedTensorType type = inMemory(tensor, tensor.layout);
  Location loc = builder.getUnknownLoc();
  // Without strides where the tile is dense. A dimension of one element has
  // none in the binary.
  SmallVector<int64_t> strides(dma.strides.begin(), dma.strides.end());
  bool isDense = true;
  int64_t dense = 1;
  for (size_t d = strides.size(); d-- > 0; dense *= type.getDimSize(d)) {
    if (type.getDimSize(d) == 1)
      strides[d] = dense;
    isDense &= strides[d] == dense;
  }
  DenseI64ArrayAttr attribute =
      isDense ? DenseI64ArrayAttr() : builder.getDenseI64ArrayAttr(strides);
  DenseI64ArrayAttr blocks = dma.blocks.empty()
                                 ? DenseI64ArrayAttr()
                                 : builder.getDenseI64ArrayAttr(dma.blocks);
  Value &content = stored[dma.region];
  if (!dma.store) {
    if (!content)
      return makeError("region '{0}' is read before it is written",
                       region.name);
    values[dma.tensor] = LoadOp::create(
        builder, loc, type, content, builder.getI64IntegerAttr(dma.offset),
        attribute, sync(dma.tokens), home(tensor), blocks,
        /*advance=*/IntegerAttr());
    return llvm::Error::success();
  }
  Value source = values[dma.tensor];
  if (!source)
    return makeError("tensor '{0}' is stored before it is written",
                     tensor.name);
  if (!content)
    content = tensor::EmptyOp::create(builder, loc, region.shape,
                                      elementType(region));
  content = StoreOp::create(builder, loc, content.getType(), source, content,
                            builder.getI64IntegerAttr(dma.offset), attribute,
                            sync(dma.tokens), blocks,
                            /*advance=*/IntegerAttr());
  return llvm::Error::success();
}

void Importer::importSync(const Sync &instruction) {
  if (SyncAttr tokens = sync(instruction.tokens))
    SyncOp::create(builder, builder.getUnknownLoc(),
                   QueueKind(instruction.queue), tokens);
}

/// Regions that the host fills, then tensors that it places.
void Importer::addArguments(func::FuncOp function, Block *block) {
  static const StringLiteral roles[] = {tnn::kRoleInput, tnn::kRoleParam,
                                        tnn::kRoleState, tnn::kRoleTarget};
  unsigned argument = 0;
  auto describe = [&](const auto &entry) -> Value {
    function.setArgAttr(argument, tnn::kNameAttr,
                        builder.getStringAttr(entry.name));
    function.setArgAttr(argument, tnn::kRoleAttr,
                        builder.getStringAttr(roles[unsigned(entry.role)]));
    return block->getArgument(argument++);
  };
  values.resize(program.tensors.size());
  stored.resize(program.regions.size());
  for (auto [index, region] : llvm::enumerate(program.regions))
    if (isPreloaded(region.role))
      stored[index] = describe(region);
  for (auto [index, tensor] : llvm::enumerate(program.tensors))
    if (isPreloaded(tensor.role))
      values[index] = PlaceOp::create(builder, builder.getUnknownLoc(),
                                      inMemory(tensor, tensor.layout),
                                      describe(tensor), home(tensor));
}

llvm::Error Importer::addResults(func::FuncOp function) {
  Location unknown = builder.getUnknownLoc();
  SmallVector<Value> results;
  SmallVector<Type> types;
  SmallVector<DictionaryAttr> attributes;
  auto add = [&](Value value, StringRef name) {
    results.push_back(value);
    types.push_back(value.getType());
    attributes.push_back(builder.getDictionaryAttr(
        builder.getNamedAttr(tnn::kNameAttr, builder.getStringAttr(name))));
  };
  for (auto [index, region] : llvm::enumerate(program.regions)) {
    if (!isCollected(region.role))
      continue;
    if (!stored[index])
      return makeError("region '{0}' is never written", region.name);
    add(stored[index], region.name);
  }
  for (auto [index, tensor] : llvm::enumerate(program.tensors)) {
    if (!isCollected(tensor.role))
      continue;
    if (!values[index])
      return makeError("tensor '{0}' is never written", tensor.name);
    add(CollectOp::create(builder, unknown, outside(tensor), values[index]),
        tensor.name);
  }
  func::ReturnOp::create(builder, unknown, results);
  function.setType(builder.getFunctionType(function.getArgumentTypes(), types));
  function.setAllResultAttrs(attributes);
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
  for (const DramRegion &region : program.regions)
    if (isPreloaded(region.role))
      inputs.push_back(outside(region));
  for (const TensorEntry &tensor : program.tensors)
    if (isPreloaded(tensor.role))
      inputs.push_back(outside(tensor));
  auto function = func::FuncOp::create(builder, unknown, "main",
                                       builder.getFunctionType(inputs, {}));
  Block *block = function.addEntryBlock();
  builder.setInsertionPointToStart(block);
  addArguments(function, block);
  for (unsigned net = 0; net < 3; ++net)
    slots[net].assign(program.machine.routeSlots, 0);
  for (const Instruction &instruction : program.code) {
    llvm::Error error = llvm::Error::success();
    if (auto *load = std::get_if<LoadRoute>(&instruction))
      slots[unsigned(load->net)][load->slot] = load->route;
    else if (auto *contract = std::get_if<Contract>(&instruction))
      error = importContract(*contract);
    else if (auto *dma = std::get_if<Dma>(&instruction))
      error = importDma(*dma);
    else if (auto *sync = std::get_if<Sync>(&instruction))
      importSync(*sync);
    if (error)
      return error;
  }
  if (llvm::Error error = addResults(function))
    return error;
  if (failed(verify(*module)))
    return makeError("the program is no valid module");
  return module;
}

llvm::Expected<OwningOpRef<ModuleOp>>
fetta::importProgram(const Program &program, MLIRContext *context) {
  DialectRegistry registry;
  registerBinaryDialects(registry);
  context->appendDialectRegistry(registry);
  context->loadDialect<FettaDialect, tnn::TNNDialect, func::FuncDialect,
                       tensor::TensorDialect>();
  llvm::Expected<Program> expanded = expandRepeats(program);
  if (!expanded)
    return expanded.takeError();
  return Importer(*expanded, context).run();
}
