//===- CyclesTest.cpp - Closed-form cycles of hand-made nests -------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "BruteForce.h"

#include "fetta/Machine/Machine.h"

#include "gtest/gtest.h"

using namespace fetta;
using namespace fetta::test;

namespace {

/// Modes of the worked examples (docs/Machine.md): TT 768x768, 32 tokens.
enum : unsigned { Tokens = 0, I0 = 1, I1 = 2, I2 = 3, R = 4 };

/// X [b, i0, i1, i2] with bank bits {i2:2, i1:3, i0:3}.
Layout layoutOfX(const Machine &machine) {
  return lowBitLayout({32, 8, 8, 12}, {0, 3, 3, 2}, machine);
}
/// Y1 [b, i0, r] with bank bits {r:2, i0:3, b:3}.
Layout layoutOfY1(const Machine &machine) {
  return lowBitLayout({32, 8, 12}, {3, 3, 2}, machine);
}

/// X * (G5 G4) of worked example 1.
HandMade example1(const Machine &machine) {
  HandMade m;
  m.dataflow = Dataflow::BStationary;
  m.sizes = {32, 8, 8, 12, 12};
  m.row = {{I2, 0}, {I2, 1}};
  m.column = {{R, 0}, {R, 1}};
  m.ce = {{I1, 0}, {I1, 1}, {I1, 2}, {I0, 0}, {I0, 1}, {I0, 2}};
  m.loops = {{I2, 3, 4}, {R, 3, 4}, {Tokens, 32, 1}};
  m.modes = {{{Tokens, I0, I1, I2}, {I1, I2, R}, {Tokens, I0, R}}};
  m.layouts = {layoutOfX(machine),
               lowBitLayout({8, 12, 12}, {3, 2, 2}, machine),
               layoutOfY1(machine)};
  return m;
}

/// The gradient of a core next to X: dE [i1, i2, r] = X * dY1.
HandMade example2(const Machine &machine, Dataflow dataflow) {
  HandMade m = example1(machine);
  m.dataflow = dataflow;
  m.modes = {{{Tokens, I0, I1, I2}, {Tokens, I0, R}, {I1, I2, R}}};
  m.layouts = {layoutOfX(machine), layoutOfY1(machine),
               lowBitLayout({8, 12, 12}, {3, 2, 2}, machine)};
  return m;
}

/// The closed form against the walk, beat by beat.
void expectWalk(const Nest &nest, const Machine &machine) {
  SerialCycles c = serialCycles(nest, machine);
  Walk w = walk(nest, machine);
  EXPECT_EQ(w.broken, "");
  EXPECT_EQ(c.total(), w.total);
  EXPECT_EQ(c.beats, w.beats);
  EXPECT_EQ(c.beats + c.bankConflict, w.beatCycles);
  EXPECT_EQ(c.tiles, w.tiles);
  EXPECT_EQ(c.loadBeats, w.loadBeats);
  EXPECT_EQ(c.networkAdditions, w.networkAdditions);
}

} // namespace

TEST(SerialCycles, WorkedExample1) {
  Machine machine;
  HandMade m = example1(machine);
  EXPECT_EQ(m.layouts[OperandA].rows(), 96);
  EXPECT_EQ(m.layouts[OperandB].rows(), 9);
  EXPECT_EQ(m.layouts[OperandC].rows(), 12);
  Nest nest = m.build(machine);
  EXPECT_EQ(multiplyAdds(nest), 294912);
  SerialCycles c = serialCycles(nest, machine);
  EXPECT_EQ(c.beats, 288);
  EXPECT_EQ(c.bankConflict, 0);
  EXPECT_EQ(c.tiles, 9);
  EXPECT_EQ(c.loadBeats, 36);
  EXPECT_EQ(c.firstLoad, 4);
  EXPECT_EQ(c.stationaryReload, 0);
  EXPECT_EQ(c.drainBusy, 0);
  EXPECT_EQ(c.networkAdditions, 64512);
  EXPECT_EQ(c.fill, 24);
  EXPECT_EQ(c.drain, 12);
  EXPECT_EQ(c.total(), 288 + 4 + 24 + 12);
  expectWalk(nest, machine);
}

