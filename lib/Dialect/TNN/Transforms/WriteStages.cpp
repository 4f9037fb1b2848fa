//===- WriteStages.cpp ------------------------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
/// \file
/// Stages as functions of their own: what stands for the arguments and results
/// of a function, and how it is called.
//
//===----------------------------------------------------------------------===//

#include "fetta/Dialect/TNN/Transforms/WriteStages.h"
#include "StreamWriter.h"
#include "fetta/Dialect/TNN/IR/TNNNames.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;
using namespace fetta::tnn;

/// What each result is a reshape of; reports results that no contraction has
/// to itself.
static FailureOr<SmallVector<Value>> findResults(func::FuncOp function) {
  SmallVector<Value> roots;
  Operation *terminator = function.getBody().front().getTerminator();
  for (auto [number, result] : llvm::enumerate(terminator->getOperands())) {
    auto refuse = [&, number = number]() {
      return terminator->emitOpError()
             << "cannot be written in stages: result #" << number << " is ";
    };
    Value root = getViewed(result);
    if (auto argument = dyn_cast<BlockArgument>(root))
      return refuse() << "argument #" << argument.getArgNumber()
                      << ", and not that of a contraction";
    for (Operation *view = result.getDefiningOp(); view != root.getDefiningOp();
         view = view->getOperand(0).getDefiningOp())
      if (!isa<tensor::ExpandShapeOp, tensor::CollapseShapeOp>(view))
        return refuse()
               << "a contraction's of "
               << cast<RankedTensorType>(root.getType()).getElementType()
               << " behind '" << view->getName()
               << "'; give the contraction the type of the result";
    if (auto *same = llvm::find(roots, root); same != roots.end())
      return refuse() << "the same tensor as result #" << same - roots.begin()
                      << "; return it once";
    roots.push_back(root);
  }
  return roots;
}

namespace {
/// Names that a stage has for arrays outside.
class Names {
public:
  void add(StringRef name) { taken.insert(name); }
  /// Whether an array would be taken for another one, or a result for one whose
  /// gradient is an argument.
  bool isFree(const std::string &name) const {
    return !taken.contains(name) && !taken.contains("d_" + name);
  }
  std::string makeFree(std::string name) {
    while (!isFree(name))
      name += '_';
    add(name);
    return name;
  }

private:
  llvm::StringSet<> taken;
};
} // namespace

/// Attributes and names of the arguments and results that are those of
/// `function`.
static void describe(func::FuncOp stage, const StreamWriter::Part &part,
                     func::FuncOp function, ArrayRef<Value> roots) {
  Names names;
  auto nameAttr = [&](const std::string &name) {
    return StringAttr::get(function.getContext(), name);
  };
  for (auto [number, input] : llvm::enumerate(part.inputs)) {
    auto index = unsigned(number);
    auto argument = dyn_cast<BlockArgument>(input);
    stage.setArgAttrs(
        index, argument ? function.getArgAttrDict(argument.getArgNumber())
                        : DictionaryAttr());
    if (!argument)
      continue;
    std::string name = getArgumentName(function, argument.getArgNumber());
    stage.setArgAttr(index, kNameAttr, nameAttr(name));
    names.add(name);
  }
  for (auto [number, value] : llvm::enumerate(part.results)) {
    auto index = unsigned(number);
    const auto *root = llvm::find(roots, value);
    if (root == roots.end())
      continue;
    auto result = unsigned(root - roots.begin());
    stage.setResultAttrs(index, function.getResultAttrDict(result));
    std::string name = getResultName(function, result);
    stage.setResultAttr(index, kNameAttr, nameAttr(name));
    names.add(name);
  }
  // Temporaries.
  for (auto [number, input] : llvm::enumerate(part.inputs))
    if (auto index = unsigned(number); !isa<BlockArgument>(input))
      if (std::string name = getArgumentName(stage, index); !names.isFree(name))
        stage.setArgAttr(index, kNameAttr, nameAttr(names.makeFree(name)));
  for (auto [number, value] : llvm::enumerate(part.results))
    if (auto index = unsigned(number); !llvm::is_contained(roots, value))
      if (std::string name = getResultName(stage, index); !names.isFree(name))
        stage.setResultAttr(index, kNameAttr, nameAttr(names.makeFree(name)));
}

FailureOr<StagedFunction> fetta::tnn::writeStages(func::FuncOp function,
                                                  int64_t size,
                                                  const ModePlan &plan,
                                                  const StageSample &sample,
                                                  SliceClasses *classes) {
  assert(!plan.streams.empty() && plan.cuts.empty() && "nothing is staged");
  BatchAnalysis batch(function);
  if (failed(batch.run()))
    return failure();
  FailureOr<SmallVector<Value>> roots = findResults(function);
  if (failed(roots))
    return failure();
  SliceClasses own;
  FailureOr<std::vector<StreamWriter::Part>> parts =
      StreamWriter(function, batch, size, /*sample=*/0,
                   classes ? &own : nullptr, plan)
          .writeParts(sample);
  if (failed(parts))
    return failure();

  StagedFunction staged;
  llvm::DenseMap<Value, StageValue> values;
  for (BlockArgument argument : function.getArguments())
    values[argument] = {std::nullopt, argument.getArgNumber()};
  for (auto [number, part] : llvm::enumerate(*parts)) {
    func::FuncOp stage = *part.stage.function;
    stage.setName((function.getName() + ".stage" + Twine(number)).str());
    stage->setDiscardableAttrs(function->getDiscardableAttrDictionary());
    describe(stage, part, function, *roots);
    for (Value input : part.inputs)
      part.stage.arguments.push_back(values.at(input));
    for (auto [result, value] : llvm::enumerate(part.results))
      values[value] = {unsigned(number), unsigned(result)};
    staged.stages.push_back(std::move(part.stage));
  }
  for (Value root : *roots)
    staged.results.push_back(values.at(root));
  if (classes)
    for (auto &[op, kind] : own)
      (*classes)[op] = std::move(kind);
  return staged;
}
