//===- Export.cpp ------------------------------------------------*- C++
//-*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Dialect/Fetta/IR/FettaOps.h"
#include "fetta/Dialect/TNN/IR/TNNDialect.h"
#include "fetta/Target/Binary/Binary.h"

using namespace mlir;
using namespace fetta;
using namespace fetta::hw;

static_assert(int(PhaseKind::Forward) == int(Phase::Forward) &&
              int(PhaseKind::Backward) == int(Phase::Backward) &&
              int(PhaseKind::WeightGradient) == int(Phase::WeightGradient));

FailureOr<FunctionOpInterface> fetta::getProgramFunction(ModuleOp module,
                                                         StringRef name) {
  SmallVector<FunctionOpInterface> functions;
  std::string names;
  for (auto function : module.getOps<FunctionOpInterface>()) {
    if (function.isExternal())
      continue;
    if (function.getName() == name)
      return function;
    functions.push_back(function);
    names += (names.empty() ? "'" : ", '") + function.getName().str() + "'";
  }
  if (!name.empty())
    return module.emitError()
           << "there is no function '" << name
           << "' with a body; functions: " << (names.empty() ? "none" : names);
  if (functions.empty())
    return module.emitError() << "there is no function with a body";
  if (functions.size() > 1)
    return module.emitError()
           << "a binary holds one function; choose one of " << names;
  return functions.front();
}

namespace {

class Exporter {
public:
  Exporter(FunctionOpInterface function, const Machine &machine)
      : function(function), machine(machine), builder(machine) {}

  FailureOr<Program> run();

private:
  LogicalResult addPlace(PlaceOp op);
  LogicalResult addContract(ContractOp op);
  LogicalResult findResults(Operation *terminator);
  FailureOr<uint32_t> addTensor(Operation *op, TensorEntry entry);
  FailureOr<uint32_t> routeOf(ContractOp op, unsigned operand);

  FunctionOpInterface function;
  const Machine &machine;
  ProgramBuilder builder;
  llvm::DenseMap<Operation *, uint32_t> tensors; ///< By home op.
  /// Index of the function result and collected shape, by home op.
  llvm::DenseMap<Operation *, std::pair<unsigned, RankedTensorType>> results;
  llvm::DenseMap<Operation *, uint32_t> routes;
  SymbolTableCollection symbols;
  unsigned contractions = 0;
};

} // namespace

FailureOr<uint32_t> Exporter::addTensor(Operation *op, TensorEntry entry) {
  auto type = cast<RankedTensorType>(op->getResult(0).getType());
  HomeAttr home = getHome(op->getResult(0));
  if (!home)
    return op->emitOpError()
           << "has no home in tensor memory; run fetta-allocate-memory";
  entry.elementType = getElementType(type);
  entry.layout = *getLayout(type);
  entry.slab = home.getSlab();
  entry.baseRow = home.getRow();
  return tensors[op] = builder.addTensor(std::move(entry));
}

LogicalResult Exporter::addPlace(PlaceOp op) {
  auto argument = cast<BlockArgument>(op.getSource());
  unsigned index = argument.getArgNumber();
  TensorEntry entry;
  auto name = function.getArgAttrOfType<StringAttr>(index, tnn::kNameAttr);
  entry.name = name ? name.str() : "arg" + std::to_string(index);
  entry.role = TensorRole::Input;
  if (auto role =
          function.getArgAttrOfType<StringAttr>(index, tnn::kRoleAttr)) {
    if (role == tnn::kRoleParam)
      entry.role = TensorRole::Param;
    else if (role == tnn::kRoleState)
      entry.role = TensorRole::State;
    else if (role == tnn::kRoleTarget)
      entry.role = TensorRole::Target;
  }
  ArrayRef<int64_t> shape = op.getSource().getType().getShape();
  entry.shape.assign(shape.begin(), shape.end());
  return addTensor(op, std::move(entry));
}

LogicalResult Exporter::findResults(Operation *terminator) {
  for (OpOperand &operand : terminator->getOpOperands()) {
    auto collect = operand.get().getDefiningOp<CollectOp>();
    if (!collect)
      return terminator->emitOpError()
             << "result #" << operand.getOperandNumber()
             << " should come from fetta.collect";
    Operation *home = getHomeOp(collect.getSource());
    if (!isa<ContractOp>(home))
      return collect.emitOpError()
             << "collects an argument; a result is computed on the machine";
    if (!results.insert({home, {operand.getOperandNumber(), collect.getType()}})
             .second)
      return collect.emitOpError() << "collects a tensor a second time";
  }
  return success();
}

