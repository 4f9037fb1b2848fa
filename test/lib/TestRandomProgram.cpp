//===- TestRandomProgram.cpp ------------------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// A pass that writes a function of random legal contractions for the machine
/// of the module: all dataflows, ragged sizes, layouts with missing bits. What
/// the mapper would choose is not asked.
///
//===----------------------------------------------------------------------===//

#include "RandomNest.h"
#include "TestPasses.h"
#include "fetta/Dialect/Fetta/IR/FettaOps.h"
#include "fetta/Dialect/TNN/IR/TNNDialect.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/Pass.h"

using namespace mlir;
using namespace fetta;
using namespace fetta::hw;

namespace {

struct TestRandomProgramPass
    : PassWrapper<TestRandomProgramPass, OperationPass<ModuleOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(TestRandomProgramPass)

  TestRandomProgramPass() = default;
  TestRandomProgramPass(const TestRandomProgramPass &other)
      : PassWrapper(other) {}

  StringRef getArgument() const final { return "test-random-program"; }
  StringRef getDescription() const final {
    return "Write a function of random legal contractions";
  }
  void getDependentDialects(DialectRegistry &registry) const final {
    registry.insert<FettaDialect, tnn::TNNDialect, func::FuncDialect>();
  }

  Option<uint64_t> seed{*this, "seed", llvm::cl::desc("Of the first one"),
                        llvm::cl::init(0)};
  Option<unsigned> count{*this, "count", llvm::cl::desc("Contractions"),
                         llvm::cl::init(25)};

  void runOnOperation() override {
    FailureOr<Machine> machine = getMachine(getOperation());
    if (failed(machine))
      return signalPassFailure();
    OpBuilder builder(&getContext());
    builder.setInsertionPointToEnd(getOperation().getBody());
    Location loc = builder.getUnknownLoc();
    auto function = func::FuncOp::create(builder, loc, "main",
                                         builder.getFunctionType({}, {}));
    builder.setInsertionPointToEnd(function.addEntryBlock());
    SmallVector<Value> results;
    for (unsigned i = 0; i < count; ++i) {
      test::RandomNestOptions options;
      options.seed = seed + i;
      options.missingBits = i % 4;
      options.dataflow = Dataflow(i / 4 % 3);
      results.push_back(add(builder, function, i,
                            test::randomContraction(*machine, options)));
    }
    SmallVector<Value> collected;
    for (Value value : results) {
      auto type = cast<RankedTensorType>(value.getType());
      collected.push_back(CollectOp::create(
          builder, loc,
          RankedTensorType::get(type.getShape(), type.getElementType()),
          value));
    }
    func::ReturnOp::create(builder, loc, collected);
    function.setType(builder.getFunctionType(function.getArgumentTypes(),
                                             ValueRange(collected).getTypes()));
  }

  Value add(OpBuilder &builder, func::FuncOp function, unsigned number,
            const test::RandomContraction &random) {
    Location loc = builder.getUnknownLoc();
    auto type = [&](unsigned id, bool inMemory) {
      SmallVector<int64_t> shape;
      for (unsigned mode : random.modes[id])
        shape.push_back(random.sizes[mode]);
      Type element = id == OperandC && random.resultType == ElementType::F32
                         ? Type(builder.getF32Type())
                         : builder.getBF16Type();
      return RankedTensorType::get(
          shape, element,
          inMemory ? LayoutAttr::get(&getContext(), random.layouts[id])
                   : LayoutAttr());
    };
    Value operands[2];
    for (unsigned id = 0; id < 2; ++id) {
      std::string name = (id == OperandA ? "a" : "b") + std::to_string(number);
      (void)function.insertArgument(
          function.getNumArguments(), type(id, false),
          builder.getDictionaryAttr(builder.getNamedAttr(
              tnn::kNameAttr, builder.getStringAttr(name))),
          loc);
      operands[id] =
          PlaceOp::create(builder, loc, type(id, true),
                          function.getArguments().back(), HomeAttr());
    }
    // The einsum numbers modes by first appearance; so does the text below.
    SmallVector<unsigned> order;
    std::string einsum;
    for (unsigned id = 0; id < 3; ++id) {
      einsum += id == OperandA ? "" : id == OperandB ? ", " : " -> ";
      StringRef separator;
      for (unsigned mode : random.modes[id]) {
        if (!llvm::is_contained(order, mode))
          order.push_back(mode);
        einsum += (separator + "m" + Twine(mode)).str();
        separator = " ";
      }
    }
    return createContract(builder, loc, einsum, operands[0], operands[1],
                          type(OperandC, true),
                          renumber(random.nests.front(), order),
                          PhaseKind::Forward)
        .getResult();
  }

  /// Mode i of the result is mode order[i] of `nest`. Operands follow from the
  /// types and keep their serial lanes.
  static Nest renumber(Nest nest, ArrayRef<unsigned> order) {
    auto position = [&](unsigned mode) {
      return unsigned(llvm::find(order, mode) - order.begin());
    };
    for (Loop &loop : nest.loops)
      loop.mode = position(loop.mode);
    auto renumberBits = [&](auto &lanes) {
      for (auto &bit : lanes)
        if (bit)
          bit->mode = position(bit->mode);
    };
    renumberBits(nest.lanes.ce);
    renumberBits(nest.lanes.row);
    renumberBits(nest.lanes.column);
    SmallVector<int64_t, 8> strides(nest.accumulatorStrides);
    for (auto [mode, stride] : llvm::enumerate(strides))
      nest.accumulatorStrides[position(mode)] = stride;
    return nest;
  }
};

} // namespace

void fetta::test::registerTestPasses() {
  PassRegistration<TestRandomProgramPass>();
  registerTestJoinStages();
}
