//===- MachineTest.cpp - Machine files and what follows from them ---------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Machine/EnergyTable.h"

#include "gtest/gtest.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/MemoryBuffer.h"

using namespace fetta;

namespace {

std::string machineFile(llvm::StringRef name) {
  return (llvm::Twine(FETTA_SOURCE_DIR "/machines/") + name + ".yaml").str();
}

Machine load(llvm::StringRef name) {
  llvm::Expected<Machine> machine = Machine::load(machineFile(name));
  if (machine)
    return *machine;
  ADD_FAILURE() << toString(machine.takeError());
  return {};
}

/// The text of fetta-edge.yaml with one line replaced; "" takes it out.
std::string edgeWith(llvm::StringRef key, llvm::StringRef line) {
  auto buffer = llvm::MemoryBuffer::getFile(machineFile("fetta-edge"));
  std::string text;
  bool found = false;
  for (llvm::StringRef old : llvm::split((*buffer)->getBuffer(), '\n')) {
    bool match = old.starts_with((key + ":").str());
    found |= match;
    if (match && line.empty())
      continue;
    text += (match ? line : old).str() + "\n";
  }
  EXPECT_TRUE(found) << key.str();
  return text;
}

/// The refusal, without the file's name.
std::string refusal(llvm::StringRef text) {
  llvm::Expected<Machine> machine = Machine::parse(text, "m.yaml");
  if (machine)
    return "accepted";
  std::string message = toString(machine.takeError());
  EXPECT_TRUE(llvm::StringRef(message).starts_with("m.yaml:")) << message;
  return llvm::StringRef(message).drop_front(7).str();
}

TEST(Machine, FettaEdge) {
  Machine m = load("fetta-edge");
  EXPECT_EQ(m.name, "fetta-edge");
  EXPECT_EQ(m.ceBits, 6u);
  EXPECT_EQ(m.pes(), 1024);
  EXPECT_EQ(m.lanes(), 256);
  EXPECT_EQ(m.networkStages(), 15u);
  // 2 + ceil(15/4) + 1 + 4 + (8 + ceil(7/4)) + 1 + 2.
  EXPECT_EQ(m.distributionCycles(), 4);
  EXPECT_EQ(m.reductionCycles(), 10);
  EXPECT_EQ(m.pipelineCycles(), 24);
  EXPECT_EQ(m.slabs * m.rowsPerSlab * m.lanes() * 2, 4 << 20);
  EXPECT_EQ(2 * m.accumulatorRows * m.lanes() * 4, 256 << 10);
  EXPECT_EQ(m.clockHz, 1000000000);
  EXPECT_EQ(m.dramBytesPerSecond, 25600000000);
  EXPECT_EQ(m.energyPreset, "tpu7nm");
  EXPECT_EQ(m.sources["route_slots"], "assumed");
  // The defaults of the struct are this machine.
  Machine defaults;
  defaults.name = m.name;
  defaults.energyPreset = m.energyPreset;
  EXPECT_EQ(defaults.canonicalJson(), m.canonicalJson());
}

TEST(Machine, Butterfly) {
  Machine m = load("fetta-edge-butterfly");
  EXPECT_EQ(m.networkStages(), 8u);
  EXPECT_EQ(m.distributionCycles(), 2);
  EXPECT_EQ(m.reductionCycles(), 8);
  EXPECT_EQ(m.pipelineCycles(), 20);
}

/// A slow adder lengthens the pipeline by what accumulation has no room for.
TEST(Machine, SlowAdder) {
  Machine m = load("fetta-edge");
  m.latency.fp32Add = 3;
  EXPECT_EQ(m.pipelineCycles(), 24 + 2);
  m.latency.accumulate = 3;
  EXPECT_EQ(m.pipelineCycles(), 24 + 2);
  m.latency.fp32Add = 1;
  EXPECT_EQ(m.pipelineCycles(), 24 + 2);
}

TEST(Machine, RectangularEngines) {
  Machine wide = load("small-4ce-2x8"), tall = load("small-4ce-8x2");
  EXPECT_EQ(wide.positionBits(), 3u);
  EXPECT_EQ(tall.positionBits(), 3u);
  EXPECT_EQ(wide.lanes(), 32);
  EXPECT_EQ(tall.lanes(), 32);
  EXPECT_EQ(wide.pes(), 64);
  EXPECT_EQ(tall.pipelineCycles() - wide.pipelineCycles(), 6);
}

TEST(Machine, EveryShippedFileLoads) {
  std::error_code error;
  int files = 0;
  for (llvm::sys::fs::directory_iterator
           it(FETTA_SOURCE_DIR "/machines", error),
       end;
       it != end && !error; it.increment(error)) {
    if (!llvm::StringRef(it->path()).ends_with(".yaml"))
      continue;
    ++files;
    llvm::Expected<Machine> machine = Machine::load(it->path());
    ASSERT_TRUE(bool(machine)) << toString(machine.takeError());
    EXPECT_TRUE(
        llvm::StringRef(it->path()).ends_with("/" + machine->name + ".yaml"));
    llvm::Expected<EnergyTable> table =
        EnergyTable::preset(machine->energyPreset);
    EXPECT_TRUE(bool(table)) << toString(table.takeError());
  }
  EXPECT_GE(files, 8);
}

TEST(Machine, JsonRoundTrip) {
  Machine m = load("fetta-edge-butterfly");
  std::string json = m.canonicalJson();
  llvm::Expected<Machine> back = Machine::fromJson(json);
  ASSERT_TRUE(bool(back)) << toString(back.takeError());
  EXPECT_EQ(back->canonicalJson(), json);
  EXPECT_EQ(back->fingerprint(), m.fingerprint());
  EXPECT_EQ(json.find("{\"accumulate_cycles\":1,\"accumulator_rows\":128,"),
            0u);

  auto message = [](llvm::StringRef text) {
    llvm::Expected<Machine> machine = Machine::fromJson(text);
    return machine ? "accepted" : toString(machine.takeError());
  };
  EXPECT_EQ(message("[]"), "a machine is a JSON object");
  EXPECT_NE(message("{"), "accepted");
  auto changed = [&](auto change) {
    llvm::json::Value value = llvm::cantFail(llvm::json::parse(json));
    change(*value.getAsObject());
    std::string text;
    llvm::raw_string_ostream os(text);
    os << value;
    return message(text);
  };
  EXPECT_EQ(changed([](auto &o) { o.erase("pe_rows"); }),
            "missing key 'pe_rows' of a machine");
  EXPECT_EQ(changed([](auto &o) { o["pe_row"] = 1; }),
            "unknown key 'pe_row' of a machine (did you mean 'pe_rows'?)");
  EXPECT_EQ(changed([](auto &o) { o["pe_rows"] = 3; }),
            "'pe_rows' is 3, it must be a power of two: 2 or 4");
  EXPECT_EQ(changed([](auto &o) { o["pe_rows"] = 1.5; }),
            "'pe_rows' is '', it must be a whole number");
  EXPECT_EQ(changed([](auto &o) { o["name"] = 4; }),
            "'name' of a machine is no string");
}

// Each parameter changes the fingerprint; the name and the sources do not.
TEST(Machine, Fingerprint) {
  Machine m = load("fetta-edge");
  Machine other = m;
  other.name = "another";
  other.sources.clear();
  EXPECT_EQ(other.fingerprint(), m.fingerprint());
  llvm::json::Value value =
      llvm::cantFail(llvm::json::parse(m.canonicalJson()));
  int numbers = 0;
  for (auto &entry : *value.getAsObject()) {
    std::optional<int64_t> old = entry.second.getAsInteger();
    if (!old)
      continue;
    ++numbers;
    llvm::json::Value changed = value;
    // Powers of two stay powers of two.
    (*changed.getAsObject())[entry.first] = *old * 2;
    std::string text;
    llvm::raw_string_ostream os(text);
    os << changed;
    llvm::Expected<Machine> machine = Machine::fromJson(text);
    ASSERT_TRUE(bool(machine)) << toString(machine.takeError());
    EXPECT_NE(machine->fingerprint(), m.fingerprint())
        << llvm::StringRef(entry.first).str();
  }
  EXPECT_EQ(numbers, 22);
  EXPECT_NE(load("fetta-edge-butterfly").fingerprint(), m.fingerprint());
}

TEST(MachineFile, RefusesWithLocationAndRemedy) {
  EXPECT_EQ(refusal(edgeWith("pe_rows", "pe_row: {value: 4, source: a}")),
            "8:1: error: unknown key 'pe_row' (did you mean 'pe_rows'?)");
  EXPECT_EQ(refusal(edgeWith("pe_rows", "")), "4:1: error: missing 'pe_rows'");
  EXPECT_EQ(
      refusal(edgeWith("pe_rows", "slabs: {value: 4, source: a}")),
      "13:1: error: key 'slabs' is repeated; it stands in line 8 already");
  EXPECT_EQ(refusal(edgeWith("pe_rows", "pe_rows: 4")),
            "8:10: error: 'pe_rows' has no source; write {value: 4, source: "
            "\"where it comes from, or assumed\"}");
  EXPECT_EQ(refusal(edgeWith("pe_rows", "pe_rows: {value: 4}")),
            "8:11: error: missing 'source'");
  EXPECT_EQ(refusal(edgeWith("pe_rows", "pe_rows: {value: 4, source: \"\"}")),
            "8:29: error: the source of 'pe_rows' must be a word or number");
  EXPECT_EQ(refusal(edgeWith("pe_rows", "pe_rows: {value: 4, sauce: assumed}")),
            "8:21: error: unknown key 'sauce' (did you mean 'source'?)");
  EXPECT_EQ(refusal(edgeWith("pe_rows", "pe_rows: {value: 6, source: a}")),
            "8:18: error: 'pe_rows' is 6, it must be a power of two: 4 or 8");
  EXPECT_EQ(refusal(edgeWith("pe_rows", "pe_rows: {value: -4, source: a}")),
            "8:18: error: 'pe_rows' is -4, it must lie between 1 and 256");
  for (const char *key : {"dram_bytes_per_second", "dram_latency_cycles"}) {
    std::string zero = std::string(key) + ": {value: 0, source: a}";
    std::string text = refusal(edgeWith(key, zero.c_str()));
    EXPECT_TRUE(llvm::StringRef(text).contains("is 0, it must lie between 1"))
        << text;
    EXPECT_TRUE(llvm::StringRef(text).contains("run with --dram=ideal"))
        << text;
  }
  EXPECT_EQ(refusal(edgeWith("pe_rows", "pe_rows: {value: 4.0, source: a}")),
            "8:18: error: 'pe_rows' is '4.0', it must be a whole number");
  EXPECT_EQ(
      refusal(edgeWith("slabs", "slabs: {value: 99999999999999999999, "
                                "source: a}")),
      "13:16: error: 'slabs' is '99999999999999999999', it must be a whole "
      "number");
  EXPECT_EQ(refusal(edgeWith("networks", "networks: {value: bens, source: a}")),
            "18:19: error: 'networks' is 'bens', it must be one of: benes, "
            "butterfly (did you mean 'benes'?)");
  EXPECT_EQ(refusal(edgeWith("name", "name: ")),
            "4:1: error: key 'name' has no value");
  EXPECT_EQ(refusal(edgeWith("name", "name: [a]")),
            "4:8: error: expected a scalar or a mapping");
  EXPECT_EQ(refusal(edgeWith("energy_preset",
                             "energy_preset: {value: a/b, source: a}")),
            "4:1: error: 'energy_preset' must name a preset, in letters, "
            "digits, '-' and '_'");
  EXPECT_EQ(refusal(edgeWith("energy_preset",
                             "energy_preset: {value: tpu8nm, source: a}")),
            "39:24: error: there is no energy preset 'tpu8nm'; there are: "
            "cacti7-scaled, tpu7nm");
  EXPECT_EQ(
      refusal(edgeWith("contraction_engines",
                       "contraction_engines: {value: 2048, source: a}")),
      "4:1: error: a network of 8192 lanes (2048 CEs of max(4, 4) "
      "positions) is out of range: between 2 and 4096 lanes are possible; "
      "change 'contraction_engines', 'pe_rows' or 'pe_columns'");
  EXPECT_EQ(refusal(""), "1:1: error: the file is empty");
  EXPECT_EQ(refusal("- a\n"), "1:1: error: expected a scalar or a mapping");
  EXPECT_EQ(refusal("a"), "1:1: error: expected a mapping of keys to values");
  EXPECT_EQ(refusal(edgeWith("pe_rows", "pe_rows: {value: 4, source: a"))
                .find("accepted"),
            std::string::npos);
  std::string twice = edgeWith("name", "name: a") + "---\nname: b\n";
  EXPECT_EQ(refusal(twice),
            "4:1: error: the file holds several YAML documents; keep one");
}

// No prefix of a file is accepted as a whole, and none crashes.
TEST(MachineFile, Truncated) {
  std::string text = edgeWith("name", "name: a");
  size_t whole = llvm::StringRef(text).rtrim().size();
  for (size_t length = 0; length < whole; ++length)
    ASSERT_NE(refusal(llvm::StringRef(text).take_front(length)), "accepted")
        << length;
}

TEST(MachineFile, MissingFile) {
  llvm::Expected<Machine> machine = Machine::load("no-such-machine.yaml");
  ASSERT_FALSE(bool(machine));
  EXPECT_EQ(toString(machine.takeError()),
            "cannot read 'no-such-machine.yaml': No such file or directory");
}

TEST(Machine, Describe) {
  std::string text;
  llvm::raw_string_ostream os(text);
  describe(load("fetta-edge"), os);
  for (llvm::StringRef part :
       {"machine fetta-edge", "LPDDR4 at 3200 MT/s", "source: assumed",
        "256 (8 bits)", "4194304 (4 slabs of 2048 rows of 512 bytes)",
        "15 stages, 4 a cycle", "480 (loaded in 15 cycles)"})
    EXPECT_TRUE(llvm::StringRef(text).contains(part)) << part.str();
  // Every parameter says what it affects.
  EXPECT_EQ(llvm::StringRef(text).count("  affects: "),
            llvm::StringRef(text).count("  source: "));
  EXPECT_FALSE(llvm::StringRef(text).contains("affects: \n"));
  // The terms add up to what stands above them.
  llvm::StringRef terms = llvm::StringRef(text).split("pipeline cycles").second;
  int sum = 0, total = 0;
  llvm::SmallVector<llvm::StringRef> lines;
  terms.split(lines, '\n', -1, false);
  for (llvm::StringRef line : lines) {
    int value;
    llvm::StringRef head = line.split("  =").first.rtrim();
    if (head.rsplit(' ').second.getAsInteger(10, value))
      continue;
    (line.data() == lines[0].data() ? total : sum) += value;
  }
  EXPECT_EQ(total, 24);
  EXPECT_EQ(sum, 24);
}

} // namespace