TEST(SerialCycles, NextStepOfWorkedExample1) {
  // Y1 [b, i0, r] * G3 [i0, r, s] -> [b, s]: b streams, k = i0 8 x r 12. Y1's
  // banks have the lane bits of i0 and r; b has three bits on CEs.
  enum : unsigned { B = 0, K0 = 1, K1 = 2, S = 3 };
  Machine machine;
  HandMade m;
  m.dataflow = Dataflow::BStationary;
  m.sizes = {32, 8, 12, 12};
  m.row = {{K1, 0}, {K1, 1}};
  m.column = {{S, 0}, {S, 1}};
  m.ce = {{K0, 0}, {K0, 1}, {K0, 2}, {B, 0}, {B, 1}, {B, 2}};
  m.loops = {{K1, 3, 4}, {S, 3, 4}, {B, 4, 8}};
  m.modes = {{{B, K0, K1}, {K0, K1, S}, {B, S}}};
  m.layouts = {layoutOfY1(machine),
               lowBitLayout({8, 12, 12}, {3, 2, 2}, machine),
               lowBitLayout({32, 12}, {5, 2}, machine)};
  Nest nest = m.build(machine);
  SerialCycles c = serialCycles(nest, machine);
  EXPECT_EQ(c.beats, 36);
  EXPECT_EQ(c.bankConflict, 0);
  EXPECT_EQ(c.firstLoad, 4);
  EXPECT_EQ(c.stationaryReload, 0);
  expectWalk(nest, machine);
}

TEST(SerialCycles, WorkedExample2BStationary) {
  Machine machine;
  HandMade m = example2(machine, Dataflow::BStationary);
  m.row = {{I0, 0}, {I0, 1}};
  m.column = {{R, 0}, {R, 1}};
  m.ce = {{I0, 2}, {I1, 0}, {I1, 1}, {I1, 2}, {I2, 0}, {I2, 1}};
  m.loops = {{Tokens, 32, 1}, {R, 3, 4}, {I2, 3, 4}};
  Nest nest = m.build(machine);
  SerialCycles c = serialCycles(nest, machine);
  EXPECT_EQ(c.beats, 288);
  EXPECT_EQ(c.bankConflict, 0);
  EXPECT_EQ(c.tiles, 96);
  EXPECT_EQ(c.firstLoad, 4);
  EXPECT_EQ(c.stationaryReload, 95);
  expectWalk(nest, machine);
}

TEST(SerialCycles, WorkedExample2OutputStationary) {
  Machine machine;
  HandMade m = example2(machine, Dataflow::OutputStationary);
  m.row = {{I2, 0}, {I2, 1}};
  m.column = {{R, 0}, {R, 1}};
  m.ce = {{I0, 0}, {I0, 1}, {I0, 2}, {I1, 0}, {I1, 1}, {I1, 2}};
  m.loops = {{R, 3, 4}, {I2, 3, 4}, {Tokens, 32, 1}};
  Nest nest = m.build(machine);
  SerialCycles c = serialCycles(nest, machine);
  EXPECT_EQ(c.beats, 288);
  EXPECT_EQ(c.bankConflict, 0);
  EXPECT_EQ(c.tiles, 9);
  EXPECT_EQ(c.firstLoad, 0);
  EXPECT_EQ(c.drainBusy, 0);
  // The last tile's 4 beats and the result's 9 rows are exposed.
  EXPECT_EQ(c.drain, 4 + 9);
  // 1,152 words, each the sum of 8 CEs.
  EXPECT_EQ(c.networkAdditions, 8 * 12 * 12 * 7);
  expectWalk(nest, machine);
}

