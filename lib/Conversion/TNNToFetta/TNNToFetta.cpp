//===- TNNToFetta.cpp -------------------------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Constraints.h"
#include "FunctionMapper.h"
#include "Unsupported.h"
#include "fetta/Dialect/Fetta/IR/FettaOps.h"
#include "fetta/Dialect/TNN/IR/TNNOps.h"
#include "fetta/Mapping/Program.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "llvm/ADT/SetVector.h"

namespace fetta {
#define GEN_PASS_DEF_CONVERTTNNTOFETTAPASS
#include "fetta/Conversion/TNNToFetta/TNNToFetta.h.inc"
} // namespace fetta

using namespace mlir;
using namespace fetta;
using namespace fetta::hw;

LogicalResult FunctionMapper::run() {
  Region &body = function.getFunctionBody();
  if (!body.hasOneBlock())
    return function.emitError()
           << "function '" << function.getName() << "' has "
           << body.getBlocks().size()
           << " blocks; the machine runs straight-line code";
  SmallVector<Operation *> replaced;
  for (Operation &op : llvm::make_early_inc_range(body.front())) {
    if (isOpTriviallyDead(&op)) {
      op.erase();
      continue;
    }
    if (auto contract = dyn_cast<tnn::ContractOp>(op)) {
      if (failed(addStep(contract)))
        return failure();
      replaced.push_back(&op);
    } else if (isa<tensor::ExpandShapeOp, tensor::CollapseShapeOp>(op)) {
      auto type = cast<RankedTensorType>(op.getResult(0).getType());
      View source = viewOf(op.getOperand(0));
      views[op.getResult(0)] = {
          source.root,
          RankedTensorType::get(type.getShape(), source.type.getElementType())};
      replaced.push_back(&op);
    } else if (auto round = dyn_cast<arith::TruncFOp>(op);
               round && isa<RankedTensorType>(round.getType()) &&
               round.getType() != round.getIn().getType() &&
               isArgument(viewOf(round.getIn()).root) &&
               getElementTypeOrSelf(round.getType()).isBF16()) {
      views[round] = {viewOf(round.getIn()).root,
                      cast<RankedTensorType>(round.getType())};
      replaced.push_back(&op);
    } else if (auto slice = dyn_cast<tensor::ExtractSliceOp>(op);
               slice && inDram) {
      if (failed(addSlice(slice)))
        return failure();
      replaced.push_back(&op);
    } else if (auto slice = dyn_cast<tensor::InsertSliceOp>(op);
               slice && inDram) {
      insertions.push_back({slice, steps.size()});
      replaced.push_back(&op);
    } else if (isa<tensor::EmptyOp>(op) && inDram &&
               llvm::all_of(op.getUsers(), [](Operation *user) {
                 return isa<tensor::InsertSliceOp>(user);
               })) {
      // A region that slices are stored into.
    } else if (op.hasTrait<OpTrait::IsTerminator>()) {
      if (failed(mapSteps()) || failed(collect(&op)))
        return failure();
    } else {
      return refuseOperation(&op);
    }
  }
  for (Operation *op : llvm::reverse(replaced))
    op->erase();
  hoistTransfers();
  return success();
}

FailureOr<unsigned> FunctionMapper::valueOf(tnn::ContractOp op,
                                            const View &view) {
  ArrayRef<int64_t> shape = view.type.getShape();
  if (isArgument(view.root) && !sliceOf(view))
    return op.emitOpError()
           << "needs " << view.type
           << ", a reshape of a slice whose elements have no even distance";
  auto [it, isNew] =
      valueNumbers.insert({view.root, unsigned(program.values.size())});
  if (isNew) {
    program.values.push_back(shape);
    return it->second;
  }
  ArrayRef<int64_t> &sizes = program.values[it->second];
  if (sizes == shape)
    return it->second;
  if (auto common = commonShape(sizes, shape)) {
    sizes =
        RankedTensorType::get(*common, view.type.getElementType()).getShape();
    return it->second;
  }
  InFlightDiagnostic diag =
      op.emitOpError() << "needs " << view.type
                       << ", but others need its elements as "
                       << RankedTensorType::get(sizes,
                                                view.type.getElementType())
                       << ": this reshape would move words, which the machine "
                          "path refuses for now; split both sides into the "
                          "same modes";
  diag.attachNote(view.root.getLoc()) << "the tensor is made here";
  return diag;
}

