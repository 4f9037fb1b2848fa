//===- EnergyTableTest.cpp - Energy tables --------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Machine/EnergyTable.h"

#include "gtest/gtest.h"

#include "llvm/Support/MemoryBuffer.h"

#include <set>

using namespace fetta;

namespace {

constexpr const char *file = FETTA_SOURCE_DIR "/machines/energy/tpu7nm.yaml";

std::string text() {
  auto buffer = llvm::MemoryBuffer::getFile(file);
  return buffer ? (*buffer)->getBuffer().str() : "";
}

/// The refusal of the preset with one text replaced.
std::string refusal(const std::string &old, const std::string &replacement) {
  std::string changed = text();
  size_t at = changed.find(old);
  EXPECT_NE(at, std::string::npos) << old;
  changed.replace(at, old.size(), replacement);
  llvm::Expected<EnergyTable> table = EnergyTable::parse(changed, "e.yaml");
  return table ? "accepted" : toString(table.takeError());
}

TEST(EnergyTable, Presets) {
  EXPECT_EQ(EnergyTable::presetNames(),
            (std::vector<std::string>{"cacti7-scaled", "tpu7nm"}));
  for (const std::string &name : EnergyTable::presetNames()) {
    llvm::Expected<EnergyTable> table = EnergyTable::preset(name);
    ASSERT_TRUE(bool(table)) << toString(table.takeError());
    EXPECT_EQ(table->name, name);
    for (unsigned i = 0; i < numEnergyEvents; ++i) {
      const EnergyEntry &entry = (*table)[EnergyEvent(i)];
      EXPECT_GT(entry.value, 0) << i;
      EXPECT_GT(entry.low, 0) << i;
      EXPECT_FALSE(entry.source.empty()) << i;
    }
    // The files are the built-in text.
    llvm::Expected<EnergyTable> loaded = EnergyTable::load(
        FETTA_SOURCE_DIR "/machines/energy/" + name + ".yaml");
    ASSERT_TRUE(bool(loaded));
    EXPECT_EQ((*loaded)[EnergyEvent::MemoryMacroRead].value,
              (*table)[EnergyEvent::MemoryMacroRead].value);
  }
  EXPECT_EQ(toString(EnergyTable::preset("paper").takeError()),
            "there is no energy preset 'paper'; there are: cacti7-scaled, "
            "tpu7nm");
}

// Published figures: BF16 multiply and FP32 add of one multiply-add together
// 0.59 pJ at 7 nm; 64 KB by 256 bits 10 fJ a bit.
TEST(EnergyTable, KnownFigures) {
  EnergyTable tpu = llvm::cantFail(EnergyTable::preset("tpu7nm"));
  EXPECT_DOUBLE_EQ(tpu[EnergyEvent::MultiplyBF16].value +
                       tpu[EnergyEvent::AddFP32Column].value,
                   0.59);
  EXPECT_EQ(tpu[EnergyEvent::MultiplyBF16].method, EnergyMethod::Table);
  EnergyTable cacti = llvm::cantFail(EnergyTable::preset("cacti7-scaled"));
  EXPECT_NEAR(cacti[EnergyEvent::MemoryMacroRead].value, 256 * 0.010, 0.1);
  EXPECT_NEAR(cacti[EnergyEvent::MemoryMacroWrite].value, 256 * 0.027, 0.1);
  EXPECT_NEAR(cacti[EnergyEvent::AddFP32Column].value, 0.9 * 0.094, 0.001);
}

TEST(EnergyTable, KeysAreDistinct) {
  std::set<std::string> keys;
  for (unsigned i = 0; i < numEnergyEvents; ++i) {
    keys.insert(energyKey(EnergyEvent(i)).str());
    EXPECT_EQ(energyUnit(EnergyEvent(i)),
              energyKey(EnergyEvent(i)).starts_with("static") ? "mw" : "pj");
  }
  EXPECT_EQ(keys.size(), numEnergyEvents);
}

// fetta-edge: 4 slabs of 16 macros; 3 networks of 15 stages of 128 switches.
TEST(EnergyTable, Instances) {
  Machine m;
  EXPECT_EQ(instances(EnergyEvent::StaticPE, m), 1024);
  EXPECT_EQ(instances(EnergyEvent::StaticSwitch, m), 5760);
  EXPECT_EQ(instances(EnergyEvent::StaticMemoryMacro, m), 64);
  EXPECT_EQ(instances(EnergyEvent::StaticAccumulatorKiB, m), 256);
  EXPECT_EQ(instances(EnergyEvent::MultiplyBF16, m), 0);
}

TEST(EnergyTable, Refusals) {
  EXPECT_EQ(refusal("  multiply_bf16:", "  multiply_bf6:"),
            "e.yaml:5:3: error: unknown key 'multiply_bf6' (did you mean "
            "'multiply_bf16'?)");
  EXPECT_EQ(refusal("    low: 0.1\n", "    low: 0.3\n"),
            "e.yaml:6:12: error: the value of 'multiply_bf16' must lie between "
            "'low' and 'high'");
  EXPECT_EQ(refusal("    low: 0.1\n", ""), "e.yaml:6:5: error: missing 'low'");
  EXPECT_EQ(refusal("    low: 0.1\n", "    low: -0.1\n"),
            "e.yaml:7:10: error: 'low' must be a number that is not negative");
  EXPECT_EQ(refusal("    low: 0.1\n", "    low: nan\n"),
            "e.yaml:7:10: error: 'low' must be a number that is not negative");
  EXPECT_EQ(refusal("    unit: pj\n", "    unit: mw\n"),
            "e.yaml:9:11: error: the unit of 'multiply_bf16' is 'mw', it must "
            "be 'pj'");
  EXPECT_EQ(refusal("    method: table\n", "    method: guess\n"),
            "e.yaml:13:13: error: 'method' is 'guess', it must be one of: "
            "measured, table, scaled, assumed");
  // A missing entry is an error, never a default.
  std::string all = text();
  size_t from = all.find("  static_pe:"), to = all.find("  static_switch:");
  ASSERT_LT(from, to);
  EXPECT_EQ(refusal(all.substr(from, to - from), ""),
            "e.yaml:5:3: error: missing 'static_pe'");
}

} // namespace
