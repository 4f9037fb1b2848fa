//===- Export.cpp ------------------------------------------------*- C++
//-*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Dialect/Fetta/IR/FettaOps.h"
#include "fetta/Dialect/TNN/IR/TNNDialect.h"
#include "fetta/Target/Binary/Binary.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace fetta;
using namespace fetta::hw;

static_assert(int(QueueKind::Contract) == int(Queue::Contract) &&
              int(QueueKind::Load) == int(Queue::Load) &&
              int(QueueKind::Store) == int(Queue::Store) &&
              int(QueueKind::Vector) == int(Queue::Vector));
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
  LogicalResult addArgument(BlockArgument argument);
  LogicalResult addPlace(PlaceOp op);
  LogicalResult addLoad(LoadOp op);
  LogicalResult addStore(StoreOp op);
  LogicalResult addContract(ContractOp op);
  LogicalResult addRepeat(RepeatOp op);
  LogicalResult addBlock(Block &block);
  LogicalResult findResults(Operation *terminator);
  FailureOr<uint32_t> addTensor(Operation *op, TensorEntry entry);
  /// Sets the region of what follows `before` in a chain of stores: that of
  /// `before`, or a new one after tensor.empty.
  void continueRegion(Value value, Value before);
  uint32_t addRegion(DramRegion region, ArrayRef<int64_t> shape);
  FailureOr<uint32_t> routeOf(ContractOp op, unsigned operand);
  NestPlaces placesOf(ContractOp op, const Nest &nest);
  std::string resultName(unsigned index);
  /// A gradient is what the backward phases compute.
  TensorRole resultRole(Value value);

  FunctionOpInterface function;
  const Machine &machine;
  ProgramBuilder builder;
  llvm::DenseMap<Operation *, uint32_t> tensors; ///< By home op.
  llvm::DenseMap<Type, Layout> layouts;          ///< Of tensors.
  /// Of home ops in the body of a repeat that stands before them: the tensor of
  /// the initial value of what they yield, so that words belong to one tensor
  /// in every iteration.
  llvm::DenseMap<Operation *, uint32_t> carriedTensors;
  /// Index of the function result and collected shape, by home op.
  llvm::DenseMap<Operation *, std::pair<unsigned, RankedTensorType>> results;
  llvm::DenseMap<Operation *, uint32_t> routes;
  llvm::DenseMap<Attribute, uint32_t> routesByName;
  /// Regions of arguments, of results (by getRegionOf), and of everything that
  /// was stored so far.
  llvm::DenseMap<Value, uint32_t> regions;
  HomeFinder homes;
  int64_t nextAddress = 0;
  unsigned loads = 0, spills = 0;
  SymbolTableCollection symbols;
  unsigned contractions = 0;
};

} // namespace

FailureOr<uint32_t> Exporter::addTensor(Operation *op, TensorEntry entry) {
  auto type = cast<RankedTensorType>(op->getResult(0).getType());
  HomeAttr home = homes.getHome(op->getResult(0));
  if (!home)
    return op->emitOpError()
           << "has no home in tensor memory; run fetta-allocate-memory";
  if (auto carried = carriedTensors.find(op); carried != carriedTensors.end())
    return tensors[op] = carried->second;
  entry.elementType = getElementType(type);
  auto [layout, isNew] = layouts.try_emplace(type);
  if (isNew)
    layout->second = *getLayout(type);
  entry.layout = layout->second;
  entry.slab = home.getSlab();
  entry.baseRow = home.getRow();
  return tensors[op] = builder.addTensor(std::move(entry));
}

/// What the host calls an argument and does with it.
static std::pair<std::string, TensorRole>
describeArgument(FunctionOpInterface function, unsigned index) {
  auto name = function.getArgAttrOfType<StringAttr>(index, tnn::kNameAttr);
  auto attribute = function.getArgAttrOfType<StringAttr>(index, tnn::kRoleAttr);
  StringRef role = attribute ? attribute.getValue() : StringRef();
  TensorRole tensorRole = TensorRole::Input;
  if (role == tnn::kRoleParam)
    tensorRole = TensorRole::Param;
  else if (role == tnn::kRoleState)
    tensorRole = TensorRole::State;
  else if (role == tnn::kRoleTarget)
    tensorRole = TensorRole::Target;
  return {name ? name.str() : "arg" + std::to_string(index), tensorRole};
}

