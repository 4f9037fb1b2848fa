//===- ExtendBatchTest.cpp - Types of a larger batch ----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// \file
// What a compiler asks for that has the types of the larger batch; the pass
// makes such types itself.
//
//===----------------------------------------------------------------------===//

#include "TinyMachine.h"
#include "fetta/Dialect/Fetta/Transforms/RollSlices.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"
#include "gtest/gtest.h"

using namespace mlir;
using namespace fetta;
using namespace fetta::hw;

namespace {

constexpr const char *tile = R"(
#tile = #fetta.layout<banks [d1:0, d0:0] rows [2, 1]>
)";

/// Copies 20 slices of one index; `%p` stays, `%unused` is what it says.
constexpr const char *program = R"(
  func.func @f(%x: tensor<1x20x4xbf16>, %p: tensor<4x4xbf16>,
               %placed: tensor<4x4xbf16>, %unused: tensor<20xf32>)
      -> tensor<20x4xbf16> {
    %e = tensor.empty() : tensor<20x4xbf16>
    %0 = fetta.load %p at 0 home <slab 0 row 0>
        : tensor<4x4xbf16> -> tensor<4x4xbf16, #tile>
    %1 = fetta.place %placed home <slab 1 row 0>
        : tensor<4x4xbf16> -> tensor<4x4xbf16, #tile>
    %2 = fetta.repeat 4 iter(%y = %e) : tensor<20x4xbf16> {
      %3 = fetta.load %x at 0 advance 16 home <slab 2 row 0>
          : tensor<1x20x4xbf16> -> tensor<4x4xbf16, #tile>
      %4 = fetta.store %3 into %y at 0 advance 16
          : tensor<4x4xbf16, #tile>, tensor<20x4xbf16>
      fetta.yield %4 : tensor<20x4xbf16>
    }
    %5 = fetta.load %x at 64 home <slab 2 row 0>
        : tensor<1x20x4xbf16> -> tensor<4x4xbf16, #tile>
    %6 = fetta.store %5 into %2 at 64
        : tensor<4x4xbf16, #tile>, tensor<20x4xbf16>
    return %6 : tensor<20x4xbf16>
  }
}
)";

class ExtendBatchTest : public ::testing::Test {
protected:
  ExtendBatchTest() {
    context
        .loadDialect<FettaDialect, tensor::TensorDialect, func::FuncDialect>();
    module = parseSourceString<ModuleOp>(
        std::string(tile) + tinyModule + program, &context);
    function = *module->getOps<func::FuncOp>().begin();
    repeat = *function.getOps<RepeatOp>().begin();
    before = print();
  }

  std::string print() {
    std::string text;
    llvm::raw_string_ostream(text) << *module;
    return text;
  }
  RankedTensorType tensor(ArrayRef<int64_t> shape, bool isF32 = false) {
    return RankedTensorType::get(shape,
                                 isF32 ? Type(Float32Type::get(&context))
                                       : Type(BFloat16Type::get(&context)));
  }
  /// The function with these shapes of x, p, placed, unused and the result.
  FunctionType type(ArrayRef<int64_t> x, ArrayRef<int64_t> p,
                    ArrayRef<int64_t> placed, ArrayRef<int64_t> unused,
                    ArrayRef<int64_t> y) {
    return FunctionType::get(
        &context, {tensor(x), tensor(p), tensor(placed), tensor(unused, true)},
        {tensor(y)});
  }
  /// Refused with this reason, and nothing changes.
  void expectRefused(FunctionType full, StringRef reason) {
    std::string error = llvm::toString(extendBatch(function, repeat, full));
    EXPECT_TRUE(StringRef(error).contains(reason)) << error;
    EXPECT_EQ(print(), before);
  }

  MLIRContext context;
  OwningOpRef<ModuleOp> module;
  func::FuncOp function;
  RepeatOp repeat;
  std::string before;
};

TEST_F(ExtendBatchTest, GrowsToTheTypesThatAreAskedFor) {
  FunctionType full = type({1, 44, 4}, {4, 4}, {4, 4}, {44}, {44, 4});
  ASSERT_EQ(llvm::toString(extendBatch(function, repeat, full)), "");
  EXPECT_TRUE(succeeded(verify(*module)));
  EXPECT_EQ(function.getFunctionType(), full);
  EXPECT_EQ(repeat.getCount(), 10u);
  for (auto load : function.getOps<LoadOp>()) {
    if (load.getSource() == function.getArgument(0)) {
      EXPECT_EQ(load.getAt(), 160u);
    }
  }
  for (auto store : function.getOps<StoreOp>()) {
    EXPECT_EQ(store.getAt(), 160u);
    EXPECT_EQ(store.getType(), full.getResult(0));
  }
}

TEST_F(ExtendBatchTest, StaysAsItIs) {
  FunctionType same = type({1, 20, 4}, {4, 4}, {4, 4}, {20}, {20, 4});
  ASSERT_EQ(llvm::toString(extendBatch(function, repeat, same)), "");
  EXPECT_EQ(print(), before);
}

TEST_F(ExtendBatchTest, RefusesTypesThatDoNotBelongToOneBatch) {
  expectRefused(type({1, 44, 4}, {4, 4}, {4, 4}, {20}, {20, 4}),
                "6 more iterations, another region 0");
  expectRefused(type({1, 42, 4}, {4, 4}, {4, 4}, {20}, {42, 4}),
                "no whole number of iterations");
  expectRefused(type({1, 16, 4}, {4, 4}, {4, 4}, {20}, {16, 4}),
                "argument #0 cannot become smaller");
  expectRefused(type({1, 20, 8}, {4, 4}, {4, 4}, {20}, {20, 8}),
                "4 indices of a region of 80 elements are missing, no whole");
  expectRefused(type({1, 44, 8}, {4, 4}, {4, 4}, {20}, {44, 4}),
                "argument #0 cannot grow from tensor<1x20x4xbf16> to "
                "tensor<1x44x8xbf16>: in one dimension only");
  expectRefused(type({1, 44, 4}, {44, 4}, {4, 4}, {20}, {44, 4}),
                "argument #1 grows, but no transfer of the repeat advances");
  expectRefused(type({1, 44, 4}, {4, 4}, {44, 4}, {20}, {44, 4}),
                "argument #2 is no region in DRAM");
  expectRefused(type({44, 4}, {4, 4}, {4, 4}, {20}, {44, 4}),
                "argument #0 cannot grow");
  expectRefused(FunctionType::get(&context, {}, {}),
                "the function has 4 arguments and 1 results");
}

} // namespace
