//===- VerifyProgram.cpp -----------------------------------------*- C++
//-*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Dialect/Fetta/IR/FettaOps.h"
#include "fetta/Dialect/TNN/IR/TNNDialect.h"
#include "fetta/Target/Binary/Binary.h"
#include "fetta/Target/Binary/Passes.h"
#include "llvm/ADT/SetVector.h"

namespace fetta {
#define GEN_PASS_DEF_FETTAVERIFYPROGRAMPASS
#include "fetta/Target/Binary/Passes.h.inc"
} // namespace fetta

using namespace mlir;
using namespace fetta;
using namespace fetta::hw;

/// Rule 1: homes are set and disjoint.
static LogicalResult verifyHomes(FunctionOpInterface function) {
  SmallVector<Operation *> ops;
  WalkResult walk =
      function.walk([&](Operation *op) {
        if (!isa<PlaceOp, ContractOp>(op))
          return WalkResult::advance();
        if (!getHome(op->getResult(0))) {
          op->emitOpError()
              << "has no home in tensor memory; run fetta-allocate-memory";
          return WalkResult::interrupt();
        }
        ops.push_back(op);
        return WalkResult::advance();
      });
  if (walk.wasInterrupted())
    return failure();
  auto home = [](Operation *op) { return getHome(op->getResult(0)); };
  auto rows = [](Operation *op) {
    return getPhysicalRows(cast<RankedTensorType>(op->getResult(0).getType()));
  };
  llvm::stable_sort(ops, [&](Operation *a, Operation *b) {
    return std::pair(home(a).getSlab(), home(a).getRow()) <
           std::pair(home(b).getSlab(), home(b).getRow());
  });
  for (size_t i = 1; i < ops.size(); ++i) {
    HomeAttr first = home(ops[i - 1]), second = home(ops[i]);
    int64_t end = first.getRow() + rows(ops[i - 1]);
    if (first.getSlab() != second.getSlab() || second.getRow() >= end)
      continue;
    InFlightDiagnostic diag =
        ops[i]->emitOpError()
        << "overlaps another tensor in slab " << second.getSlab() << ": rows "
        << second.getRow() << " to " << second.getRow() + rows(ops[i]) - 1;
    diag.attachNote(ops[i - 1]->getLoc())
        << "rows " << first.getRow() << " to " << end - 1 << " are taken here";
    return diag;
  }
  return success();
}

/// Rule 3. Gradients of results arrive in arguments called `d_<result>`.
static LogicalResult verifyPhases(FunctionOpInterface function) {
  llvm::SmallPtrSet<Operation *, 32> needsGradient;
  ContractOp firstBackward;
  auto isGradient = [&](BlockArgument argument) {
    auto name = function.getArgAttrOfType<StringAttr>(argument.getArgNumber(),
                                                      tnn::kNameAttr);
    if (!name || !name.getValue().starts_with("d_"))
      return false;
    for (unsigned i = 0; i < function.getNumResults(); ++i) {
      auto result = dyn_cast_or_null<StringAttr>(
          function.getResultAttr(i, tnn::kNameAttr));
      if (name.getValue().drop_front(2) ==
          (result ? result.str() : "result" + std::to_string(i)))
        return true;
    }
    return false;
  };
  for (Operation &op : function.getFunctionBody().front()) {
    bool needs = llvm::any_of(op.getOperands(), [&](Value operand) {
      if (auto argument = dyn_cast<BlockArgument>(operand))
        return isGradient(argument);
      return needsGradient.contains(operand.getDefiningOp());
    });
    if (needs)
      needsGradient.insert(&op);
    auto contract = dyn_cast<ContractOp>(op);
    if (!contract)
      continue;
    if (needs && contract.getPhase() == PhaseKind::Forward)
      return contract.emitOpError()
             << "is of phase fp but needs the gradient of a result";
    if (needs && !firstBackward)
      firstBackward = contract;
    if (firstBackward && contract.getPhase() == PhaseKind::Forward) {
      InFlightDiagnostic diag =
          contract.emitOpError()
          << "of phase fp comes after one that needs the gradient of a result";
      diag.attachNote(firstBackward.getLoc()) << "the gradient is needed here";
      return diag;
    }
  }
  return success();
}

namespace {
struct VerifyProgramPass
    : fetta::impl::FettaVerifyProgramPassBase<VerifyProgramPass> {
  void runOnOperation() override {
    for (auto function : getOperation().getOps<FunctionOpInterface>())
      if (!function.isExternal() && failed(verify(function)))
        return signalPassFailure();
    markAllAnalysesPreserved();
  }

  LogicalResult verify(FunctionOpInterface function) {
    if (failed(verifyHomes(function)))
      return failure();
    FailureOr<Program> program = exportProgram(function);
    if (failed(program) || failed(verifyPhases(function)))
      return failure();
    if (llvm::Error error = verifyProgram(*program))
      return function.emitError() << llvm::toString(std::move(error));
    return success();
  }
};
} // namespace