TEST(SerialCycles, ConflictOnReadLoadAndResult) {
  // X without the bits of i1: three missing bits, eight sub-beats.
  Machine machine;
  HandMade m = example1(machine);
  m.layouts[OperandA] = lowBitLayout({32, 8, 8, 12}, {5, 1, 0, 2}, machine);
  SerialCycles c = serialCycles(m.build(machine), machine);
  EXPECT_EQ(c.beats + c.bankConflict, 288 << 5); // 3 of i1, 2 of i0.
  expectWalk(m.build(machine), machine);

  // The held operand lacks a column bit: every load takes twice as long.
  m = example1(machine);
  m.layouts[OperandB] = lowBitLayout({8, 12, 12}, {3, 4, 1}, machine);
  c = serialCycles(m.build(machine), machine);
  EXPECT_EQ(c.bankConflict, 0);
  EXPECT_EQ(c.firstLoad, 8);
  EXPECT_EQ(c.loadBeats, 72);
  expectWalk(m.build(machine), machine);

  // The result lacks a column bit.
  m = example1(machine);
  m.layouts[OperandC] = lowBitLayout({32, 8, 12}, {3, 3, 1}, machine);
  c = serialCycles(m.build(machine), machine);
  EXPECT_EQ(c.bankConflict, 288);
  expectWalk(m.build(machine), machine);
}

TEST(SerialCycles, ScopesOverlapTheirDrains) {
  // Tokens in two scopes of 16: the first half's 6 rows drain while the second
  // half streams.
  Machine machine;
  HandMade m = example1(machine);
  m.loops = {{Tokens, 2, 16}, {I2, 3, 4}, {R, 3, 4}, {Tokens, 16, 1}};
  m.scopeLevel = 1;
  Nest nest = m.build(machine);
  SerialCycles c = serialCycles(nest, machine);
  EXPECT_EQ(c.beats, 288);
  EXPECT_EQ(c.tiles, 18);
  EXPECT_EQ(c.drainBusy, 0);
  EXPECT_EQ(c.drain, 6);
  expectWalk(nest, machine);

  // FP32 takes two rows each.
  nest.operands[OperandC].elementType = ElementType::F32;
  EXPECT_EQ(serialCycles(nest, machine).drain, 12);
  expectWalk(nest, machine);

  // An open scope is not drained.
  nest = example1(machine).build(machine);
  nest.drainAtEnd = false;
  EXPECT_EQ(serialCycles(nest, machine).drain, 0);
}

TEST(SerialCycles, DrainsThatOutlastTheirScopes) {
  // An outer product of b 64 and r 4 in FP32: a beat makes 4 words, a row of
  // the result holds 4 words of one b, and draining it takes two cycles.
  Machine machine;
  HandMade m;
  m.dataflow = Dataflow::BStationary;
  m.sizes = {64, 4};
  m.column = {{1, 0}, {1, 1}};
  m.loops = {{0, 64, 1}};
  m.modes = {{{0}, {1}, {0, 1}}};
  m.layouts = {lowBitLayout({64}, {6}, machine),
               lowBitLayout({4}, {2}, machine),
               lowBitLayout({64, 4}, {0, 2}, machine)};
  m.scopeLevel = 1;
  Nest nest = m.build(machine);
  nest.operands[OperandC].elementType = ElementType::F32;
  SerialCycles c = serialCycles(nest, machine);
  EXPECT_EQ(c.beats, 64);
  EXPECT_EQ(c.tiles, 1);
  // One beat, then 64 drains of 2 cycles behind one another.
  EXPECT_EQ(c.beats + c.drainBusy + c.drain, 1 + 64 * 2);
  expectWalk(nest, machine);
}

TEST(Describe, LoopNest) {
  Machine machine;
  Nest nest = example1(machine).build(machine);
  std::string text = describe(nest, {"b", "i0", "i1", "i2", "r"});
  EXPECT_EQ(text,
            "B-stationary, rows [i2:0, i2:1], columns [r:0, r:1], CEs [i1:0, "
            "i1:1, i1:2, i0:0, i0:1, i0:2]\n"
            "scope\n"
            "for i2 in 0..3 by 4\n"
            "  for r in 0..3 by 4\n"
            "    for b in 0..32\n"
            "      A: banks [i0:0, i0:1, i0:2, i1:0, i1:1, i1:2, i2:0, i2:1] "
            "row 3*b + i2/4\n"
            "      B: banks [i1:0, i1:1, i1:2, i2:0, i2:1, r:0, r:1, 0] row "
            "3*i2/4 + r/4\n"
            "      C: banks [b:0, b:1, b:2, i0:0, i0:1, i0:2, r:0, r:1] row "
            "3*b/8 + r/4\n");
}
