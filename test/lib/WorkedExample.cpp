//===- WorkedExample.cpp - Example 1 of docs/Machine.md -------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "WorkedExample.h"

#include "TestPrograms.h"

using namespace fetta;
using namespace fetta::test;
using namespace fetta::test::example1;

Layout
fetta::test::layoutOf(llvm::ArrayRef<int64_t> sizes,
                      llvm::ArrayRef<std::pair<unsigned, unsigned>> dimBits,
                      llvm::ArrayRef<unsigned> rowOrder) {
  llvm::SmallVector<BankBit, 8> banks;
  for (auto [dim, bits] : dimBits)
    for (unsigned bit = 0; bit < bits; ++bit)
      banks.push_back({ModeBit{dim, bit}, false});
  banks.resize(8);
  return Layout::packed(sizes, banks, rowOrder);
}

TensorEntry fetta::test::tensorOf(const char *name, Layout layout,
                                  TensorRole role, int64_t slab) {
  TensorEntry tensor;
  tensor.name = name;
  for (const DimLayout &dim : layout.dims)
    tensor.shape.push_back(dim.size);
  tensor.layout = std::move(layout);
  tensor.role = role;
  tensor.slab = slab;
  return tensor;
}

llvm::SmallVector<std::optional<ModeBit>, 6>
fetta::test::lanesOf(llvm::ArrayRef<std::pair<unsigned, unsigned>> modeBits) {
  llvm::SmallVector<std::optional<ModeBit>, 6> lanes;
  for (auto [mode, bits] : modeBits)
    for (unsigned bit = 0; bit < bits; ++bit)
      lanes.push_back(ModeBit{mode, bit});
  return lanes;
}

Layout example1::layoutOfX() {
  return layoutOf({32, 8, 8, 12}, {{3, 2}, {2, 3}, {1, 3}}, {3, 0, 1, 2});
}
Layout example1::layoutOfY1() { // (b, i0, r)
  return layoutOf({32, 8, 12}, {{2, 2}, {1, 3}, {0, 3}}, {2, 0, 1});
}
Layout example1::layoutOfE() { // (i1, i2, r)
  return layoutOf({8, 12, 12}, {{2, 2}, {0, 3}, {1, 2}}, {2, 1, 0});
}

ForwardSteps fetta::test::forwardSteps() {
  TensorEntry x = tensorOf("X", layoutOfX(), TensorRole::Input, 0);
  TensorEntry e = tensorOf("E", layoutOfE(), TensorRole::Param, 1);
  TensorEntry y1 = tensorOf("Y1", layoutOfY1(), TensorRole::Temporary, 2);
  TensorEntry g = // (i0, r, s)
      tensorOf("G", layoutOf({8, 12, 12}, {{2, 2}, {0, 3}, {1, 2}}, {2, 1, 0}),
               TensorRole::Param, 1);
  g.baseRow = 100;
  TensorEntry y2 = tensorOf("Y2", layoutOf({32, 12}, {{1, 2}, {0, 3}}, {1, 0}),
                            TensorRole::Result, 3);

  Nest first;
  first.sizes = {32, 8, 8, 12, 12};
  first.loops = {{I2, 3, 4}, {R, 3, 4}, {B, 32, 1}};
  first.lanes.row = lanesOf({{I2, 2}});
  first.lanes.column = lanesOf({{R, 2}});
  first.lanes.ce = lanesOf({{I1, 3}, {I0, 3}});
  first.operands = {operandOf(x, {B, I0, I1, I2}, 5),
                    operandOf(e, {I1, I2, R}, 5), operandOf(y1, {B, I0, R}, 5)};
  first.accumulatorStrides = {1, 0, 0, 0, 4};

  Nest second;
  second.sizes = {32, 8, 12, 12};
  second.loops = {{R2, 3, 4}, {S2, 3, 4}, {B2, 4, 8}};
  second.lanes.row = lanesOf({{R2, 2}});
  second.lanes.column = lanesOf({{S2, 2}});
  second.lanes.ce = lanesOf({{I02, 3}, {B2, 3}});
  second.operands = {operandOf(y1, {B2, I02, R2}, 4),
                     operandOf(g, {I02, R2, S2}, 4),
                     operandOf(y2, {B2, S2}, 4)};
  second.accumulatorStrides = {1, 0, 0, 4};
  ForwardSteps steps;
  steps.tensors = {x, e, y1, g, y2};
  steps.nests = {first, second};
  return steps;
}