Value FunctionMapper::inMemory(Location loc, const View &view,
                               RankedTensorType type) {
  Value &value = mapped[view.root];
  if (!value && inDram) {
    Slice slice = *sliceOf(view);
    OpBuilder::InsertionGuard guard(builder);
    Value region = slice.region;
    if (auto insertion = region.getDefiningOp<tensor::InsertSliceOp>())
      region = stored.lookup(insertion);
    if (Operation *op = view.root.getDefiningOp())
      builder.setInsertionPoint(op);
    auto load = LoadOp::create(builder, loc, type, region,
                               builder.getI64IntegerAttr(slice.tile.at),
                               getStrides(builder.getContext(), slice.tile),
                               SyncAttr(), HomeAttr(), DenseI64ArrayAttr(),
                               /*advance=*/IntegerAttr());
    if (isa<BlockArgument>(view.root))
      loads.push_back(load);
    value = load;
  } else if (!value) {
    value = PlaceOp::create(builder, loc, type, view.root, HomeAttr());
  }
  if (value.getType() == type)
    return value;
  Value &relabeled = relabels[{value, type}];
  if (!relabeled)
    relabeled = RelabelOp::create(builder, loc, type, value);
  return relabeled;
}

FailureOr<const EinsumModes *> FunctionMapper::modesOf(tnn::ContractOp op) {
  std::unique_ptr<EinsumModes> &known = einsums[op.getEinsum()];
  if (known)
    return known.get();
  llvm::Expected<EinsumModes> einsum = parseEinsum(op.getEinsum().getSpec());
  if (!einsum)
    return op.emitOpError() << llvm::toString(einsum.takeError());
  known = std::make_unique<EinsumModes>(std::move(*einsum));
  return known.get();
}

FailureOr<const ContractionSpec *>
FunctionMapper::specOf(tnn::ContractOp op, const std::array<View, 3> &tensors) {
  auto [known, isNew] = specs.try_emplace(
      {op.getEinsum().getAsOpaquePointer(),
       tensors[0].type.getAsOpaquePointer(),
       tensors[1].type.getAsOpaquePointer(),
       tensors[2].type.getAsOpaquePointer(), op.getInit() ? &specs : nullptr,
       op->getAttr(kMappingAttr).getAsOpaquePointer()});
  ContractionSpec &spec = known->second;
  if (!isNew)
    return &spec;
  FailureOr<const EinsumModes *> found = modesOf(op);
  if (failed(found))
    return failure();
  const EinsumModes &einsum = **found;
  spec.sizes.assign(einsum.names.size(), 1);
  for (unsigned id = 0; id < 3; ++id) {
    spec.modes[id] = einsum.modes[id];
    for (auto [mode, size] :
         llvm::zip_equal(einsum.modes[id], tensors[id].type.getShape()))
      spec.sizes[mode] = size;
  }
  spec.resultType = getElementType(op.getType());
  spec.accumulates = bool(op.getInit());
  spec.dataflow = dataflow;
  if (failed(readConstraints(op, einsum, machine, spec)))
    return failure();
  return &spec;
}

LogicalResult FunctionMapper::addStep(tnn::ContractOp op) {
  std::array<View, 3> tensors = {viewOf(op.getLhs()), viewOf(op.getRhs()),
                                 viewOf(op.getResult())};
  for (unsigned id = 0; id < 2; ++id)
    if (!tensors[id].type.getElementType().isBF16())
      return op.emitOpError()
             << "operand #" << id << " is " << tensors[id].type
             << "; the machine multiplies bf16: run tnn-set-precision first";

  FailureOr<const ContractionSpec *> spec = specOf(op, tensors);
  if (failed(spec))
    return failure();
  ProgramSketch::Step step = {*spec, {}};
  for (unsigned id = 0; id < 3; ++id) {
    // A sum that goes on lies as it began.
    bool goesOn = id == 2 && op.getInit();
    FailureOr<unsigned> value =
        valueOf(op, goesOn ? viewOf(op.getInit()) : tensors[id]);
    if (failed(value))
      return failure();
    step.values[id] = *value;
    if (goesOn)
      valueNumbers[op.getResult()] = *value;
  }
  program.steps.push_back(step);
  steps.push_back({op, tensors});
  stepOps.push_back(op);
  return success();
}

