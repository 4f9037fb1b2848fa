//===- TNNToFetta.cpp --------------------------------------------*- C++
//-*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Conversion/TNNToFetta/TNNToFetta.h"
#include "fetta/Dialect/Fetta/IR/FettaOps.h"
#include "fetta/Dialect/TNN/IR/TNNOps.h"
#include "fetta/Mapping/Program.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Remarks.h"
#include "mlir/Interfaces/FunctionInterfaces.h"
#include "llvm/ADT/SetVector.h"

namespace fetta {
#define GEN_PASS_DEF_CONVERTTNNTOFETTAPASS
#include "fetta/Conversion/TNNToFetta/TNNToFetta.h.inc"
} // namespace fetta

using namespace mlir;
using namespace fetta;
using namespace fetta::hw;

namespace {

/// Maps one function.
class FunctionMapper {
public:
  FunctionMapper(FunctionOpInterface function, const Machine &machine,
                 std::optional<Dataflow> dataflow,
                 const ProgramOptions &options)
      : function(function), machine(machine), dataflow(dataflow),
        options(options), builder(function.getContext()) {}

  LogicalResult run();

private:
  /// Reshapes of a value are the value seen under another shape. An f32
  /// argument that is only rounded is a bf16 argument to the machine, because
  /// the host rounds when it places.
  struct View {
    Value root; ///< An argument or the result of a contraction.
    RankedTensorType type;
  };

  View viewOf(Value value) {
    auto it = views.find(value);
    return it != views.end()
               ? it->second
               : View{value, cast<RankedTensorType>(value.getType())};
  }

  /// A contraction and how it sees its tensors.
  struct Step {
    tnn::ContractOp op;
    std::array<View, 3> tensors;
  };

  LogicalResult addStep(tnn::ContractOp op);
  /// The value of the program that stands for a root, seen as `view` by `op`.
  FailureOr<unsigned> valueOf(tnn::ContractOp op, const View &view);
  LogicalResult mapSteps();
  LogicalResult replace(const Step &step, const MappedContraction &mapped);
  LogicalResult collect(Operation *terminator);
  /// `view` in tensor memory under `layout`; places an argument at first use.
  Value inMemory(Location loc, const View &view, const Layout &layout);
  LogicalResult refuse(Operation *op);

  RankedTensorType withLayout(RankedTensorType type, const Layout &layout) {
    return RankedTensorType::get(type.getShape(), type.getElementType(),
                                 LayoutAttr::get(type.getContext(), layout));
  }

  FunctionOpInterface function;
  const Machine &machine;
  std::optional<Dataflow> dataflow;
  ProgramOptions options;
  OpBuilder builder;
  ProgramSpec program;
  SmallVector<Step> steps; ///< As in the program.
  /// Roots among the program's values, and the op whose shape came first.
  llvm::DenseMap<Value, unsigned> valueNumbers;
  llvm::DenseMap<Value, View> views;
  /// Roots in tensor memory.
  llvm::DenseMap<Value, Value> mapped;
  llvm::DenseMap<std::pair<Value, Type>, Value> relabels;
};

LogicalResult FunctionMapper::refuse(Operation *op) {
  // A bias starts with an empty tensor; what is made of it says more.
  if (isa<tensor::EmptyOp>(op) && !op->use_empty())
    return refuse(*op->user_begin());
  if (isa<arith::AddFOp, linalg::BroadcastOp>(op))
    return op->emitOpError()
           << "has no form on the machine: the machine path refuses a bias and "
              "other element-wise operations for now (the gradients of a value "
              "used twice are summed, too); fetta-run runs them natively";
  if (auto einsum = dyn_cast<tnn::EinsumOp>(op);
      einsum && einsum.getInputs().size() == 1)
    return op->emitOpError()
           << "has no form on the machine: it reorders the modes of one "
              "tensor; name the modes in this order in the contractions that "
              "use it";
  if (isa<tnn::EinsumOp>(op))
    return op->emitOpError()
           << "is not ordered yet; run tnn-order-contractions first";
  if (isa<tnn::LinearOp>(op))
    return op->emitOpError()
           << "is not expanded yet; run tnn-expand-layers and "
              "tnn-order-contractions first";
  if (isa<arith::ConstantOp>(op))
    return op->emitOpError()
           << "has no form on the machine: an argument that the results do not "
              "depend on has a constant gradient; remove the argument, or give "
              "it tnn.role = \"target\"";
  if (isa<linalg::ContractionOpInterface>(op))
    return op->emitOpError() << "has no form on the machine; run "
                                "convert-linalg-to-tnn first";
  return op->emitOpError() << "has no form on the machine, which runs "
                              "contractions and reshapes for now";
}

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
               isa<BlockArgument>(viewOf(round.getIn()).root) &&
               getElementTypeOrSelf(round.getType()).isBF16()) {
      views[round] = {viewOf(round.getIn()).root,
                      cast<RankedTensorType>(round.getType())};
      replaced.push_back(&op);
    } else if (op.hasTrait<OpTrait::IsTerminator>()) {
      if (failed(mapSteps()) || failed(collect(&op)))
        return failure();
    } else {
      return refuse(&op);
    }
  }
  for (Operation *op : llvm::reverse(replaced))
    op->erase();
  // Arguments are placed before anything runs, in their order.
  Block &block = body.front();
  for (BlockArgument argument : llvm::reverse(block.getArguments()))
    if (Value placed = mapped.lookup(argument))
      placed.getDefiningOp()->moveBefore(&block, block.begin());
  return success();
}

