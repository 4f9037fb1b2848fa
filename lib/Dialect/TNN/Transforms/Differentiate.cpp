//===- Differentiate.cpp ----------------------------------------*- C++ -*-===//
//
// Part of Fetta, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
/// \file
/// Reverse-mode differentiation. Rules per operation are in Differentiator;
/// the pass around it finds the function and extends its signature.
//
//===----------------------------------------------------------------------===//

#include "fetta/Dialect/TNN/IR/TNNNames.h"
#include "fetta/Dialect/TNN/IR/TNNOps.h"
#include "fetta/Dialect/TNN/Transforms/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/TypeSwitch.h"

namespace fetta::tnn {
#define GEN_PASS_DEF_TNNDIFFERENTIATEPASS
#include "fetta/Dialect/TNN/Transforms/Passes.h.inc"
} // namespace fetta::tnn

using namespace mlir;
using namespace fetta::tnn;

/// Whether values of this type have gradients.
static bool isDifferentiable(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  return tensor && tensor.hasStaticShape() &&
         (tensor.getElementType().isF32() || tensor.getElementType().isBF16());
}

static Type elementTypeOf(Value value) {
  return cast<RankedTensorType>(value.getType()).getElementType();
}

namespace {
class Differentiator {
public:
  Differentiator(OpBuilder &builder) : builder(builder) {}

  /// The gradient of this argument is wanted; that of a parameter in f32.
  void addArgument(Value argument, bool isParam) {
    active.insert(argument);
    if (isParam)
      paramViews.insert(argument);
  }

  /// Forward pass over an operation: what depends on a wanted argument.
  void visitForward(Operation &op) {
    if (llvm::none_of(op.getOperands(),
                      [&](Value v) { return active.contains(v); }))
      return;
    active.insert_range(op.getResults());
    if (isa<tensor::ExpandShapeOp, tensor::CollapseShapeOp, arith::ExtFOp,
            arith::TruncFOp>(op) &&
        paramViews.contains(op.getOperand(0)))
      paramViews.insert(op.getResult(0));
  }

  /// Adds to the gradient of a value.
  void accumulate(Location loc, Value value, Value gradient) {
    if (!active.contains(value))
      return;
    gradient = castTo(loc, gradient, gradientElementType(value));
    Value &sum = gradients[value];
    sum = sum ? arith::AddFOp::create(builder, loc, sum, gradient).getResult()
              : gradient;
  }

  /// Backward pass over an operation, whose users have all been visited.
  LogicalResult visitBackward(Operation &op);

  /// The gradient of an argument; zero where no result depends on it.
  Value getGradient(Value argument) {
    if (Value gradient = gradients.lookup(argument))
      return gradient;
    auto type = cast<RankedTensorType>(argument.getType())
                    .clone(gradientElementType(argument));
    return arith::ConstantOp::create(builder, argument.getLoc(),
                                     builder.getZeroAttr(type));
  }

private:
  /// f32 for parameters and what only reshapes or casts them.
  Type gradientElementType(Value value) {
    return paramViews.contains(value) ? builder.getF32Type()
                                      : elementTypeOf(value);
  }

  Value castTo(Location loc, Value value, Type elementType) {
    auto type = cast<RankedTensorType>(value.getType());
    if (type.getElementType() == elementType)
      return value;
    RankedTensorType newType = type.clone(elementType);
    if (elementType.isF32())
      return arith::ExtFOp::create(builder, loc, newType, value);
    return arith::TruncFOp::create(builder, loc, newType, value);
  }

  void visitEinsum(Operation &op, EinsumAttr einsum, ValueRange factors,
                   Value gradient);
  Value sumOver(Location loc, Value gradient, ArrayRef<int64_t> dimensions);

  OpBuilder &builder;
  DenseSet<Value> active;
  DenseSet<Value> paramViews;
  DenseMap<Value, Value> gradients;
};
} // namespace

/// d operand_k = einsum of the other operands and d result, over all modes that
/// operand_k lacks.
void Differentiator::visitEinsum(Operation &op, EinsumAttr einsum,
                                 ValueRange factors, Value gradient) {
  SmallVector<ArrayAttr> inputs(einsum.getInputs());
  SmallVector<Value> operands(factors);
  gradient = castTo(op.getLoc(), gradient, elementTypeOf(operands.front()));
  for (auto [k, operand] : llvm::enumerate(factors)) {
    if (!active.contains(operand))
      continue;
    SmallVector<ArrayAttr> otherInputs(inputs);
    SmallVector<Value> others(operands);
    otherInputs[k] = einsum.getOutput();
    others[k] = gradient;
    auto transposed =
        EinsumAttr::get(builder.getContext(), otherInputs, inputs[k]);
    auto result = EinsumOp::create(
        builder, op.getLoc(),
        inferEinsumType(transposed, others, gradientElementType(operand)),
        others, transposed, DenseI64ArrayAttr());
    result->setDiscardableAttr(
        kPhaseAttr, builder.getStringAttr(paramViews.contains(operand)
                                              ? kPhaseWeightGradient
                                              : kPhaseBackward));
    accumulate(op.getLoc(), operand, result);
  }
}

