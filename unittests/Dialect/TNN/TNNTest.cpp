//===- TNNTest.cpp ----------------------------------------------*- C++ -*-===//
//
// Part of Fetta, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// \file
// What C++ users of the dialect rely on and IR tests do not reach: builders,
// type inference, indexing maps, names, and a format defined elsewhere.
//
//===----------------------------------------------------------------------===//

#include "fetta/Dialect/TNN/IR/TNNNames.h"
#include "fetta/Dialect/TNN/IR/TNNOps.h"
#include "fetta/Dialect/TNN/IR/TNNUtils.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Verifier.h"
#include "gtest/gtest.h"

using namespace mlir;
using namespace fetta::tnn;

namespace {
class TNNTest : public ::testing::Test {
protected:
  TNNTest() : builder(&context), loc(builder.getUnknownLoc()) {
    context.loadDialect<TNNDialect, tensor::TensorDialect, func::FuncDialect>();
    module = ModuleOp::create(loc);
    builder.setInsertionPointToEnd(module->getBody());
  }

  Value makeTensor(ArrayRef<int64_t> shape, Type elementType) {
    return tensor::EmptyOp::create(builder, loc, shape, elementType);
  }
  EinsumAttr parse(StringRef spec) {
    return EinsumAttr::parseSpec(&context, spec,
                                 [&]() { return emitError(loc); });
  }

  MLIRContext context;
  OpBuilder builder;
  Location loc;
  OwningOpRef<ModuleOp> module;
};

TEST_F(TNNTest, SugarAndNamesAreOneAttribute) {
  EXPECT_EQ(parse("bij,jr->bir"), parse("  b i j ,j r->b i r"));
  EXPECT_EQ(parse("bij,jr->bir").getSpec(), "b i j, j r -> b i r");
  EXPECT_EQ(parse(",i->i").getSpec(), ", i -> i");
}

TEST_F(TNNTest, ModesKeepTheOrderOfFirstAppearance) {
  EinsumAttr einsum = parse("b k i, o k -> i o b");
  EXPECT_EQ(joinModes(einsum.getModes()), "b k i o");
  EXPECT_EQ(joinModes(einsum.getInputModes(1)), "o k");
  EXPECT_EQ(joinModes(einsum.getOutputModes()), "i o b");
  EXPECT_TRUE(einsum.hasSummedMode());
  EXPECT_FALSE(parse("i,j->ij").hasSummedMode());
}

TEST_F(TNNTest, InfersShapeAndElementType) {
  Type bf16 = builder.getBF16Type();
  Value a = makeTensor({4, 5, 6}, bf16), b = makeTensor({7, 5}, bf16);
  EinsumAttr einsum = parse("b k i, o k -> i o b");
  auto op = ContractOp::create(builder, loc, a, b, /*init=*/Value(), einsum);
  EXPECT_EQ(op.getType(), RankedTensorType::get({6, 7, 4}, bf16));
  EXPECT_EQ(inferEinsumType(einsum, {a, b}, builder.getF32Type()),
            RankedTensorType::get({6, 7, 4}, builder.getF32Type()));
  EXPECT_EQ(op.getMultiplyAdds(), 4 * 5 * 6 * 7);
  EXPECT_TRUE(succeeded(verify(op)));
}

TEST_F(TNNTest, InferenceReportsWhatTheVerifierWould) {
  Value a = makeTensor({4, 5}, builder.getF32Type());
  Value b = makeTensor({6, 7}, builder.getF32Type());
  std::string message;
  ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
    message = diagnostic.str();
    return success();
  });
  SmallVector<Type> types;
  ContractOp::Properties properties;
  properties.einsum = parse("i j, j k -> i k");
  EXPECT_TRUE(failed(ContractOp::inferReturnTypes(
      &context, loc, {a, b}, DictionaryAttr(), &properties, {}, types)));
  EXPECT_EQ(message, "'tnn.contract' op mode 'j' has size 5 in operand #0 (\"i "
                     "j\", tensor<4x5xf32>) but size 6 in operand #1 (\"j k\", "
                     "tensor<6x7xf32>)");
}

TEST_F(TNNTest, IndexingMapsNumberModes) {
  Value a = makeTensor({4, 5, 6}, builder.getF32Type());
  Value b = makeTensor({7, 5}, builder.getF32Type());
  auto op = cast<IndexingMapOpInterface>(
      ContractOp::create(builder, loc, a, b, /*init=*/Value(),
                         parse("b k i, o k -> i o b"))
          .getOperation());
  SmallVector<AffineMap> maps = op.getIndexingMapsArray();
  auto map = [&](ArrayRef<unsigned> positions) {
    return AffineMap::getMultiDimMapWithTargets(4, positions, &context);
  };
  ASSERT_EQ(maps.size(), 3u);
  EXPECT_EQ(maps[0], map({0, 1, 2}));
  EXPECT_EQ(maps[1], map({3, 1}));
  EXPECT_EQ(maps[2], map({2, 3, 0}));
  EXPECT_EQ(op.getStaticLoopRanges(), (SmallVector<int64_t>{4, 5, 6, 7}));
}

