//===- NestVerifyTest.cpp - Every rule of one contraction -----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "NestRules.h"

#include "gtest/gtest.h"

#include <functional>

using namespace fetta;
using namespace fetta::test;

namespace {

enum : unsigned { B, M, N, K }; // Mode numbers.

/// C[b,m,n] = A[b,m,k] B[b,n,k] with sizes 2, 5, 4, 6.
Nest valid(Dataflow dataflow) {
  Nest nest;
  nest.dataflow = dataflow;
  nest.sizes = {2, 5, 4, 6};
  ModeBit m0{M, 0}, m1{M, 1}, n0{N, 0}, n1{N, 1}, k0{K, 0}, k1{K, 1};
  switch (dataflow) {
  case Dataflow::BStationary:
    nest.lanes = {{m0, m1}, {k0, k1}, {n0, n1}};
    nest.loops = {{B, 2, 1}, {K, 2, 4}, {M, 2, 4}};
    break;
  case Dataflow::AStationary:
    nest.lanes = {{n0, n1}, {k0, k1}, {m0, m1}};
    nest.loops = {{B, 2, 1}, {M, 2, 4}, {K, 2, 4}};
    break;
  case Dataflow::OutputStationary:
    nest.lanes = {{k0, k1}, {m0, m1}, {n0, n1}};
    nest.loops = {{B, 2, 1}, {M, 2, 4}, {K, 2, 4}};
    break;
  }
  nest.scopeLevel = 1;
  nest.accumulatorStrides = {0, 1, 0, 0};
  // Rows: (b, chunk of m, chunk of k), and so on, densely.
  DimLayout m{5, 2, 1}, n{4, 2, 0};
  nest.operands[OperandA].modes = {DimLayout{2, 0, 4}, m, std::nullopt,
                                   DimLayout{6, 2, 2}};
  nest.operands[OperandA].banks = {bank(K, 0), bank(K, 1), bank(M, 0),
                                   bank(M, 1)};
  nest.operands[OperandB].modes = {DimLayout{2, 0, 2}, std::nullopt, n,
                                   DimLayout{6, 2, 1}};
  nest.operands[OperandB].banks = {bank(N, 0), bank(N, 1), bank(K, 0),
                                   bank(K, 1)};
  nest.operands[OperandC].modes = {DimLayout{2, 0, 2}, m, n, std::nullopt};
  nest.operands[OperandC].banks = {bank(N, 0), bank(N, 1), bank(M, 0),
                                   bank(M, 1)};
  for (OperandId id : {OperandA, OperandB, OperandC})
    nest.operands[id].slab = id;
  return nest;
}

class Rules : public testing::TestWithParam<Dataflow> {
protected:
  /// Rule that the valid nest breaks after a change.
  unsigned after(const std::function<void(Nest &)> &change) {
    Nest nest = valid(GetParam());
    change(nest);
    return ruleOf(nest, machine());
  }
};

TEST_P(Rules, ValidNest) {
  EXPECT_EQ(after([](Nest &) {}), 0u);
}

TEST_P(Rules, N1ListsAndRanges) {
  EXPECT_EQ(after([](Nest &n) { n.lanes.ce.pop_back(); }), 1u);
  EXPECT_EQ(after([](Nest &n) { n.lanes.row.push_back({}); }), 1u);
  EXPECT_EQ(after([](Nest &n) { n.lanes.column.clear(); }), 1u);
  EXPECT_EQ(after([](Nest &n) { n.accumulatorStrides.pop_back(); }), 1u);
  EXPECT_EQ(after([](Nest &n) { n.operands[OperandB].banks.pop_back(); }), 1u);
  EXPECT_EQ(after([](Nest &n) { n.operands[OperandC].modes.pop_back(); }), 1u);
  EXPECT_EQ(after([](Nest &n) { n.sizes[B] = 0; }), 1u);
  EXPECT_EQ(after([](Nest &n) { n.sizes[B] = INT64_MAX; }), 1u);
  EXPECT_EQ(after([](Nest &n) { n.loops[0].count = 0; }), 1u);
  EXPECT_EQ(after([](Nest &n) { n.loops[0].weight = -1; }), 1u);
  EXPECT_EQ(after([](Nest &n) { n.loops[0].weight = INT64_MAX; }), 1u);
  EXPECT_EQ(after([](Nest &n) { n.loops[0].mode = 4; }), 1u);
  EXPECT_EQ(after([](Nest &n) { n.lanes.ce[0] = ModeBit{4, 0}; }), 1u);
  EXPECT_EQ(after([](Nest &n) { n.lanes.row[0] = ModeBit{4, 0}; }), 1u);
  EXPECT_EQ(after([](Nest &n) {
              n.sizes.resize(33, 1);
              n.accumulatorStrides.resize(33);
              for (Operand &operand : n.operands)
                operand.modes.resize(33, DimLayout());
            }),
            1u);
}

TEST_P(Rules, N2LaneBits) {
  EXPECT_EQ(after([](Nest &n) { n.lanes.ce[1]->bit = 2; }), 2u);
  EXPECT_EQ(after([](Nest &n) { n.lanes.ce[1]->bit = 0; }), 2u);
  EXPECT_EQ(after([](Nest &n) { n.lanes.row[0]->bit = 77; }), 2u);
  EXPECT_EQ(after([](Nest &n) { n.lanes.column[0] = std::nullopt; }), 2u);
}

TEST_P(Rules, N3Dataflow) {
  EXPECT_EQ(after([](Nest &n) { std::swap(n.lanes.ce[0], n.lanes.row[0]); }),
            3u);
  EXPECT_EQ(after([](Nest &n) { std::swap(n.lanes.ce, n.lanes.column); }), 3u);
  // A batch mode belongs on CE bits or in time.
  EXPECT_EQ(after([](Nest &n) {
              n.lanes.row[1] = ModeBit{B, 0};
              n.loops[0].count = 1;
              for (Loop &loop : n.loops)
                if (loop.mode == (n.dataflow == Dataflow::OutputStationary
                                      ? unsigned(M)
                                      : unsigned(K)))
                  loop = {loop.mode, 3, 2};
            }),
            3u);
}

TEST_P(Rules, N4LoopWeights) {
  EXPECT_EQ(after([](Nest &n) { n.loops[1].weight = 2; }), 4u);
  EXPECT_EQ(after([](Nest &n) { n.loops.push_back({M, 1, 3}); }), 4u);
}

TEST_P(Rules, N5Indices) {
  EXPECT_EQ(after([](Nest &n) { n.loops[1].count = 1; }), 5u);
  EXPECT_EQ(after([](Nest &n) { n.loops[1].count = 3; }), 5u);
  EXPECT_EQ(after([](Nest &n) { n.loops[1].weight = 8; }), 5u);
  EXPECT_EQ(after([](Nest &n) { n.loops.push_back(n.loops[0]); }), 5u);
  EXPECT_EQ(after([](Nest &n) { n.loops.erase(n.loops.begin()); }), 5u);
}

TEST_P(Rules, N6Membership) {
  EXPECT_EQ(after([](Nest &n) { n.operands[OperandB].modes[N].reset(); }), 6u);
  EXPECT_EQ(after([](Nest &n) { n.operands[OperandA].modes[K].reset(); }), 6u);
  EXPECT_EQ(after([](Nest &n) {
              n.sizes.push_back(1);
              n.accumulatorStrides.push_back(0);
              for (Operand &operand : n.operands)
                operand.modes.push_back(std::nullopt);
            }),
            6u);
}

TEST_P(Rules, N7OperandSizes) {
  EXPECT_EQ(after([](Nest &n) { n.operands[OperandA].modes[K]->size = 7; }),
            7u);
  EXPECT_EQ(after([](Nest &n) { n.operands[OperandC].modes[M]->size = 4; }),
            7u);
}

TEST_P(Rules, N8OperandLayouts) {
  EXPECT_EQ(after([](Nest &n) {
              n.operands[OperandA].banks[0] = n.operands[OperandA].banks[1];
            }),
            8u);
  EXPECT_EQ(after([](Nest &n) { n.operands[OperandB].banks[0] = bank(M, 0); }),
            8u);
  EXPECT_EQ(after([](Nest &n) { n.operands[OperandB].banks[0] = bank(9, 0); }),
            8u);
  EXPECT_EQ(after([](Nest &n) { n.operands[OperandC].banks[0] = BankBit(); }),
            8u);
  EXPECT_EQ(after([](Nest &n) { n.operands[OperandC].modes[M]->lowBits = 40; }),
            8u);
  EXPECT_EQ(
      after([](Nest &n) { n.operands[OperandA].modes[M]->rowStride = 0; }), 8u);
  EXPECT_EQ(
      after([](Nest &n) { n.operands[OperandA].modes[M]->rowStride = 2; }), 8u);
}

TEST_P(Rules, N9OperandRows) {
  EXPECT_EQ(after([](Nest &n) { n.operands[OperandA].slab = 4; }), 9u);
  EXPECT_EQ(after([](Nest &n) { n.operands[OperandB].slab = -1; }), 9u);
  EXPECT_EQ(after([](Nest &n) { n.operands[OperandB].baseRow = -1; }), 9u);
  // C takes rows 0 to 3, twice as many as FP32.
  EXPECT_EQ(after([](Nest &n) { n.operands[OperandC].baseRow = 60; }), 0u);
  EXPECT_EQ(after([](Nest &n) { n.operands[OperandC].baseRow = 61; }), 9u);
  EXPECT_EQ(after([](Nest &n) {
              n.operands[OperandC].elementType = ElementType::F32;
              n.operands[OperandC].baseRow = 57;
            }),
            9u);
  EXPECT_EQ(after([](Nest &n) {
              n.operands[OperandA].modes[B]->rowStride = INT64_MAX / 2;
            }),
            9u);
}

TEST_P(Rules, N10SerialLanes) {
  // Bit 1 of m leaves the banks of C.
  auto miss = [](Nest &n) {
    Operand &c = n.operands[OperandC];
    c.modes[M] = DimLayout{5, 1, 1};
    c.modes[B]->rowStride = 3;
    c.banks[3] = BankBit();
    n.accumulatorStrides[M] = 1;
  };
  bool spatial = GetParam() != Dataflow::OutputStationary;
  uint32_t lanes = missingLanes(
      [&] {
        Nest n = valid(GetParam());
        miss(n);
        return n;
      }(),
      OperandC, machine());
  // Rows are temporal in a drain, so nothing is missing there.
  EXPECT_EQ(lanes, GetParam() == Dataflow::BStationary   ? 8u
                   : GetParam() == Dataflow::AStationary ? 2u
                                                         : 0u);
  EXPECT_EQ(after(miss), spatial ? 10u : 0u);
  EXPECT_EQ(after([&](Nest &n) {
              miss(n);
              n.operands[OperandC].serialLanes = lanes;
            }),
            0u);
  // More may be serialised, but only lane bits that the operand has.
  EXPECT_EQ(after([&](Nest &n) { n.operands[OperandC].serialLanes = 1; }), 0u);
  EXPECT_EQ(after([&](Nest &n) { n.operands[OperandC].serialLanes = 16; }),
            10u);
  EXPECT_EQ(after([&](Nest &n) {
              // CE bits carry m, n or k: one operand does not hold them.
              OperandId other = n.dataflow == Dataflow::BStationary ? OperandB
                                : n.dataflow == Dataflow::AStationary
                                    ? OperandA
                                    : OperandC;
              n.operands[other].serialLanes = 4;
            }),
            10u);
}

TEST_P(Rules, N11Scope) {
  EXPECT_EQ(after([](Nest &n) { n.scopeLevel = 3; }), 11u);
  EXPECT_EQ(after([](Nest &n) { n.scopeLevel = 4; }), 11u);
}

TEST_P(Rules, N12OpenScope) {
  EXPECT_EQ(after([](Nest &n) { n.drainAtEnd = false; }), 12u);
  EXPECT_EQ(after([](Nest &n) { n.clearAtStart = false; }), 12u);
  EXPECT_EQ(after([](Nest &n) {
              n.scopeLevel = 0;
              n.accumulatorStrides[B] = 2;
              n.drainAtEnd = n.clearAtStart = false;
            }),
            0u);
}

TEST_P(Rules, N13AccumulatorRows) {
  EXPECT_EQ(after([](Nest &n) { n.accumulatorBase = 6; }), 0u);
  EXPECT_EQ(after([](Nest &n) { n.accumulatorBase = 7; }), 13u);
  EXPECT_EQ(after([](Nest &n) { n.accumulatorBase = -1; }), 13u);
  EXPECT_EQ(after([](Nest &n) { n.accumulatorStrides[M] = 7; }), 0u);
  EXPECT_EQ(after([](Nest &n) { n.accumulatorStrides[M] = 8; }), 13u);
  EXPECT_EQ(after([](Nest &n) { n.accumulatorStrides[M] = INT64_MAX; }), 13u);
  EXPECT_EQ(after([](Nest &n) { n.accumulatorStrides[M] = -1; }), 13u);
  EXPECT_EQ(after([](Nest &n) { n.accumulatorStrides[K] = 1; }), 13u);
}

TEST_P(Rules, N14AccumulatorWords) {
  EXPECT_EQ(after([](Nest &n) { n.accumulatorStrides[M] = 0; }), 14u);
  EXPECT_EQ(after([](Nest &n) {
              n.scopeLevel = 0;
              n.accumulatorStrides[B] = 1;
            }),
            14u);
}

TEST_P(Rules, N15ElementTypes) {
  EXPECT_EQ(after([](Nest &n) {
              n.operands[OperandC].elementType = ElementType::F32;
            }),
            0u);
  EXPECT_EQ(after([](Nest &n) {
              n.operands[OperandA].elementType = ElementType::F32;
            }),
            15u);
  EXPECT_EQ(after([](Nest &n) {
              n.operands[OperandB].elementType = ElementType::F32;
            }),
            15u);
}

TEST_P(Rules, N16PartialSums) {
  auto accumulating = [&](const std::function<void(Nest &)> &change) {
    return after([&](Nest &n) {
      n.accumulate = true;
      n.operands[OperandC].elementType = ElementType::F32;
      change(n);
    });
  };
  EXPECT_EQ(accumulating([](Nest &) {}), 0u);
  // Sums that end in a BF16 result lie elsewhere, in two planes.
  auto ending = [&](int64_t slab, int64_t row) {
    return accumulating([&](Nest &n) {
      n.operands[OperandC].elementType = ElementType::BF16;
      n.sums = {slab, row};
    });
  };
  Nest plain;
  EXPECT_EQ(after([&](Nest &n) { plain = n; }), 0u);
  auto [first, last] = rowRange(plain.c());
  int64_t room = machine().rowsPerSlab - 2 * (last - first + 1);
  EXPECT_EQ(ending(1, room), 0u);
  EXPECT_EQ(ending(1, room + 1), 9u);
  EXPECT_EQ(ending(1, -1), 9u);
  EXPECT_EQ(ending(machine().slabs, 0), 9u);
  EXPECT_EQ(ending(-1, 0), 9u);
  auto wholeNest = [](Nest &n) {
    n.scopeLevel = 0;
    n.accumulatorStrides[B] = 2;
    n.drainAtEnd = false;
  };
  EXPECT_EQ(accumulating(wholeNest), 0u);
  EXPECT_EQ(accumulating([&](Nest &n) {
              wholeNest(n);
              n.clearAtStart = false;
            }),
            16u);
  // Both values of b in one row, and a scope for each.
  auto sharedRow = [](Nest &n) {
    Operand &c = n.operands[OperandC];
    c.modes[B] = DimLayout{2, 1, 0};
    c.modes[M] = DimLayout{5, 1, 1};
    c.banks[3] = bank(B, 0);
    c.serialLanes = missingLanes(n, OperandC, machine());
  };
  EXPECT_EQ(after(sharedRow), 0u);
  EXPECT_EQ(accumulating(sharedRow), 16u);
}

INSTANTIATE_TEST_SUITE_P(Dataflows, Rules,
                         testing::Values(Dataflow::AStationary,
                                         Dataflow::BStationary,
                                         Dataflow::OutputStationary));

} // namespace