/// Sum over dimensions, in f32: the gradient of a broadcast.
Value Differentiator::sumOver(Location loc, Value gradient,
                              ArrayRef<int64_t> dimensions) {
  auto type = cast<RankedTensorType>(gradient.getType());
  SmallVector<AffineExpr> kept;
  SmallVector<int64_t> shape;
  SmallVector<utils::IteratorType> iterators;
  for (int64_t d = 0; d < type.getRank(); ++d) {
    bool isSummed = llvm::is_contained(dimensions, d);
    iterators.push_back(isSummed ? utils::IteratorType::reduction
                                 : utils::IteratorType::parallel);
    if (isSummed)
      continue;
    kept.push_back(builder.getAffineDimExpr(d));
    shape.push_back(type.getDimSize(d));
  }
  Type f32 = builder.getF32Type();
  Value zero =
      arith::ConstantOp::create(builder, loc, builder.getF32FloatAttr(0.0f));
  Value empty = tensor::EmptyOp::create(builder, loc, shape, f32);
  Value init = linalg::FillOp::create(builder, loc, zero, empty).getResult(0);
  AffineMap maps[] = {
      builder.getMultiDimIdentityMap(type.getRank()),
      AffineMap::get(type.getRank(), 0, kept, builder.getContext())};
  return linalg::GenericOp::create(
             builder, loc, init.getType(), gradient, init, maps, iterators,
             [](OpBuilder &body, Location loc, ValueRange args) {
               Value term = args[0];
               if (term.getType() != args[1].getType())
                 term =
                     arith::ExtFOp::create(body, loc, args[1].getType(), term);
               Value sum = arith::AddFOp::create(body, loc, args[1], term);
               linalg::YieldOp::create(body, loc, sum);
             })
      .getResult(0);
}

LogicalResult Differentiator::visitBackward(Operation &op) {
  if (op.getNumResults() != 1 || !gradients.contains(op.getResult(0)))
    return success();
  Location loc = op.getLoc();
  Value gradient = gradients.lookup(op.getResult(0));
  return TypeSwitch<Operation *, LogicalResult>(&op)
      .Case([&](EinsumOp einsum) {
        visitEinsum(op, einsum.getEinsum(), einsum.getInputs(), gradient);
        return success();
      })
      .Case([&](ContractOp contract) {
        visitEinsum(op, contract.getEinsum(), contract.getFactors(), gradient);
        if (contract.getInit())
          accumulate(loc, contract.getInit(), gradient);
        return success();
      })
      .Case([&](tensor::ExpandShapeOp reshape) {
        Value source = reshape.getSrc();
        accumulate(loc, source,
                   tensor::CollapseShapeOp::create(
                       builder, loc,
                       cast<RankedTensorType>(source.getType())
                           .clone(elementTypeOf(gradient)),
                       gradient, reshape.getReassociationIndices()));
        return success();
      })
      .Case([&](tensor::CollapseShapeOp reshape) {
        Value source = reshape.getSrc();
        accumulate(loc, source,
                   tensor::ExpandShapeOp::create(
                       builder, loc,
                       cast<RankedTensorType>(source.getType())
                           .clone(elementTypeOf(gradient)),
                       gradient, reshape.getReassociationIndices()));
        return success();
      })
      .Case([&](arith::AddFOp add) {
        accumulate(loc, add.getLhs(), gradient);
        accumulate(loc, add.getRhs(), gradient);
        return success();
      })
      .Case<arith::ExtFOp, arith::TruncFOp>([&](auto cast) {
        accumulate(loc, cast.getIn(), gradient);
        return success();
      })
      .Case([&](linalg::BroadcastOp broadcast) {
        if (active.contains(broadcast.getInput()))
          accumulate(loc, broadcast.getInput(),
                     sumOver(loc, gradient, broadcast.getDimensions()));
        return success();
      })
      .Default([&](Operation *other) {
        InFlightDiagnostic diag = other->emitOpError(
            "has no rule for its gradient, which a result of the function "
            "depends on");
        if (isa<LinearOp>(other))
          diag.attachNote() << "run tnn-expand-layers before tnn-differentiate";
        if (isa<linalg::ContractionOpInterface>(other))
          diag.attachNote()
              << "run convert-linalg-to-tnn before tnn-differentiate";
        return failure();
      });
}

