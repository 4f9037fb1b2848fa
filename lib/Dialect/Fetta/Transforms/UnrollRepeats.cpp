//===- UnrollRepeats.cpp -----------------------------------------*- C++
//-*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Dialect/Fetta/Transforms/UnrollRepeats.h"
#include "fetta/Dialect/Fetta/IR/FettaOps.h"
#include "fetta/Dialect/Fetta/Transforms/Passes.h"
#include "fetta/Program/Program.h"
#include "mlir/IR/IRMapping.h"
#include "llvm/ADT/TypeSwitch.h"

namespace fetta::hw {
#define GEN_PASS_DEF_FETTAUNROLLREPEATSPASS
#include "fetta/Dialect/Fetta/Transforms/Passes.h.inc"
} // namespace fetta::hw

using namespace mlir;
using namespace fetta;
using namespace fetta::hw;

static void unroll(RepeatOp repeat) {
  OpBuilder builder(repeat);
  SmallVector<Value> carried(repeat.getInits());
  Block &body = *repeat.getBody();
  for (int64_t iteration = 0, count = repeat.getCount(); iteration < count;
       ++iteration) {
    IRMapping mapping;
    mapping.map(body.getArguments(), carried);
    for (Operation &op : body.without_terminator()) {
      Operation *copy = builder.clone(op, mapping);
      llvm::TypeSwitch<Operation *>(copy).Case<LoadOp, StoreOp>(
          [&](auto transfer) {
            transfer.setAt(int64_t(transfer.getAt()) +
                           iteration * transfer.getElementAdvance());
            transfer.removeAdvanceAttr();
          });
    }
    for (auto [value, yielded] :
         llvm::zip_equal(carried, repeat.getYield().getValues()))
      value = mapping.lookupOrDefault(yielded);
  }
  repeat.replaceAllUsesWith(carried);
  repeat.erase();
}

LogicalResult fetta::hw::unrollRepeats(FunctionOpInterface function) {
  SmallVector<RepeatOp> repeats;
  function.walk([&](RepeatOp op) { repeats.push_back(op); });
  int64_t operations = 0;
  for (RepeatOp repeat : repeats) {
    // Neither factor exceeds 32 bits.
    int64_t length = int64_t(repeat.getBody()->getOperations().size()) - 1;
    operations += length * int64_t(repeat.getCount());
    if (operations > int64_t(MaxExpandedInstructions))
      return repeat.emitOpError()
             << "takes " << operations
             << " operations with all repeats before it when it is written "
                "out; a program has at most "
             << MaxExpandedInstructions;
  }
  for (RepeatOp repeat : repeats)
    unroll(repeat);
  return success();
}

LogicalResult fetta::hw::refuseRepeats(FunctionOpInterface function) {
  WalkResult walk = function.walk([](RepeatOp op) {
    op.emitOpError() << "should be written out first: this pass works on flat "
                        "programs; run fetta-unroll-repeats before it";
    return WalkResult::interrupt();
  });
  return failure(walk.wasInterrupted());
}

namespace {
struct UnrollRepeatsPass
    : fetta::hw::impl::FettaUnrollRepeatsPassBase<UnrollRepeatsPass> {
  void runOnOperation() override {
    for (auto function : getOperation().getOps<FunctionOpInterface>())
      if (!function.isExternal() && failed(unrollRepeats(function)))
        return signalPassFailure();
  }
};
} // namespace
