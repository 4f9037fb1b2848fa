//===- CostModelTest.cpp - The closed forms of a sweep --------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Sweep/CostModel.h"
#include "SweepTesting.h"

#include "llvm/ADT/STLExtras.h"

#include "gtest/gtest.h"

#include <random>

using namespace fetta;
using namespace fetta::test;

namespace {

SweepPoint atis(int64_t tokens) {
  SweepSpec spec = must(SweepSpec::parse("machine: " FETTA_SOURCE_DIR
                                         "/machines/fetta-edge.yaml\n"
                                         "layer: {suite: TT_ATIS, sizes: {a: " +
                                             std::to_string(tokens) + "}}\n",
                                         "s.yaml"));
  return must(spec.resolve(0));
}

MappingCache mappings;

LayerPlan planOf(const SweepPoint &point) {
  SearchCache cache;
  return must(planLayer(point.layer, point.order, point.machine, cache));
}

// The worked step of docs/Machine.md: 691,200 multiply-adds a phase, 2,073,600
// in all, 1,024 PEs. X, Y, dX, dY: 32 * 768 elements of 2 bytes; cores of 144
// and four of 1,152 elements, two of 144, gradients of 4 bytes; bursts of 64.
TEST(CostModel, FiguresByHand) {
  SweepPoint point = atis(32);
  LayerPlan plan = planOf(point);
  EXPECT_EQ(uint64_t(plan.multiplyAdds()), 3u * 691200);
  MappedLayer mapped =
      must(mapLayer(plan, point.machine, LayoutChoice::Joint, mappings));
  EXPECT_EQ(mapped.slices, 1);
  EXPECT_EQ(mapped.contractions, 18u);
  RawFigures f = priceLayer(mapped, point.machine, DramModel::Bandwidth);
  EXPECT_EQ(f.multiplyAdds, 2073600);
  EXPECT_EQ(f.limitCompute, 2025);
  int64_t bytes = 4 * 32 * 768 * 2 + 2 * 320 + 4 * 2304 + 2 * 576 + 4 * 4608;
  EXPECT_EQ(f.dramBytes, bytes);
  EXPECT_EQ(f.limitDram, (bytes * 10 + 255) / 256);
  EXPECT_EQ(f.binding(), "dram");
  EXPECT_GE(f.cycles, f.limit());
  EXPECT_GE(f.serialCycles, f.cycles);
  EXPECT_GE(f.arrayCycles, f.limitCompute);
  // Without the link: what the tile-event model gives is 2,205 to 2,211.
  RawFigures ideal = priceLayer(mapped, point.machine, DramModel::Ideal);
  EXPECT_EQ(ideal.cycles, f.arrayCycles);
  EXPECT_NEAR(double(ideal.cycles), 2211, 111);
  EXPECT_EQ(ideal.limitDram, 0);
}

// No key beside the mapping changes what the mapper does.
TEST(CostModel, KeysBesideTheMapping) {
  SweepPoint point = atis(8);
  LayerPlan plan = planOf(point);
  ProgramSpec program = buildProgram(plan, 8, false);
  MappedProgram expected = must(mapProgram(program, point.machine));
  for (llvm::StringRef key : keysBesideMapping()) {
    Machine machine = point.machine;
    for (const char *value : {"8", "16", "128", "systolic", "cacti7-scaled"})
      if (machine.get(key) != value)
        if (!llvm::errorToBool(machine.set(key, value)))
          break;
    ASSERT_NE(machine.get(key), point.machine.get(key)) << key.str();
    EXPECT_EQ(mappingMachine(machine).canonicalJson(),
              mappingMachine(point.machine).canonicalJson());
    MappedProgram mapped = must(mapProgram(program, machine));
    EXPECT_EQ(mapped.occupancy, expected.occupancy) << key.str();
    ASSERT_EQ(mapped.layouts.size(), expected.layouts.size());
    for (size_t i = 0; i < mapped.layouts.size(); ++i)
      EXPECT_TRUE(mapped.layouts[i] == expected.layouts[i]) << key.str();
    for (size_t i = 0; i < mapped.steps.size(); ++i)
      EXPECT_EQ(describe(mapped.steps[i].nest, {}),
                describe(expected.steps[i].nest, {}))
          << key.str();
  }
}

bool sameNests(const MappedProgram &a, const MappedProgram &b) {
  for (size_t i = 0; i < a.steps.size(); ++i)
    if (describe(a.steps[i].nest, {}) != describe(b.steps[i].nest, {}))
      return false;
  return a.layouts == b.layouts && a.occupancy == b.occupancy;
}

// The mapper looks at the array, the accumulators and the length of the
// pipeline: it does the same on what is left of a machine.
TEST(SeenByMapper, IsAllThatTheMapperLooksAt) {
  SweepPoint point = atis(8);
  LayerPlan plan = planOf(point);
  ProgramSpec program = buildProgram(plan, 8, false);
  std::vector<Machine> machines(8, point.machine);
  machines[1].rowsPerSlab = 200;
  machines[2].slabs = 9;
  machines[3].networks = NetworkTopology::Butterfly;
  machines[4].latency.memoryRead += 3;
  machines[4].latency.columnAdd = 2;
  machines[5].latency.convertWrite += 7;
  machines[6].latency.fp32Add = 3;
  machines[7].accumulatorRows = 16;
  for (auto [i, machine] : llvm::enumerate(machines))
    for (LayoutChoice layouts : {LayoutChoice::Joint, LayoutChoice::Separate}) {
      Machine seen = seenByMapper(machine);
      EXPECT_EQ(seen.pipelineCycles(), machine.pipelineCycles());
      MappedProgram own = must(mapProgram(program, machine, {layouts}));
      MappedProgram other = must(mapProgram(program, seen, {layouts}));
      EXPECT_TRUE(sameNests(own, other)) << i;
      for (auto [a, b] : llvm::zip_equal(own.steps, other.steps))
        EXPECT_EQ(a.cycles.total(), b.cycles.total()) << i;
    }
}

TEST(MappingCache, MakesEachOnce) {
  MappingCache cache;
  unsigned made = 0;
  auto get = [&](unsigned key) {
    return cache.get(std::to_string(key), [&] {
      ++made;
      MappedSlice slice;
      slice.rows = {int64_t(key)};
      return slice;
    });
  };
  for (unsigned round = 0; round < 3; ++round)
    for (unsigned key = 0; key < 100; ++key)
      EXPECT_EQ(get(key)->rows.front(), key);
  EXPECT_EQ(made, 100u);
  // The oldest go when there are too many; who holds one keeps it.
  auto held = get(0);
  for (unsigned key = 0; key < 2000; ++key)
    get(key);
  EXPECT_EQ(held->rows.front(), 0);
  EXPECT_EQ(get(0)->rows.front(), 0);
  EXPECT_GT(made, 2000u);
}

MappedLayer layerOf(int64_t slices, SliceCycles first, SliceCycles further,
                    int64_t bytes) {
  MappedLayer layer;
  layer.slices = slices;
  layer.first = first;
  layer.further = further;
  for (TransferFigures *t : {&layer.x, &layer.y, &layer.dY, &layer.dX})
    *t = {bytes, slices};
  return layer;
}

Machine linkOf(int64_t bytesPerCycle, int64_t latency) {
  Machine machine;
  machine.dramBytesPerSecond = bytesPerCycle * machine.clockHz;
  machine.dramLatencyCycles = latency;
  machine.dramBurstBytes = 1;
  return machine;
}

// One slice, by hand: nothing of it can overlap but the gradients of cores.
TEST(OverlapWithLink, OneSlice) {
  MappedLayer layer = layerOf(1, {300, 200, 100}, {}, 4000);
  layer.cores.push_back({1000, 1});
  layer.gradients.push_back({500, 1});
  // X and cores 500 + 10, forward 300, Y 400 + 10, dY 400 + 10, backward 200,
  // dX 400 ends at 2230; gradients follow 50 + 10.
  EXPECT_EQ(overlapWithLink(layer, linkOf(10, 10)), 2290);
  // A link that takes next to nothing leaves the contractions.
  EXPECT_EQ(overlapWithLink(layer, linkOf(100000, 1)),
            (2 + 1) + 300 + (1 + 1) + (1 + 1) + 200 + 100 + (1 + 1));
}

// Two slices, by hand: the second X comes while the first is at work, its
// forward pass fills the wait for dY.
TEST(OverlapWithLink, TwoSlices) {
  // With a cycle of latency: X0 0-100, F0 101-201, X1 101-201, Y0 201-301, F1
  // 202-302, dY0 302-402, Y1 402-502, R0 403-453-463, dX0 502-602, dY1 (ready
  // at 503) 602-702, R1 703-753-763, dX1 753-853.
  MappedLayer layer = layerOf(2, {100, 50, 10}, {100, 50, 10}, 1000);
  EXPECT_EQ(overlapWithLink(layer, linkOf(10, 1)), 853 + 1);
}

// Random slices: never faster than the array or the link alone, never slower
// than both after another.
TEST(OverlapWithLink, Bounds) {
  for (unsigned seed = 0; seed < 300; ++seed) {
    std::mt19937 random(seed);
    auto draw = [&](int64_t most) { return 1 + int64_t(random() % most); };
    SliceCycles first{draw(500), draw(500), draw(500)};
    SliceCycles further{draw(500), draw(500), draw(500)};
    MappedLayer layer = layerOf(draw(12), first, further, draw(3000));
    layer.cores.push_back({draw(1000), 1});
    layer.gradients.push_back({draw(1000), 1});
    layer.earlyGradients.push_back({draw(1000), 1});
    int64_t latency = draw(50);
    Machine machine = linkOf(draw(8), latency);
    int64_t rate = machine.dramBytesPerSecond / machine.clockHz;
    auto cycles = [&](const TransferFigures &t) {
      return int64_t(llvm::divideCeil(t.bytes, rate)) * t.count;
    };
    int64_t link = 4 * cycles(layer.x) + cycles(layer.cores[0]) +
                   cycles(layer.gradients[0]) + cycles(layer.earlyGradients[0]);
    int64_t found = overlapWithLink(layer, machine);
    EXPECT_GE(found, std::max(link, layer.arrayCycles()) - 2 * layer.slices)
        << "seed " << seed;
    EXPECT_LE(found,
              link + layer.arrayCycles() + latency * (4 * layer.slices + 2))
        << "seed " << seed;
    // A faster link is never slower here.
    Machine faster = machine;
    faster.dramBytesPerSecond *= 2;
    EXPECT_LE(overlapWithLink(layer, faster), found) << "seed " << seed;
  }
}

TEST(CostModel, WhatDoesNotFit) {
  SweepPoint point = atis(64);
  LayerPlan plan = planOf(point);
  Machine machine = point.machine;
  machine.rowsPerSlab = 128;
  MappedLayer sliced =
      must(mapLayer(plan, machine, LayoutChoice::Joint, mappings));
  EXPECT_GT(sliced.slices, 1);
  EXPECT_LE(sliced.liveRows, 4 * 128);
  EXPECT_GE(sliced.slices * sliced.tokensPerSlice, 64);
  EXPECT_LT((sliced.slices - 1) * sliced.tokensPerSlice, 64);
  machine.rowsPerSlab = 2;
  EXPECT_NE(messageOf(mapLayer(plan, machine, LayoutChoice::Joint, mappings))
                .find("does not fit: tensor ("),
            std::string::npos);
  machine.rowsPerSlab = 16;
  machine.slabs = 1;
  std::string message =
      messageOf(mapLayer(plan, machine, LayoutChoice::Joint, mappings));
  EXPECT_NE(message.find("rows of tensor memory are alive at once at 1 token a "
                         "slice, the machine has 16"),
            std::string::npos)
      << message;
}

TEST(CostModel, LayersThatAreNone) {
  auto refusal = [](const std::string &einsum, const std::string &sizes) {
    SweepSpec spec = must(SweepSpec::parse("machine: " + machinePath +
                                               "\nlayer: {einsum: \"" + einsum +
                                               "\", sizes: {" + sizes + "}}\n",
                                           "s.yaml"));
    SearchCache cache;
    return messageOf(planLayer(spec.layer, OrderChoice(), spec.machine, cache));
  };
  EXPECT_EQ(refusal("ab->ab", "a: 2, b: 3"),
            "a layer has X and at least one core; the einsum has 1 operand");
  EXPECT_EQ(refusal("ab,ac->bc", "a: 2, b: 3, c: 2"),
            "the first index of X, 'a', counts tokens: it must lie on X and on "
            "the result, and on no core");
  EXPECT_EQ(refusal("abc,bd->ad", "a: 2, b: 3, c: 2, d: 2"),
            "index 'c' stands on no tensor but operand 0 of the layer; the "
            "machine contracts pairs of tensors only");
}

} // namespace