static SmallVector<int64_t, 4> shapeOf(Value value) {
  return SmallVector<int64_t, 4>(
      cast<RankedTensorType>(value.getType()).getShape());
}

TensorRole Exporter::resultRole(Value value) {
  auto contract = dyn_cast_or_null<ContractOp>(homes.find(value));
  return !contract || contract.getPhase() == PhaseKind::Forward
             ? TensorRole::Result
             : TensorRole::Gradient;
}

static Tokens tokensOf(SyncAttr sync) {
  Tokens tokens;
  if (!sync)
    return tokens;
  for (auto [from, to] : {std::pair(sync.getWaits(), &tokens.waits),
                          {sync.getSignals(), &tokens.signals}})
    for (auto [index, token] : llvm::enumerate(from))
      (*to)[index] = {uint8_t(token.semaphore), uint8_t(token.count)};
  return tokens;
}

/// A dimension of one element has no stride.
static SmallVector<int64_t, 6> stridesOf(ArrayRef<int64_t> strides,
                                         RankedTensorType tile) {
  SmallVector<int64_t, 6> result(strides);
  for (auto [stride, size] : llvm::zip_equal(result, tile.getShape()))
    if (size == 1)
      stride = 0;
  return result;
}

std::string Exporter::resultName(unsigned index) {
  auto name = dyn_cast_or_null<StringAttr>(
      function.getResultAttr(index, tnn::kNameAttr));
  return name ? name.str() : "result" + std::to_string(index);
}

/// Regions follow each other, each from a whole burst on.
uint32_t Exporter::addRegion(DramRegion region, ArrayRef<int64_t> shape) {
  region.shape.assign(shape.begin(), shape.end());
  region.byteAddress = nextAddress;
  nextAddress =
      llvm::alignTo(nextAddress + region.bytes(), machine.dramBurstBytes);
  return builder.addRegion(std::move(region));
}

LogicalResult Exporter::addArgument(BlockArgument argument) {
  unsigned index = argument.getArgNumber();
  Operation *first = nullptr;
  for (Operation *user : argument.getUsers()) {
    if (!isa<PlaceOp, LoadOp>(user))
      return user->emitOpError()
             << "reads argument #" << index
             << " outside the machine; only fetta.place and fetta.load may";
    if (first && (isa<PlaceOp>(user) || isa<PlaceOp>(first)))
      return user->emitOpError() << (isa<PlaceOp>(user) ? "places" : "loads")
                                 << " argument #" << index << " a second time";
    if (first && getElementType(user->getResult(0).getType()) !=
                     getElementType(first->getResult(0).getType()))
      return user->emitOpError() << "loads argument #" << index
                                 << " as another element type than before";
    first = user;
    if (auto place = dyn_cast<PlaceOp>(user); place && failed(addPlace(place)))
      return failure();
  }
  if (!isa_and_nonnull<LoadOp>(first))
    return success();
  DramRegion region;
  std::tie(region.name, region.role) = describeArgument(function, index);
  region.elementType = getElementType(first->getResult(0).getType());
  regions[argument] = addRegion(std::move(region), shapeOf(argument));
  return success();
}

LogicalResult Exporter::addPlace(PlaceOp op) {
  TensorEntry entry;
  std::tie(entry.name, entry.role) = describeArgument(
      function, cast<BlockArgument>(op.getSource()).getArgNumber());
  entry.shape = shapeOf(op.getSource());
  return addTensor(op, std::move(entry));
}

/// The last store of a chain that may go through repeats, or null.
static StoreOp lastStoreOf(Value value) {
  while (auto repeat = value.getDefiningOp<RepeatOp>())
    value =
        repeat.getYield().getValues()[cast<OpResult>(value).getResultNumber()];
  return value.getDefiningOp<StoreOp>();
}

