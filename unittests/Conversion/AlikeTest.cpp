//===- AlikeTest.cpp --------------------------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// \file
// Contractions of a sliced function that share a mapping: which ones do when
// modes are cut besides the batch, and when a known mapping must not be taken.
//
//===----------------------------------------------------------------------===//

#include "fetta/Conversion/TNNToFetta/TNNToFetta.h"
#include "fetta/Dialect/Fetta/IR/FettaOps.h"
#include "fetta/Dialect/Fetta/Transforms/Passes.h"
#include "fetta/Dialect/TNN/IR/TNNOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "gtest/gtest.h"

using namespace mlir;
using namespace fetta;
using tnn::ModeCut;
using tnn::SliceClass;

namespace {

/// Two contractions forward, one whose sum over the batch ends in FP32.
constexpr const char *stepText = R"mlir(
func.func @step(%x: tensor<24x12xbf16> {tnn.name = "x"},
                %w: tensor<12x20xbf16> {tnn.name = "w", tnn.role = "param"},
                %v: tensor<20x6xbf16> {tnn.name = "v", tnn.role = "param"})
    -> (tensor<24x6xbf16> {tnn.name = "z"}, tensor<12x6xf32> {tnn.name = "g"}) {
  %y = tnn.contract "b i, i o -> b o" %x, %w
      : (tensor<24x12xbf16>, tensor<12x20xbf16>) -> tensor<24x20xbf16>
  %z = tnn.contract "b o, o q -> b q" %y, %v
      : (tensor<24x20xbf16>, tensor<20x6xbf16>) -> tensor<24x6xbf16>
  %g = tnn.contract "b i, b q -> i q" %x, %z
      : (tensor<24x12xbf16>, tensor<24x6xbf16>) -> tensor<12x6xf32>
  return %z, %g : tensor<24x6xbf16>, tensor<12x6xf32>
})mlir";

/// Two that read their first operand in opposite ways; %0 is that of the
/// second.
constexpr const char *pairText = R"mlir(
func.func @pair(%a: tensor<64x64xbf16> {tnn.name = "a"},
                %b: tensor<64x64xbf16> {tnn.name = "b"},
                %w: tensor<64x64xbf16> {tnn.name = "w"},
                %u: tensor<64x64xbf16> {tnn.name = "u"})
    -> (tensor<64x64xbf16> {tnn.name = "y"}, tensor<64x64xbf16> {tnn.name = "z"}) {
  %y = tnn.contract "b i, i o -> b o" %a, %w
      : (tensor<64x64xbf16>, tensor<64x64xbf16>) -> tensor<64x64xbf16>
  %z = tnn.contract "b i, b k -> i k" %SECOND, %u
      : (tensor<64x64xbf16>, tensor<64x64xbf16>) -> tensor<64x64xbf16>
  return %y, %z : tensor<64x64xbf16>, tensor<64x64xbf16>
})mlir";

class AlikeTest : public ::testing::Test {
protected:
  AlikeTest() : alike(std::make_shared<AlikeContractions>()) {
    DialectRegistry registry;
    registry.insert<hw::FettaDialect, tnn::TNNDialect, func::FuncDialect,
                    tensor::TensorDialect>();
    context.appendDialectRegistry(registry);
    context.loadAllAvailableDialects();
  }

  OwningOpRef<ModuleOp> parse(const std::string &text) {
    return parseSourceString<ModuleOp>(text, &context);
  }

  /// Cuts the step into slices of 16 tokens, i into 8 and 4, o into 16 and 4.
  void cut(ModuleOp module) {
    tnn::ModePlan plan;
    plan.cuts = {ModeCut{/*value=*/0, /*dimension=*/1, /*size=*/8},
                 ModeCut{/*value=*/1, /*dimension=*/1, /*size=*/16}};
    alike->classes.clear();
    ASSERT_TRUE(
        succeeded(tnn::sliceBatch(*module.getOps<func::FuncOp>().begin(), 16,
                                  /*sample=*/false, &alike->classes, plan)));
  }

  LogicalResult convert(ModuleOp module, DataflowChoice dataflow) {
    PassManager passes(&context);
    hw::FettaAttachMachinePassOptions machine;
    machine.file = FETTA_SOURCE_DIR "/machines/fetta-edge.yaml";
    passes.addPass(hw::createFettaAttachMachinePass(machine));
    ConvertTNNToFettaPassOptions options;
    options.dataflow = dataflow;
    passes.addPass(createConvertTNNToFettaPass(options, alike));
    return passes.run(module);
  }

  static std::vector<tnn::ContractOp> contractions(ModuleOp module) {
    std::vector<tnn::ContractOp> ops;
    module.walk([&](tnn::ContractOp op) { ops.push_back(op); });
    return ops;
  }
  static std::vector<hw::ContractOp> mapped(ModuleOp module) {
    std::vector<hw::ContractOp> ops;
    module.walk([&](hw::ContractOp op) { ops.push_back(op); });
    return ops;
  }