TEST_F(TNNTest, LayerEinsumLeavesBoundaryRanksOut) {
  auto tt = TTAttr::get(&context, {4, 3}, {2}, {1, 6, 5, 1});
  LayerEinsum layer = getLayerEinsum(tt, 2);
  EXPECT_EQ(layer.einsum.getSpec(),
            "b0 b1 i0, o0 r1, r1 o1 r2, r2 i0 -> b0 b1 o0 o1");
  EXPECT_EQ(layer.droppedDims,
            (SmallVector<SmallVector<int64_t>>{{0}, {}, {2}}));
  EXPECT_EQ(tt.getCoreShapes(), (SmallVector<SmallVector<int64_t>>{
                                    {1, 4, 6}, {6, 3, 5}, {5, 2, 1}}));
  auto ttm = TTMAttr::get(&context, {4, 3}, {2, 5}, {1, 6, 1});
  EXPECT_EQ(getLayerEinsum(ttm, 1).einsum.getSpec(),
            "b i0 i1, o0 i0 r1, r1 o1 i1 -> b o0 o1");
  DecompositionAttrInterface weight = ttm;
  EXPECT_EQ(weight.getOutFeatures(), 12);
  EXPECT_EQ(weight.getInFeatures(), 10);
}

/// A format from outside: CP of rank 5, 12 = 4 x 3 output and 2 input features.
/// Its rank is a hyperedge over all three cores. Any attribute can carry the
/// interface; here a builtin one does.
struct CPModel
    : DecompositionAttrInterface::ExternalModel<CPModel, StringAttr> {
  ArrayRef<int64_t> getOutputModes(Attribute) const {
    static constexpr int64_t modes[] = {4, 3};
    return modes;
  }
  ArrayRef<int64_t> getInputModes(Attribute) const {
    static constexpr int64_t modes[] = {2};
    return modes;
  }
  SmallVector<SmallVector<int64_t>> getCoreShapes(Attribute) const {
    return {{4, 5}, {3, 5}, {2, 5}};
  }
  SmallVector<SmallVector<std::string>> getCoreModes(Attribute) const {
    return {{"o0", "r"}, {"o1", "r"}, {"i0", "r"}};
  }
};

TEST_F(TNNTest, FormatsComeFromOutside) {
  StringAttr::attachInterface<CPModel>(context);
  auto weight = cast<DecompositionAttrInterface>(
      static_cast<Attribute>(builder.getStringAttr("cp")));
  EXPECT_EQ(getLayerEinsum(weight, 1).einsum.getSpec(),
            "b i0, o0 r, o1 r, i0 r -> b o0 o1");
  Type f32 = builder.getF32Type();
  SmallVector<Value> cores = {makeTensor({4, 5}, f32), makeTensor({3, 5}, f32),
                              makeTensor({2, 5}, f32)};
  auto layer = LinearOp::create(
      builder, loc, RankedTensorType::get({7, 12}, f32),
      makeTensor({7, 2}, f32), cores, /*bias=*/Value(), weight);
  EXPECT_TRUE(succeeded(verify(layer)));
}

TEST_F(TNNTest, ProductsStopAt63Bits) {
  EXPECT_EQ(checkedProduct({}), 1);
  EXPECT_EQ(checkedProduct({int64_t(1) << 31, int64_t(1) << 31}), int64_t(1)
                                                                      << 62);
  EXPECT_EQ(checkedProduct({int64_t(1) << 31, int64_t(1) << 32}), std::nullopt);
}

TEST_F(TNNTest, UnitDimensionsJoinTheNextOneThatStays) {
  using Groups = SmallVector<ReassociationIndices>;
  EXPECT_EQ(getUnitDimGroups(3, {0}), (Groups{{0, 1}, {2}}));
  EXPECT_EQ(getUnitDimGroups(3, {2}), (Groups{{0}, {1, 2}}));
  EXPECT_EQ(getUnitDimGroups(4, {0, 2, 3}), (Groups{{0, 1, 2, 3}}));
  EXPECT_EQ(getUnitDimGroups(2, {0, 1}), Groups{});
}

TEST_F(TNNTest, NamesFallBackToPositions) {
  Type type = RankedTensorType::get({2}, builder.getF32Type());
  auto function = func::FuncOp::create(
      builder, loc, "f", builder.getFunctionType({type, type}, {type}));
  function.setPrivate();
  function.setArgAttr(1, kNameAttr, builder.getStringAttr("x"));
  EXPECT_EQ(getArgumentName(function, 0), "arg0");
  EXPECT_EQ(getArgumentName(function, 1), "x");
  EXPECT_EQ(getResultName(function, 0), "result0");
  function.setResultAttr(0, kNameAttr, builder.getStringAttr("y"));
  EXPECT_EQ(getResultName(function, 0), "y");
}
} // namespace