namespace {
struct TNNDifferentiatePass
    : fetta::tnn::impl::TNNDifferentiatePassBase<TNNDifferentiatePass> {
  using Base = fetta::tnn::impl::TNNDifferentiatePassBase<TNNDifferentiatePass>;
  using Base::Base;

  void runOnOperation() override {
    func::FuncOp target = findFunction();
    if (!target || failed(differentiate(target)))
      signalPassFailure();
  }

private:
  /// Reports and returns null when there is not exactly one candidate.
  func::FuncOp findFunction() {
    ModuleOp module = getOperation();
    if (!function.empty()) {
      auto target = module.lookupSymbol<func::FuncOp>(function);
      if (!target)
        module.emitError() << "no function '" << function
                           << "' to differentiate";
      return target;
    }
    SmallVector<func::FuncOp> candidates;
    for (auto candidate : module.getOps<func::FuncOp>())
      if (candidate.isPublic() && !candidate.isDeclaration())
        candidates.push_back(candidate);
    if (candidates.size() == 1)
      return candidates.front();
    InFlightDiagnostic diag =
        module.emitError()
        << "expected one public function to differentiate, found "
        << candidates.size() << "; name one with the option 'function'";
    for (func::FuncOp candidate : candidates)
      diag.attachNote(candidate.getLoc())
          << "candidate '" << candidate.getName() << "'";
    return {};
  }

  LogicalResult differentiate(func::FuncOp target);
};
} // namespace

LogicalResult TNNDifferentiatePass::differentiate(func::FuncOp target) {
  if (target.isDeclaration() || !target.getBody().hasOneBlock())
    return target.emitOpError("should have a body of one block to be "
                              "differentiated");
  if (!SymbolTable::symbolKnownUseEmpty(target, getOperation()))
    return target.emitOpError("is called, so its signature cannot change");
  Block &block = target.getBody().front();
  Operation *terminator = block.getTerminator();
  OpBuilder builder(terminator);
  Differentiator differentiator(builder);

  struct Wanted {
    unsigned index;
    std::string name;
  };
  SmallVector<Wanted> wanted;
  for (BlockArgument argument : block.getArguments()) {
    unsigned i = argument.getArgNumber();
    auto role = target.getArgAttrOfType<StringAttr>(i, kRoleAttr);
    bool isParam = role && role.getValue() == kRoleParam;
    if ((role && role.getValue() == kRoleTarget) ||
        (!isParam && !inputGradients) || !isDifferentiable(argument.getType()))
      continue;
    differentiator.addArgument(argument, isParam);
    wanted.push_back({i, "d_" + fetta::tnn::getArgumentName(target, i)});
  }
  SmallVector<Operation *> forward = llvm::map_to_vector(
      block.without_terminator(), [](Operation &op) { return &op; });
  for (Operation *op : forward) {
    differentiator.visitForward(*op);
    if (isa<EinsumOp, ContractOp>(op) && !op->hasAttr(kPhaseAttr))
      op->setDiscardableAttr(kPhaseAttr, builder.getStringAttr(kPhaseForward));
  }

  // Incoming gradients become arguments after the others.
  for (unsigned i = 0, e = target.getNumResults(); i < e; ++i) {
    Type type = target.getResultTypes()[i];
    if (!isDifferentiable(type))
      continue;
    unsigned index = target.getNumArguments();
    DictionaryAttr attributes = builder.getDictionaryAttr(
        {builder.getNamedAttr(
             kNameAttr, builder.getStringAttr("d_" + getResultName(target, i))),
         builder.getNamedAttr(kRoleAttr, builder.getStringAttr(kRoleInput))});
    Value result = terminator->getOperand(i);
    if (failed(target.insertArgument(index, type, attributes, result.getLoc())))
      return failure();
    differentiator.accumulate(result.getLoc(), result,
                              target.getArgument(index));
  }
  for (Operation *op : llvm::reverse(forward))
    if (failed(differentiator.visitBackward(*op)))
      return failure();

  for (const Wanted &argument : wanted) {
    Value gradient =
        differentiator.getGradient(target.getArgument(argument.index));
    terminator->insertOperands(terminator->getNumOperands(), gradient);
    DictionaryAttr attributes = builder.getDictionaryAttr(
        builder.getNamedAttr(kNameAttr, builder.getStringAttr(argument.name)));
    if (failed(target.insertResult(target.getNumResults(), gradient.getType(),
                                   attributes)))
      return failure();
  }
  return success();
}