  MLIRContext context;
  std::shared_ptr<AlikeContractions> alike;
};

TEST_F(AlikeTest, PiecesOfOneClassAreTheSameAndOthersAreNot) {
  OwningOpRef<ModuleOp> module = parse(stepText);
  ASSERT_TRUE(module);
  cut(*module);
  std::map<SliceClass, tnn::ContractOp> first;
  std::map<unsigned, unsigned> classesOf;
  for (tnn::ContractOp op : contractions(*module)) {
    auto kind = alike->classes.find(op);
    ASSERT_TRUE(kind != alike->classes.end());
    auto [it, isNew] = first.try_emplace(kind->second, op);
    classesOf[kind->second.contract] += isNew;
    EXPECT_EQ(op.getEinsum(), it->second.getEinsum());
    EXPECT_EQ(op->getOperandTypes(), it->second->getOperandTypes());
    EXPECT_EQ(op.getType(), it->second.getType());
  }
  // Slices of 16 and 8 tokens; pieces of 8 and 4 of i, the second of which goes
  // on from the first; of 16 and 4 of o.
  EXPECT_EQ(classesOf[0], 2u * 2 * 2);
  EXPECT_EQ(classesOf[1], 2u * 2);
  // The gradient: its sum begins with the first slice.
  EXPECT_EQ(classesOf[2], 2u * 2);
}

TEST_F(AlikeTest, PiecesOfOneClassShareAMapping) {
  OwningOpRef<ModuleOp> module = parse(stepText);
  ASSERT_TRUE(module);
  cut(*module);
  std::vector<SliceClass> kinds;
  for (tnn::ContractOp op : contractions(*module))
    kinds.push_back(alike->classes.at(op));
  ASSERT_TRUE(succeeded(convert(*module, DataflowChoice::Auto)));
  ASSERT_TRUE(succeeded(verify(*module)));
  std::vector<hw::ContractOp> ops = mapped(*module);
  ASSERT_EQ(ops.size(), kinds.size());
  std::map<SliceClass, hw::ContractOp> first;
  for (auto [op, kind] : llvm::zip_equal(ops, kinds)) {
    hw::ContractOp other = first.try_emplace(kind, op).first->second;
    EXPECT_EQ(op.getLanes(), other.getLanes());
    EXPECT_EQ(op.getLoops(), other.getLoops());
    EXPECT_EQ(op->getOperandTypes(), other->getOperandTypes());
    EXPECT_EQ(op.getType(), other.getType());
  }
  EXPECT_EQ(alike->mapped["step"].size(), first.size());

  // They are taken over whatever the mapper would choose now.
  OwningOpRef<ModuleOp> again = parse(stepText);
  cut(*again);
  ASSERT_TRUE(succeeded(convert(*again, DataflowChoice::OutputStationary)));
  std::vector<hw::ContractOp> taken = mapped(*again);
  ASSERT_EQ(taken.size(), ops.size());
  bool isForced = true;
  for (auto [op, other] : llvm::zip_equal(taken, ops)) {
    EXPECT_EQ(op.getLoops(), other.getLoops());
    EXPECT_EQ(op->getOperandTypes(), other->getOperandTypes());
    isForced &= op.getDataflow() == hw::DataflowKind::OutputStationary;
  }
  EXPECT_FALSE(isForced) << "the case does not tell the two apart";
}

TEST_F(AlikeTest, KnownMappingsAreNotTakenWhereTheyAskForTwoLayouts) {
  auto run = [&](const char *second) {
    std::string text = pairText;
    text.replace(text.find("SECOND"), strlen("SECOND"), second);
    OwningOpRef<ModuleOp> module = parse(text);
    EXPECT_TRUE(module);
    alike->classes.clear();
    for (auto [number, op] : llvm::enumerate(contractions(*module))) {
      SliceClass &kind = alike->classes[op];
      kind.contract = unsigned(number);
      kind.sizes = {64, 64};
    }
    EXPECT_TRUE(succeeded(convert(*module, DataflowChoice::Auto)));
    EXPECT_TRUE(succeeded(verify(*module)));
    return module;
  };
  auto layoutOf = [](hw::ContractOp op) {
    return *hw::getLayout(op.getLhs().getType());
  };
  // Each on a tensor of its own: the layouts differ.
  OwningOpRef<ModuleOp> apart = run("b");
  ASSERT_EQ(alike->mapped["pair"].size(), 2u);
  std::vector<hw::ContractOp> ops = mapped(*apart);
  ASSERT_EQ(ops.size(), 2u);
  ASSERT_FALSE(layoutOf(ops[0]) == layoutOf(ops[1]));
  // The same two classes on one tensor: it is in memory once, in one layout.
  OwningOpRef<ModuleOp> together = run("a");
  ops = mapped(*together);
  ASSERT_EQ(ops.size(), 2u);
  EXPECT_EQ(ops[0].getLhs(), ops[1].getLhs());
  EXPECT_TRUE(layoutOf(ops[0]) == layoutOf(ops[1]));
}

} // namespace