/// Layouts by hand become those of the values.
LogicalResult FunctionMapper::fixLayouts() {
  for (auto [step, from] : llvm::zip_equal(steps, program.steps))
    for (unsigned id = 0; id < 3; ++id) {
      const std::optional<Layout> &asked = from.contraction->layouts[id];
      if (!asked)
        continue;
      unsigned value = from.values[id];
      std::optional<Layout> layout = relabel(*asked, program.values[value]);
      const char *names[] = {"lhs", "rhs", "result"};
      if (!layout)
        return step.op.emitOpError()
               << "'" << kMappingAttr << "' " << names[id]
               << ": the layout does not allow a shape in which others use the "
                  "tensor: outer dimensions on bank bits need the inner ones "
                  "there entirely";
      auto [known, isNew] = program.layouts.try_emplace(value, *layout);
      if (!isNew && known->second != *layout)
        return step.op.emitOpError()
               << "'" << kMappingAttr << "' " << names[id]
               << ": another contraction asks for another layout of this "
                  "tensor; drop one of the two";
    }
  return success();
}

LogicalResult FunctionMapper::mapSteps() {
  const auto *insertion = insertions.begin();
  auto storeUpTo = [&](size_t step) {
    for (; insertion != insertions.end() && insertion->second <= step;
         ++insertion)
      if (failed(storeSlice(insertion->first)))
        return failure();
    return success();
  };
  if (steps.empty())
    return storeUpTo(0);
  if (failed(fixLayouts()))
    return failure();
  unsigned failedStep = 0;
  llvm::Expected<StepMappings> mapped =
      mapProgramLike(function.getName(), program, stepOps, machine, options,
                     alike, &failedStep);
  if (!mapped)
    return steps[failedStep].op.emitOpError()
           << llvm::toString(mapped.takeError());
  for (auto [number, step] : llvm::enumerate(steps))
    if (failed(storeUpTo(number)) ||
        failed(replace(step, *mapped->steps[number])))
      return failure();
  return storeUpTo(steps.size());
}

LogicalResult FunctionMapper::replace(const Step &step,
                                      const MappedContraction &mapping) {
  tnn::ContractOp op = step.op;
  const std::array<View, 3> &tensors = step.tensors;
  auto phaseName = op->getAttrOfType<StringAttr>(tnn::kPhaseAttr);
  View sums = op.getInit() ? viewOf(op.getInit()) : View();
  Model &model = models[{
      &mapping, op.getEinsum().getAsOpaquePointer(),
      phaseName.getAsOpaquePointer(), op.getLoc().getAsOpaquePointer(),
      tensors[0].type.getAsOpaquePointer(),
      tensors[1].type.getAsOpaquePointer(),
      tensors[2].type.getAsOpaquePointer(), sums.type.getAsOpaquePointer()}];
  if (!model.contract)
    for (unsigned id = 0; id < 3; ++id) {
      model.types[id] = withLayout(tensors[id].type, mapping.layouts[id]);
      if (failed(verifyFitsSlab(op, tensors[id].type,
                                getPhysicalRows(model.types[id]), machine)))
        return failure();
    }
  builder.setInsertionPoint(op);
  Value lhs = inMemory(op.getLoc(), tensors[0], model.types[0]);
  Value rhs = inMemory(op.getLoc(), tensors[1], model.types[1]);
  Value init;
  if (op.getInit())
    init = inMemory(op.getLoc(), sums,
                    RankedTensorType::get(sums.type.getShape(),
                                          sums.type.getElementType(),
                                          model.types[2].getEncoding()));
  ContractOp contract;
  if (model.contract) {
    contract = cast<ContractOp>(builder.clone(*model.contract));
    contract.getLhsMutable().assign(lhs);
    contract.getRhsMutable().assign(rhs);
    if (init)
      contract.getInitMutable().assign(init);
  } else {
    PhaseKind phase = PhaseKind::Forward;
    if (phaseName)
      phase = symbolizePhaseKind(phaseName.getValue()).value_or(phase);
    contract = model.contract =
        createContract(builder, op.getLoc(), op.getEinsum().getSpec(), lhs, rhs,
                       model.types[2], mapping.nest, phase, init);
  }
  mapped[op.getResult()] = contract.getResult();
  if (!alike || !alike->isTrial)
    remarkMapping(function.getName(), contract, mapping, machine);
  return success();
}

