//===- LiftRoutes.cpp --------------------------------------------*- C++
//-*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Dialect/Fetta/IR/FettaOps.h"
#include "fetta/Dialect/Fetta/Transforms/Passes.h"

namespace fetta::hw {
#define GEN_PASS_DEF_FETTALIFTROUTESPASS
#include "fetta/Dialect/Fetta/Transforms/Passes.h.inc"
} // namespace fetta::hw

using namespace mlir;
using namespace fetta;
using namespace fetta::hw;

namespace {
struct LiftRoutesPass
    : fetta::hw::impl::FettaLiftRoutesPassBase<LiftRoutesPass> {
  void runOnOperation() override {
    for (RouteOp op : getOperation().getOps<RouteOp>())
      if (op.getWords() && failed(lift(op)))
        return signalPassFailure();
  }

  LogicalResult lift(RouteOp op) {
    FailureOr<Machine> machine = getMachine(op);
    if (failed(machine))
      return failure();
    llvm::Expected<Route> route = getRoute(op, *machine);
    if (!route)
      return op.emitOpError() << llvm::toString(route.takeError());
    llvm::Expected<BitMap> map = liftRoute(*route);
    if (!map)
      return op.emitOpError() << llvm::toString(map.takeError());
    op.setMapAttr(BitMapAttr::get(&getContext(), *map));
    op.removeWordsAttr();
    op.removeMasksAttr();
    return success();
  }
};
} // namespace