LogicalResult Exporter::findResults(Operation *terminator) {
  for (OpOperand &operand : terminator->getOpOperands()) {
    unsigned index = operand.getOperandNumber();
    if (auto store = lastStoreOf(operand.get())) {
      DramRegion region;
      region.name = resultName(index);
      region.role = resultRole(store.getSource());
      region.elementType = getElementType(store.getType());
      Value first = getRegionOf(operand.get());
      if (regions.contains(first))
        return terminator->emitOpError()
               << "result #" << index << " is the region of another result";
      regions[first] = addRegion(std::move(region), shapeOf(store));
      continue;
    }
    auto collect = operand.get().getDefiningOp<CollectOp>();
    if (!collect)
      return terminator->emitOpError()
             << "result #" << index
             << " should come from fetta.collect or fetta.store";
    Operation *home = homes.find(collect.getSource());
    if (!isa<ContractOp>(home))
      return collect.emitOpError() << "collects what was not computed; a "
                                      "result is computed on the machine";
    if (!results.insert({home, {index, collect.getType()}}).second)
      return collect.emitOpError() << "collects a tensor a second time";
  }
  return success();
}

LogicalResult Exporter::addLoad(LoadOp op) {
  TensorEntry entry;
  entry.name = "load" + std::to_string(loads++);
  entry.shape = shapeOf(op);
  if (failed(addTensor(op, std::move(entry))))
    return failure();
  Dma dma;
  dma.region = regions.at(op.getSource());
  dma.tensor = tensors[op];
  dma.offset = op.getAt();
  dma.advance = op.getElementAdvance();
  dma.strides = stridesOf(op.getElementStrides(), op.getType());
  if (std::optional<ArrayRef<int64_t>> blocks = op.getBlocks())
    dma.blocks.assign(blocks->begin(), blocks->end());
  dma.tokens = tokensOf(op.getSyncAttr());
  builder.addDma(std::move(dma));
  return success();
}

void Exporter::continueRegion(Value value, Value before) {
  if (!before.getDefiningOp<tensor::EmptyOp>()) {
    regions[value] = regions.at(before);
  } else if (!regions.contains(value)) {
    DramRegion region;
    region.name = "spill" + std::to_string(spills++);
    region.elementType = getElementType(value.getType());
    regions[value] = addRegion(std::move(region), shapeOf(value));
  }
}

LogicalResult Exporter::addStore(StoreOp op) {
  continueRegion(op.getResult(), op.getInto());
  auto tensor = tensors.find(homes.find(op.getSource()));
  if (tensor == tensors.end())
    return op.emitOpError() << "reads a tensor that is placed later";
  Dma dma;
  dma.store = true;
  dma.region = regions[op];
  dma.tensor = tensor->second;
  dma.offset = op.getAt();
  dma.advance = op.getElementAdvance();
  dma.strides = stridesOf(op.getElementStrides(), op.getSource().getType());
  if (std::optional<ArrayRef<int64_t>> blocks = op.getBlocks())
    dma.blocks.assign(blocks->begin(), blocks->end());
  dma.tokens = tokensOf(op.getSyncAttr());
  builder.addDma(std::move(dma));
  return success();
}

FailureOr<uint32_t> Exporter::routeOf(ContractOp op, unsigned operand) {
  auto name = cast<FlatSymbolRefAttr>((*op.getRoutes())[operand]);
  if (auto known = routesByName.find(name); known != routesByName.end())
    return known->second;
  auto route = symbols.lookupNearestSymbolFrom<RouteOp>(op, name);
  if (!route)
    return op.emitOpError() << name << " is not the name of a fetta.route";
  auto it = routes.find(route);
  if (it != routes.end())
    return routesByName[name] = it->second;
  llvm::Expected<Route> physical = getRoute(route, machine);
  if (!physical)
    return route.emitOpError() << llvm::toString(physical.takeError())
                               << "; run fetta-route-networks";
  return routesByName[name] = routes[route] =
             builder.addRoute(std::move(*physical));
}

NestPlaces Exporter::placesOf(ContractOp op, const Nest &nest) {
  NestPlaces places;
  for (unsigned id = 0; id < 3; ++id)
    if (HomeAttr home = homes.getHome(op.getTensor(id)))
      places.operands[id] = {home.getSlab(), home.getRow()};
  if (nest.roundsSums())
    if (HomeAttr home = homes.getHome(op.getInit()))
      places.sums = {home.getSlab(), home.getRow()};
  return places;
}