/// Places in a region do not depend on its shape.
void FunctionMapper::reshapeRegion(Value region, RankedTensorType type) {
  while (true) {
    region.setType(type);
    auto store = region.getDefiningOp<StoreOp>();
    if (!store)
      return;
    region = store.getInto();
  }
}

LogicalResult FunctionMapper::collect(Operation *terminator) {
  llvm::SmallDenseMap<Value, unsigned> collected;
  for (auto [index, operand] : llvm::enumerate(terminator->getOpOperands())) {
    if (!isa<RankedTensorType>(operand.get().getType()))
      return terminator->emitOpError()
             << "result #" << index
             << " is no tensor: " << operand.get().getType();
    if (Value region = stored.lookup(operand.get())) {
      operand.set(region);
      continue;
    }
    View view = viewOf(operand.get());
    if (Value region = stored.lookup(view.root)) {
      reshapeRegion(region, view.type);
      operand.set(region);
      continue;
    }
    Value value = mapped.lookup(view.root);
    if (!value || isArgument(view.root))
      return terminator->emitOpError()
             << "result #" << index
             << " is not computed on the machine; it returns results of "
                "contractions";
    auto [entry, isNew] = collected.insert({view.root, index});
    if (!isNew)
      return terminator->emitOpError()
             << "results #" << entry->second << " and #" << index
             << " are one tensor; the host collects a tensor once";
    if (inDram) {
      // As soon as it is complete.
      builder.setInsertionPointAfterValue(value);
      auto type = cast<RankedTensorType>(operand.get().getType());
      Value into =
          tensor::EmptyOp::create(builder, terminator->getLoc(),
                                  type.getShape(), type.getElementType());
      operand.set(
          StoreOp::create(builder, terminator->getLoc(), value, into, 0));
      continue;
    }
    builder.setInsertionPoint(terminator);
    operand.set(CollectOp::create(builder, terminator->getLoc(),
                                  operand.get().getType(), value));
  }
  return success();
}

namespace {

struct ConvertTNNToFettaPass
    : fetta::impl::ConvertTNNToFettaPassBase<ConvertTNNToFettaPass> {
  using ConvertTNNToFettaPassBase::ConvertTNNToFettaPassBase;
  ConvertTNNToFettaPass(const ConvertTNNToFettaPassOptions &options,
                        std::shared_ptr<AlikeContractions> alike)
      : ConvertTNNToFettaPassBase(options), alike(std::move(alike)) {}

  void runOnOperation() override {
    std::optional<Dataflow> fixed;
    switch (dataflow.getValue()) {
    case DataflowChoice::Auto:
      break;
    case DataflowChoice::AStationary:
      fixed = Dataflow::AStationary;
      break;
    case DataflowChoice::BStationary:
      fixed = Dataflow::BStationary;
      break;
    case DataflowChoice::OutputStationary:
      fixed = Dataflow::OutputStationary;
      break;
    }
    ProgramOptions options;
    options.layouts = layouts;
    FailureOr<Machine> machine = getMachine(getOperation());
    if (failed(machine))
      return signalPassFailure();
    for (auto function : getOperation().getOps<FunctionOpInterface>())
      if (!function.isExternal() &&
          failed(FunctionMapper(function, *machine, fixed, options, memory,
                                alike.get())
                     .run()))
        return signalPassFailure();
  }

  std::shared_ptr<AlikeContractions> alike;
};

} // namespace

std::unique_ptr<Pass>
fetta::createConvertTNNToFettaPass(ConvertTNNToFettaPassOptions options,
                                   std::shared_ptr<AlikeContractions> alike) {
  return std::make_unique<ConvertTNNToFettaPass>(options, std::move(alike));
}
