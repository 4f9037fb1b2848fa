//===- AreaTableTest.cpp - Area of a machine ------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Machine/AreaTable.h"

#include "gtest/gtest.h"

using namespace fetta;
using llvm::toString;

namespace {

AreaTable table() { return llvm::cantFail(AreaTable::preset("scaled7nm")); }

TEST(AreaTable, Presets) {
  EXPECT_EQ(AreaTable::presetNames(), (std::vector<std::string>{"scaled7nm"}));
  AreaTable built = table();
  llvm::Expected<AreaTable> loaded =
      AreaTable::load(FETTA_SOURCE_DIR "/machines/area/scaled7nm.yaml");
  ASSERT_TRUE(bool(loaded)) << toString(loaded.takeError());
  for (unsigned i = 0; i < numAreaComponents; ++i) {
    const TableEntry &entry = built.entries[i];
    EXPECT_GT(entry.low, 0) << i;
    EXPECT_LT(entry.low, entry.high) << i;
    EXPECT_FALSE(entry.source.empty()) << i;
    EXPECT_EQ(entry.nodeNanometres, 7) << i;
    EXPECT_EQ(entry.value, loaded->entries[i].value) << i;
  }
  EXPECT_EQ(toString(AreaTable::preset("paper").takeError()),
            "there is no area preset 'paper'; there are: scaled7nm");
}

// What the sources say, scaled by hand: 45 nm to 7 nm 0.059, 28 nm 0.18.
TEST(AreaTable, KnownFigures) {
  AreaTable t = table();
  EXPECT_NEAR(t[AreaComponent::PE].value, (1640 + 4184) * 0.059, 1);
  EXPECT_NEAR(t[AreaComponent::AdderFP32].value, 4184 * 0.059, 1);
  double adder28 = 137 * 0.059 / 0.18;
  EXPECT_GT(t[AreaComponent::Switch32].value, (277 - adder28) * 0.18 - 1);
  EXPECT_LT(t[AreaComponent::Switch32].value, (319 - adder28) * 0.18 + 1);
  double bits = 64 * 1024 * 8;
  EXPECT_NEAR(t[AreaComponent::MemoryMacro].value, bits * 0.027 / 0.5, 50);
  EXPECT_NEAR(t[AreaComponent::MemoryMacro].low, bits * 0.027 / 0.7, 50);
  EXPECT_NEAR(t[AreaComponent::MemoryMacro].high,
              bits * 42.64e6 / (256.0 * 1024 * 1024), 50);
}

// fetta-edge by hand: 256 lanes, 15 stages of 128 switches.
TEST(AreaTable, Instances) {
  Machine m;
  EXPECT_EQ(instances(AreaComponent::PE, m), 1024);
  EXPECT_EQ(instances(AreaComponent::AdderFP32, m), 8 * 128 + 256);
  EXPECT_EQ(instances(AreaComponent::Switch16, m), 2 * 15 * 128);
  EXPECT_EQ(instances(AreaComponent::Switch32, m), 15 * 128);
  EXPECT_EQ(instances(AreaComponent::MemoryMacro, m), 64);
  EXPECT_EQ(instances(AreaComponent::Accumulator, m), 256);
  EXPECT_EQ(instances(AreaComponent::StagingBuffer, m), 64);
  // 15 * 128 switches of 2 bits and 8 masks of 8 bits: 488 bytes a slot.
  EXPECT_EQ(instances(AreaComponent::RouteStore, m), 3 * 16 * 488 / 1024.0);
  m.networks = NetworkTopology::Butterfly;
  EXPECT_EQ(instances(AreaComponent::Switch16, m), 2 * 8 * 128);
  m.rowsPerSlab = 512;
  EXPECT_EQ(instances(AreaComponent::MemoryMacro, m), 16);
}

TEST(AreaTable, SumOfComponents) {
  Machine m;
  AreaTable t = table();
  FigureRange sum;
  for (unsigned i = 0; i < numAreaComponents; ++i)
    sum.add(areaOf(AreaComponent(i), m, t));
  FigureRange all = areaOf(m, t);
  EXPECT_DOUBLE_EQ(all.nominal, sum.nominal);
  EXPECT_LT(all.low, all.nominal);
  EXPECT_LT(all.nominal, all.high);
  // Twice the memory: 64 macros more, nothing else.
  Machine larger = m;
  larger.rowsPerSlab *= 2;
  EXPECT_NEAR(areaOf(larger, t).nominal - all.nominal,
              64 * t[AreaComponent::MemoryMacro].value * 1e-6, 1e-9);
}

TEST(AreaTable, Refusals) {
  std::string text;
  {
    std::string entries;
    for (unsigned i = 0; i < numAreaComponents; ++i)
      entries += "  " + areaKey(AreaComponent(i)).str() +
                 ": {value: 2, low: 1, high: 3, unit: um2, source: s, "
                 "node_nm: 7, method: assumed}\n";
    text = "name: t\nentries:\n" + entries;
  }
  auto refusal = [&](llvm::StringRef from, llvm::StringRef to) {
    std::string changed = text;
    size_t at = changed.find(from.str());
    EXPECT_NE(at, std::string::npos);
    changed.replace(at, from.size(), to.str());
    llvm::Expected<AreaTable> parsed = AreaTable::parse(changed, "a.yaml");
    return parsed ? "accepted" : toString(parsed.takeError());
  };
  EXPECT_EQ(refusal("name: t", "name: u"), "accepted");
  EXPECT_EQ(refusal("  switch_16bit:", "  switch_16bits:"),
            "a.yaml:5:3: error: unknown key 'switch_16bits' (did you mean "
            "'switch_16bit'?)");
  EXPECT_EQ(refusal("  pe: {value: 2, low: 1, high: 3, unit: um2, source: s, "
                    "node_nm: 7, method: assumed}\n",
                    ""),
            "a.yaml:3:3: error: missing 'pe'");
  EXPECT_EQ(refusal("unit: um2", "unit: mm2"),
            "a.yaml:3:41: error: the unit of 'pe' is 'mm2', it must be 'um2'");
  EXPECT_EQ(refusal("low: 1", "low: 3"),
            "a.yaml:3:15: error: the value of 'pe' must lie between 'low' and "
            "'high'");
  EXPECT_EQ(refusal("node_nm: 7", "volts: 7"),
            "a.yaml:3:57: error: unknown key 'volts'");
}

} // namespace