LogicalResult Exporter::addContract(ContractOp op) {
  llvm::Expected<const Nest &> nest = getUnplacedNest(op);
  if (!nest)
    return op.emitOpError() << llvm::toString(nest.takeError());
  if (!op.getRoutes())
    return op.emitOpError() << "has no routes; run fetta-route-networks";

  std::string name = "contract" + std::to_string(contractions++);
  // Sums that go on lie in the tensor where they began.
  if (!op.isInPlace()) {
    TensorEntry entry;
    entry.name = name;
    entry.shape = shapeOf(op);
    auto result = results.find(op);
    if (result != results.end()) {
      auto [index, type] = result->second;
      entry.name = resultName(index);
      entry.shape.assign(type.getShape().begin(), type.getShape().end());
      entry.role = resultRole(op);
    }
    if (failed(addTensor(op, std::move(entry))))
      return failure();
  }

  std::array<uint32_t, 3> operands, operandRoutes;
  for (unsigned id = 0; id < 3; ++id) {
    Operation *home = homes.find(op.getTensor(id));
    auto it = tensors.find(home);
    if (it == tensors.end())
      return op.emitOpError() << "reads a tensor that is placed later";
    operands[id] = it->second;
    FailureOr<uint32_t> route = routeOf(op, id);
    if (failed(route))
      return failure();
    operandRoutes[unsigned(netOf(nest->dataflow, OperandId(id)))] = *route;
  }
  uint32_t sums = 0;
  if (op.getInit() && !op.isInPlace()) {
    auto it = tensors.find(homes.find(op.getInit()));
    if (it == tensors.end())
      return op.emitOpError() << "goes on from sums that are placed later";
    sums = it->second;
  }
  std::string origin =
      op.getOrigin() ? op.getOrigin()->str() : getOrigin(op.getLoc());
  uint32_t opIndex = builder.addOp({std::move(name), op.getEinsum().str(),
                                    std::move(origin), Phase(op.getPhase())});
  builder.addContract(&*nest, placesOf(op, *nest), operands, operandRoutes,
                      opIndex, tokensOf(op.getSyncAttr()), sums);
  return success();
}

LogicalResult Exporter::addRepeat(RepeatOp op) {
  Block &body = *op.getBody();
  for (auto [init, argument, yielded] : llvm::zip_equal(
           op.getInits(), body.getArguments(), op.getYield().getValues())) {
    if (!getLayout(init.getType())) {
      continueRegion(argument, init);
      continue;
    }
    auto tensor = tensors.find(homes.find(init));
    if (tensor == tensors.end())
      return op.emitOpError() << "carries a tensor that is placed later";
    if (Operation *home = homes.find(yielded); home->getBlock() == &body)
      carriedTensors[home] = tensor->second;
  }
  builder.beginRepeat(uint32_t(op.getCount()));
  if (failed(addBlock(body)))
    return failure();
  builder.endRepeat();
  for (auto [result, argument] :
       llvm::zip_equal(op.getResults(), body.getArguments()))
    if (auto region = regions.find(argument); region != regions.end())
      regions[result] = uint32_t(region->second);
  return success();
}

LogicalResult Exporter::addBlock(Block &block) {
  for (Operation &op : block) {
    LogicalResult result = success();
    if (auto contract = dyn_cast<ContractOp>(op))
      result = addContract(contract);
    else if (auto load = dyn_cast<LoadOp>(op))
      result = addLoad(load);
    else if (auto store = dyn_cast<StoreOp>(op))
      result = addStore(store);
    else if (auto sync = dyn_cast<SyncOp>(op))
      builder.addSync({Queue(sync.getQueue()), tokensOf(sync.getSync())});
    else if (auto repeat = dyn_cast<RepeatOp>(op))
      result = addRepeat(repeat);
    else if (auto place = dyn_cast<PlaceOp>(op)) {
      if (!isa<BlockArgument>(place.getSource()))
        result = place.emitOpError() << "should place an argument";
    } else if (!isa<RelabelOp, CollectOp, tensor::EmptyOp>(op) &&
               !op.hasTrait<OpTrait::IsTerminator>())
      result = op.emitOpError() << "has no form in a binary";
    if (failed(result))
      return failure();
  }
  return success();
}

FailureOr<Program> Exporter::run() {
  Region &body = function.getFunctionBody();
  if (!body.hasOneBlock())
    return function.emitError() << "a program is straight-line code; function '"
                                << function.getName() << "' has "
                                << body.getBlocks().size() << " blocks";
  Block &block = body.front();
  for (BlockArgument argument : block.getArguments())
    if (failed(addArgument(argument)))
      return failure();
  if (failed(findResults(block.getTerminator())))
    return failure();
  builder.reserve(block.getOperations().size());
  if (failed(addBlock(block)))
    return failure();
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
