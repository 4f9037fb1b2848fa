//===- VerifyLossTest.cpp - Results and their gradients ------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "VerifyQueues.h"

using namespace fetta;
using namespace fetta::test;

namespace {

/// Loads the gradient of c, row by row or at once, after c is stored.
void addGradient(Program &p, bool waits, int64_t rows = 3) {
  p.regions.push_back(p.regions[2]);
  p.regions[3].name = "d_c";
  p.regions[3].role = TensorRole::Input;
  p.regions[3].byteAddress = 512;
  p.regions[3].shape = {rows, 2};
  p.tensors.push_back(p.tensors[2]);
  p.tensors[3].slab = 3;
  Dma load = dma(p, LoadA);
  load.region = load.tensor = 3;
  load.tokens = {};
  if (waits) {
    dma(p, StoreC).tokens.signals[0] = {7, 1};
    load.tokens.waits[0] = {7, 1};
  }
  insert(p, p.code.size() - 1, load);
}

TEST(VerifyLoss, Regions) {
  EXPECT_PASSES(addGradient(p, true));
  EXPECT_REFUSED(LossOrder, addGradient(p, false));
  // c is stored again.
  EXPECT_REFUSED(LossOrder, addGradient(p, true); Dma again = dma(p, StoreC);
                 again.tokens = {}; insert(p, p.code.size() - 1, again));
  // Not a gradient by its name, or of no result.
  EXPECT_PASSES(addGradient(p, false); p.regions[3].name = "dc");
  EXPECT_PASSES(addGradient(p, false);
                p.regions[2].role = TensorRole::Gradient);
}

/// One row of the gradient is loaded between stores of single rows.
unsigned slicedLoss(int64_t row, bool sameShape) {
  Program p = test::tinyDmaProgram();
  addGradient(p, true, sameShape ? 3 : 4);
  // c goes to a region for spills and comes back as three rows, which are
  // stored one after the other.
  TensorEntry rowTensor = p.tensors[2];
  rowTensor.layout.dims[0] = {1, 0, 0};
  for (BankBit &bank : rowTensor.layout.banks)
    if (bank.source->mode == 0)
      bank = BankBit();
  rowTensor.shape = {1, 2};
  rowTensor.slab = 3;
  p.tensors.push_back(rowTensor);
  Dma load = dma(p, StoreC + 1), spill = dma(p, StoreC);
  load.tensor = 4;
  load.offset = 2 * row;
  load.strides = {0, 1};
  p.code.erase(p.code.begin() + StoreC, p.code.begin() + StoreC + 2);
  auto append = [&](const Dma &dma) { insert(p, p.code.size() - 1, dma); };
  p.regions.push_back(p.regions[2]);
  p.regions[4].name = "spill";
  p.regions[4].role = TensorRole::Temporary;
  p.regions[4].byteAddress = 1024;
  spill.region = 4;
  spill.tokens.signals[0] = {11, 1};
  append(spill);
  for (int64_t r = 0; r < 3; ++r) {
    rowTensor.baseRow = 4 + r;
    p.tensors.push_back(rowTensor);
    Dma back = spill;
    back.store = false;
    back.tensor = uint32_t(p.tensors.size() - 1);
    back.offset = 2 * r;
    back.strides = {0, 1};
    back.tokens = {};
    if (r == 0)
      back.tokens.waits[0] = {11, 1};
    back.tokens.signals[0] = {12, 1};
    append(back);
    Dma out = back;
    out.store = true;
    out.region = 2;
    out.tokens = {};
    out.tokens.waits[0] = {12, 1};
    if (r == 1)
      out.tokens.signals[0] = {7, 1};
    append(out);
    if (r == 1)
      append(load);
  }
  return refusal(p).first;
}

TEST(VerifyLoss, Slices) {
  EXPECT_EQ(slicedLoss(0, true), 0u);
  EXPECT_EQ(slicedLoss(1, true), 0u);
  EXPECT_EQ(slicedLoss(2, true), unsigned(LoadCode::LossOrder));
  EXPECT_EQ(slicedLoss(0, false), unsigned(LoadCode::LossOrder));
}

TEST(VerifyLoss, TensorsOfTheHost) {
  // b is the gradient of c, and the contraction that writes c reads it.
  Program p = test::tinyProgram();
  p.tensors[1].name = "d_c";
  EXPECT_EQ(refusal(p).first, unsigned(LoadCode::LossOrder));
  p.tensors[2].role = TensorRole::Gradient;
  EXPECT_EQ(refusal(p).first, 0u);
  // A second contraction reads it after c.
  p = test::tinyProgram();
  for (uint32_t t : {1, 2}) {
    p.tensors.push_back(p.tensors[t]);
    p.tensors.back().name = t == 1 ? "d_c" : "e";
    p.tensors.back().baseRow = 8;
  }
  Contract second = std::get<Contract>(p.code[3]);
  second.tensors = {0, 3, 4};
  second.nest.operands[OperandB].baseRow = 8;
  second.nest.operands[OperandC].baseRow = 8;
  insert(p, 4, second);
  EXPECT_EQ(refusal(p).first, 0u) << refusal(p).second;
  std::swap(p.code[3], p.code[4]);
  EXPECT_EQ(refusal(p).first, unsigned(LoadCode::LossOrder));
}

} // namespace