FailureOr<uint32_t> Exporter::routeOf(ContractOp op, unsigned operand) {
  auto name = cast<FlatSymbolRefAttr>((*op.getRoutes())[operand]);
  auto route = symbols.lookupNearestSymbolFrom<RouteOp>(op, name);
  if (!route)
    return op.emitOpError() << name << " is not the name of a fetta.route";
  auto it = routes.find(route);
  if (it != routes.end())
    return it->second;
  llvm::Expected<Route> physical = getRoute(route, machine);
  if (!physical)
    return route.emitOpError() << llvm::toString(physical.takeError())
                               << "; run fetta-route-networks";
  return routes[route] = builder.addRoute(std::move(*physical));
}

LogicalResult Exporter::addContract(ContractOp op) {
  llvm::Expected<Nest> nest = getNest(op, machine);
  if (!nest)
    return op.emitOpError() << llvm::toString(nest.takeError());
  if (!op.getRoutes())
    return op.emitOpError() << "has no routes; run fetta-route-networks";

  std::string name = "contract" + std::to_string(contractions++);
  TensorEntry entry;
  entry.name = name;
  ArrayRef<int64_t> shape = op.getType().getShape();
  auto result = results.find(op);
  if (result != results.end()) {
    auto [index, type] = result->second;
    shape = type.getShape();
    auto attribute = dyn_cast_or_null<StringAttr>(
        function.getResultAttr(index, tnn::kNameAttr));
    entry.name = attribute ? attribute.str() : "result" + std::to_string(index);
    entry.role = op.getPhase() == PhaseKind::Forward ? TensorRole::Result
                                                     : TensorRole::Gradient;
  }
  entry.shape.assign(shape.begin(), shape.end());
  if (failed(addTensor(op, std::move(entry))))
    return failure();

  std::array<uint32_t, 3> operands, operandRoutes;
  for (unsigned id = 0; id < 3; ++id) {
    Operation *home = getHomeOp(op.getTensor(id));
    auto it = tensors.find(home);
    if (it == tensors.end())
      return op.emitOpError() << "reads a tensor that is placed later";
    operands[id] = it->second;
    FailureOr<uint32_t> route = routeOf(op, id);
    if (failed(route))
      return failure();
    operandRoutes[unsigned(netOf(nest->dataflow, OperandId(id)))] = *route;
  }
  std::string origin =
      op.getOrigin() ? op.getOrigin()->str() : getOrigin(op.getLoc());
  uint32_t opIndex = builder.addOp({std::move(name), op.getEinsum().str(),
                                    std::move(origin), Phase(op.getPhase())});
  builder.addContract(std::move(*nest), operands, operandRoutes, opIndex);
  return success();
}

FailureOr<Program> Exporter::run() {
  Region &body = function.getFunctionBody();
  if (!body.hasOneBlock())
    return function.emitError() << "a program is straight-line code; function '"
                                << function.getName() << "' has "
                                << body.getBlocks().size() << " blocks";
  Block &block = body.front();
  if (failed(findResults(block.getTerminator())))
    return failure();
  for (BlockArgument argument : block.getArguments()) {
    PlaceOp placed;
    for (Operation *user : argument.getUsers()) {
      auto place = dyn_cast<PlaceOp>(user);
      if (!place)
        return user->emitOpError()
               << "reads argument #" << argument.getArgNumber()
               << " outside the machine; only fetta.place "
                  "may";
      if (placed)
        return place.emitOpError()
               << "places argument #" << argument.getArgNumber()
               << " a second time";
      placed = place;
      if (failed(addPlace(place)))
        return failure();
    }
  }
  for (Operation &op : block) {
    if (auto contract = dyn_cast<ContractOp>(op)) {
      if (failed(addContract(contract)))
        return failure();
    } else if (auto place = dyn_cast<PlaceOp>(op)) {
      if (!isa<BlockArgument>(place.getSource()))
        return place.emitOpError() << "should place an argument";
    } else if (!isa<RelabelOp, CollectOp>(op) &&
               !op.hasTrait<OpTrait::IsTerminator>()) {
      return op.emitOpError() << "has no form in a binary";
    }
  }
  Program program = std::move(builder).finish();
  program.producer = "fetta";
  return program;
}

FailureOr<Program> fetta::exportProgram(FunctionOpInterface function) {
  FailureOr<Machine> machine = getMachine(function);
  if (failed(machine))
    return failure();
  return Exporter(function, *machine).run();
}