FailureOr<unsigned> FunctionMapper::valueOf(tnn::ContractOp op,
                                            const View &view) {
  ArrayRef<int64_t> shape = view.type.getShape();
  auto [it, isNew] =
      valueNumbers.insert({view.root, unsigned(program.values.size())});
  if (isNew) {
    program.values.emplace_back();
    program.values.back().sizes.assign(shape.begin(), shape.end());
    return it->second;
  }
  SmallVectorImpl<int64_t> &sizes = program.values[it->second].sizes;
  if (auto common = commonShape(sizes, shape)) {
    sizes.assign(common->begin(), common->end());
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
                               const Layout &layout) {
  RankedTensorType type = withLayout(view.type, layout);
  Value &value = mapped[view.root];
  if (!value)
    value = PlaceOp::create(builder, loc, type, view.root, HomeAttr());
  if (value.getType() == type)
    return value;
  Value &relabeled = relabels[{value, type}];
  if (!relabeled)
    relabeled = RelabelOp::create(builder, loc, type, value);
  return relabeled;
}

LogicalResult FunctionMapper::addStep(tnn::ContractOp op) {
  std::array<View, 3> tensors = {viewOf(op.getLhs()), viewOf(op.getRhs()),
                                 viewOf(op.getResult())};
  for (unsigned id = 0; id < 2; ++id)
    if (!tensors[id].type.getElementType().isBF16())
      return op.emitOpError()
             << "operand #" << id << " is " << tensors[id].type
             << "; the machine multiplies bf16: run tnn-set-precision first";

  ProgramSpec::Step step;
  ContractionSpec &spec = step.contraction;
  llvm::Expected<EinsumModes> einsum = parseEinsum(op.getEinsum().getSpec());
  if (!einsum)
    return op.emitOpError() << llvm::toString(einsum.takeError());
  spec.sizes.assign(einsum->names.size(), 1);
  for (unsigned id = 0; id < 3; ++id) {
    spec.modes[id] = einsum->modes[id];
    for (auto [mode, size] :
         llvm::zip_equal(einsum->modes[id], tensors[id].type.getShape()))
      spec.sizes[mode] = size;
  }
  spec.resultType = getElementType(op.getType());
  spec.accumulates = bool(op.getInit());
  spec.dataflow = dataflow;
  for (unsigned id = 0; id < 3; ++id) {
    // A sum that goes on lies where it began.
    bool goesOn = id == 2 && op.getInit();
    FailureOr<unsigned> value =
        valueOf(op, goesOn ? viewOf(op.getInit()) : tensors[id]);
    if (failed(value))
      return failure();
    step.values[id] = *value;
    if (goesOn)
      valueNumbers[op.getResult()] = *value;
  }
  program.steps.push_back(std::move(step));
  steps.push_back({op, tensors});
  return success();
}

LogicalResult FunctionMapper::mapSteps() {
  if (steps.empty())
    return success();
  unsigned failedStep = 0;
  llvm::Expected<MappedProgram> mapped =
      mapProgram(program, machine, options, &failedStep);
  if (!mapped)
    return steps[failedStep].op.emitOpError()
           << llvm::toString(mapped.takeError());
  for (auto [step, contraction] : llvm::zip_equal(steps, mapped->steps))
    if (failed(replace(step, contraction)))
      return failure();
  return success();
}

LogicalResult FunctionMapper::replace(const Step &step,
                                      const MappedContraction &mapping) {
  tnn::ContractOp op = step.op;
  const std::array<View, 3> &tensors = step.tensors;
  for (auto [view, layout] : llvm::zip_equal(tensors, mapping.layouts))
    if (failed(verifyFitsSlab(op, view.type,
                              getPhysicalRows(withLayout(view.type, layout)),
                              machine)))
      return failure();

  builder.setInsertionPoint(op);
  Value lhs = inMemory(op.getLoc(), tensors[0], mapping.layouts[0]);
  Value rhs = inMemory(op.getLoc(), tensors[1], mapping.layouts[1]);
  PhaseKind phase = PhaseKind::Forward;
  if (auto attribute = op->getAttrOfType<StringAttr>(tnn::kPhaseAttr))
    phase = symbolizePhaseKind(attribute.getValue()).value_or(phase);
  ContractOp contract = createContract(
      builder, op.getLoc(), op.getEinsum().getSpec(), lhs, rhs,
      withLayout(tensors[2].type, mapping.layouts[2]), mapping.nest, phase,
      op.getInit()
          ? inMemory(op.getLoc(), viewOf(op.getInit()), mapping.layouts[2])
          : Value());
  mapped[op.getResult()] = contract.getResult();

  const SerialCycles &cycles = mapping.cycles;
  remark::analysis(op.getLoc(), remark::RemarkOpts::name("mapping")
                                    .category("convert-tnn-to-fetta")
                                    .function(function.getName()))
      << remark::add("einsum=\"{0}\" dataflow={1}", op.getEinsum().getSpec(),
                     stringifyDataflowKind(contract.getDataflow()))
      << remark::metric("beats", cycles.beats)
      << remark::metric("bank_conflict", cycles.bankConflict)
      << remark::metric("first_load", cycles.firstLoad)
      << remark::metric("stationary_reload", cycles.stationaryReload)
      << remark::metric("drain_busy", cycles.drainBusy)
      << remark::metric("fill", cycles.fill)
      << remark::metric("drain", cycles.drain)
      << remark::metric("cycles", cycles.total())
      << remark::metric("multiply_adds", multiplyAdds(mapping.nest))
      << remark::metric("utilization",
                        double(multiplyAdds(mapping.nest)) /
                            (double(machine.pes()) * double(cycles.total())));
  return success();
}

LogicalResult FunctionMapper::collect(Operation *terminator) {
  llvm::SmallDenseMap<Value, unsigned> collected;
  for (auto [index, operand] : llvm::enumerate(terminator->getOpOperands())) {
    if (!isa<RankedTensorType>(operand.get().getType()))
      return terminator->emitOpError()
             << "result #" << index
             << " is no tensor: " << operand.get().getType();
    View view = viewOf(operand.get());
    Value value = mapped.lookup(view.root);
    if (!value || isa<BlockArgument>(view.root))
      return terminator->emitOpError()
             << "result #" << index
             << " is not computed on the machine; it returns results of "
                "contractions";
    auto [entry, isNew] = collected.insert({view.root, index});
    if (!isNew)
      return terminator->emitOpError()
             << "results #" << entry->second << " and #" << index
             << " are one tensor; the host collects a tensor once";
    builder.setInsertionPoint(terminator);
    operand.set(CollectOp::create(builder, terminator->getLoc(),
                                  operand.get().getType(), value));
  }
  return success();
}

struct ConvertTNNToFettaPass
    : fetta::impl::ConvertTNNToFettaPassBase<ConvertTNNToFettaPass> {
  using ConvertTNNToFettaPassBase::ConvertTNNToFettaPassBase;

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
          failed(FunctionMapper(function, *machine, fixed, options).run()))
        return signalPassFailure();
  }
};

} // namespace
