//===- IntegerTensors.h - Functions of integers -----------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Evaluates functions of contractions, reshapes and slices on integers, index
/// by index: what they compute, whichever way their sums are cut.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_UNITTESTS_DIALECT_TNN_INTEGERTENSORS_H
#define FETTA_UNITTESTS_DIALECT_TNN_INTEGERTENSORS_H

#include "fetta/Dialect/TNN/IR/TNNOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "gtest/gtest.h"
#include <vector>

namespace fetta::tnn::test {

struct Tensor {
  llvm::SmallVector<int64_t> shape;
  std::vector<int64_t> elements;

  bool operator==(const Tensor &o) const {
    return shape == o.shape && elements == o.elements;
  }
};

/// For all places of a box, row-major.
inline void forPlaces(llvm::ArrayRef<int64_t> shape,
                      llvm::function_ref<void(llvm::ArrayRef<int64_t>)> body) {
  llvm::SmallVector<int64_t> place(shape.size(), 0);
  for (int64_t n = llvm::product_of(shape); n > 0; --n) {
    body(place);
    for (size_t d = shape.size(); d-- > 0;) {
      if (++place[d] < shape[d])
        break;
      place[d] = 0;
    }
  }
}

inline int64_t &at(Tensor &tensor, llvm::ArrayRef<int64_t> place) {
  int64_t index = 0;
  for (auto [size, i] : llvm::zip_equal(tensor.shape, place))
    index = index * size + i;
  return tensor.elements[size_t(index)];
}

inline Tensor makeTensor(mlir::Type type, int64_t value) {
  llvm::ArrayRef<int64_t> shape =
      llvm::cast<mlir::RankedTensorType>(type).getShape();
  return {llvm::SmallVector<int64_t>(shape),
          std::vector<int64_t>(size_t(llvm::product_of(shape)), value)};
}

inline Tensor contract(ContractOp op,
                       llvm::DenseMap<mlir::Value, Tensor> &values) {
  EinsumAttr einsum = op.getEinsum();
  llvm::SmallVector<mlir::StringAttr> modes = einsum.getModes();
  Tensor sum =
      op.getInit() ? values.at(op.getInit()) : makeTensor(op.getType(), 0);
  Tensor &lhs = values.at(op.getLhs()), &rhs = values.at(op.getRhs());
  forPlaces(op.getModeSizes(), [&](llvm::ArrayRef<int64_t> place) {
    auto of = [&](llvm::ArrayRef<mlir::StringAttr> names) {
      return llvm::map_to_vector<8>(names, [&](mlir::StringAttr name) {
        return place[llvm::find(modes, name) - modes.begin()];
      });
    };
    at(sum, of(einsum.getOutputModes())) +=
        at(lhs, of(einsum.getInputModes(0))) *
        at(rhs, of(einsum.getInputModes(1)));
  });
  return sum;
}

/// What a function of contractions, views and slices returns. Elements that are
/// never written are a number that no sum is.
inline std::vector<Tensor> evaluate(mlir::func::FuncOp function,
                                    llvm::ArrayRef<Tensor> arguments) {
  constexpr int64_t unwritten = int64_t(1) << 60;
  llvm::DenseMap<mlir::Value, Tensor> values;
  std::vector<Tensor> results;
  for (auto [argument, tensor] :
       llvm::zip_equal(function.getArguments(), arguments)) {
    EXPECT_EQ(llvm::cast<mlir::RankedTensorType>(argument.getType()).getShape(),
              llvm::ArrayRef(tensor.shape));
    values[argument] = tensor;
  }
  for (mlir::Operation &op : function.getBody().front()) {
    if (op.hasTrait<mlir::OpTrait::IsTerminator>()) {
      for (mlir::Value operand : op.getOperands())
        results.push_back(values.at(operand));
      continue;
    }
    Tensor made = makeTensor(op.getResult(0).getType(), unwritten);
    if (auto contraction = llvm::dyn_cast<ContractOp>(op)) {
      made = contract(contraction, values);
    } else if (llvm::isa<mlir::tensor::ExpandShapeOp,
                         mlir::tensor::CollapseShapeOp>(op)) {
      made.elements = values.at(op.getOperand(0)).elements;
    } else if (auto extract =
                   llvm::dyn_cast<mlir::tensor::ExtractSliceOp>(op)) {
      Tensor &source = values.at(extract.getSource());
      forPlaces(made.shape, [&](llvm::ArrayRef<int64_t> place) {
        llvm::SmallVector<int64_t> from(extract.getStaticOffsets());
        for (auto [offset, i] : llvm::zip_equal(from, place))
          offset += i;
        at(made, place) = at(source, from);
      });
    } else if (auto insert = llvm::dyn_cast<mlir::tensor::InsertSliceOp>(op)) {
      Tensor &part = values.at(insert.getSource());
      made = values.at(insert.getDest());
      forPlaces(part.shape, [&](llvm::ArrayRef<int64_t> place) {
        llvm::SmallVector<int64_t> to(insert.getStaticOffsets());
        for (auto [offset, i] : llvm::zip_equal(to, place))
          offset += i;
        at(made, to) = at(part, place);
      });
    } else {
      EXPECT_TRUE(llvm::isa<mlir::tensor::EmptyOp>(op))
          << op.getName().getStringRef().str();
    }
    values[op.getResult(0)] = std::move(made);
  }
  return results;
}

/// The first elements of every dimension, as many as `type` has; zeros beyond
/// what there is.
inline Tensor cut(Tensor from, mlir::Type type) {
  Tensor made = makeTensor(type, 0);
  forPlaces(made.shape, [&](llvm::ArrayRef<int64_t> place) {
    bool isInside =
        llvm::all_of(llvm::zip_equal(place, from.shape),
                     [](auto p) { return std::get<0>(p) < std::get<1>(p); });
    if (isInside)
      at(made, place) = at(from, place);
  });
  return made;
}

} // namespace fetta::tnn::test

#endif // FETTA_UNITTESTS_DIALECT_TNN_INTEGERTENSORS_H
