//===- TestJoinStages.cpp ---------------------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// A pass that joins the stages of a module, so that programs written by hand
/// and compiled ones can be joined in a lit test.
///
//===----------------------------------------------------------------------===//

#include "JoinStages.h"
#include "TestPasses.h"
#include "mlir/Pass/Pass.h"

using namespace mlir;
using namespace fetta;
using namespace fetta::hw;

namespace {

/// Stages are the functions with the attribute `test.arguments`, in the order
/// of the module; the function to be written has `test.results`. Both list
/// `[stage, result]`, or `[-1, argument]` for an argument of that function.
struct TestJoinStagesPass
    : PassWrapper<TestJoinStagesPass, OperationPass<ModuleOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(TestJoinStagesPass)

  StringRef getArgument() const final { return "test-fetta-join-stages"; }
  StringRef getDescription() const final {
    return "Join the programs of stages";
  }

  static SmallVector<tnn::StageValue> valuesOf(ArrayAttr attribute) {
    SmallVector<tnn::StageValue> values;
    for (auto pair : attribute.getAsRange<ArrayAttr>()) {
      auto number = [&](unsigned i) {
        return cast<IntegerAttr>(pair[i]).getInt();
      };
      tnn::StageValue value;
      if (number(0) >= 0)
        value.stage = unsigned(number(0));
      value.number = unsigned(number(1));
      values.push_back(value);
    }
    return values;
  }

  std::string print() {
    std::string text;
    llvm::raw_string_ostream(text) << getOperation();
    return text;
  }

  void runOnOperation() override {
    func::FuncOp joined;
    SmallVector<tnn::StageValue> results;
    std::vector<SmallVector<tnn::StageValue>> arguments;
    SmallVector<func::FuncOp> functions;
    for (auto function : getOperation().getOps<func::FuncOp>()) {
      if (auto list = function->getAttrOfType<ArrayAttr>("test.results")) {
        joined = function;
        results = valuesOf(list);
        joined->removeAttr("test.results");
      }
      if (auto list = function->getAttrOfType<ArrayAttr>("test.arguments")) {
        functions.push_back(function);
        arguments.push_back(valuesOf(list));
      }
    }
    SmallVector<StagePart> stages;
    for (auto [function, list] : llvm::zip_equal(functions, arguments))
      stages.push_back({function, list});
    const std::string before = print();
    if (llvm::Error error = joinStages(joined, stages, results)) {
      getOperation().emitError() << llvm::toString(std::move(error));
      if (print() != before)
        getOperation().emitError() << "the module has changed";
      signalPassFailure();
    }
  }
};

} // namespace

void fetta::test::registerTestJoinStages() {
  PassRegistration<TestJoinStagesPass>();
}
