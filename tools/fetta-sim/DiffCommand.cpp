//===- DiffCommand.cpp - fetta-sim diff -----------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "DiffCommand.h"
#include "EnergyRanking.h"

#include "fetta/Simulator/Functional.h"
#include "fetta/Simulator/Report.h"
#include "fetta/Support/Error.h"
#include "fetta/Support/OutputFile.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"

#include <set>

using namespace fetta;
using llvm::json::Object;

//===----------------------------------------------------------------------===//
// Reading
//===----------------------------------------------------------------------===//

static llvm::Expected<std::string> timeBinary(llvm::StringRef bytes,
                                              DramModel dram) {
  llvm::Expected<Program> loaded =
      decodeProgram({bytes.bytes_begin(), bytes.size()});
  if (!loaded)
    return loaded.takeError();
  llvm::Expected<Program> program = expandRepeats(std::move(*loaded));
  if (!program)
    return program.takeError();
  TimingOptions options;
  options.dram = dram;
  ProgramTiming timing = timeProgram(*program, options);
  llvm::Expected<std::vector<Counters>> counters = countProgram(*program);
  if (!counters)
    return counters.takeError();
  llvm::Expected<EnergyTable> energy =
      EnergyTable::preset(program->machine.energyPreset);
  if (!energy)
    return energy.takeError();
  std::string text;
  llvm::raw_string_ostream os(text);
  Report(*program, timing, *counters, std::move(*energy)).writeSummaryJson(os);
  return text;
}

static llvm::Expected<Object> summaryOf(llvm::StringRef path, DramModel dram) {
  llvm::SmallString<128> file(path);
  if (llvm::sys::fs::is_directory(path))
    llvm::sys::path::append(file, "summary.json");
  auto buffer = llvm::MemoryBuffer::getFileOrSTDIN(file, /*IsText=*/false);
  if (!buffer)
    return makeError("cannot read '{0}': {1}; give a report folder, its "
                     "summary.json or a binary",
                     file, buffer.getError().message());
  std::string text = (*buffer)->getBuffer().str();
  bool binary = !llvm::StringRef(text).ltrim().starts_with("{");
  if (binary) {
    llvm::Expected<std::string> timed = timeBinary(text, dram);
    if (!timed)
      return addErrorContext(file.str().str(), timed.takeError());
    text = std::move(*timed);
  }
  llvm::Expected<llvm::json::Value> value = llvm::json::parse(text);
  if (!value)
    return addErrorContext(file.str().str(), value.takeError());
  Object *object = value->getAsObject();
  if (!object || !object->getInteger("cycles") ||
      !object->getObject("resources") || !object->getObject("phases"))
    return makeError("{0}: this is no summary of a run", file);
  if (object->getInteger("schema_version") != reportSchemaVersion)
    return makeError("{0}: schema version {1}, this build reads {2}: run the "
                     "program again",
                     file, object->getInteger("schema_version").value_or(0),
                     reportSchemaVersion);
  return std::move(*object);
}

//===----------------------------------------------------------------------===//
// Comparison
//===----------------------------------------------------------------------===//

namespace {

/// A figure of both runs.
struct Line {
  std::string name;
  std::optional<double> before, after;
  bool whole = true; ///< An integer.
  double change() const { return after.value_or(0) - before.value_or(0); }
  bool differs() const { return before != after; }
};

std::optional<double> numberAt(const Object &object,
                               std::initializer_list<const char *> path) {
  const Object *at = &object;
  auto last = std::prev(path.end());
  for (auto key = path.begin(); key != last; ++key)
    if (!(at = at->getObject(*key)))
      return std::nullopt;
  return at->getNumber(*last);
}

class Comparison {
public:
  Comparison(Object before, Object after)
      : before(std::move(before)), after(std::move(after)),
        ranking(rankEnergy(this->before, this->after)) {
    figure("cycles", {"cycles"});
    figure("multiply-adds", {"macs"});
    figure("utilization", {"utilization"}, false);
    figure("share of limit", {"share_of_limit"}, false);
    figure("limit: compute", {"limit_cycles", "compute"});
    figure("limit: array", {"limit_cycles", "array"});
    figure("limit: dram", {"limit_cycles", "dram"});
    figure("limit: critical path", {"limit_cycles", "critical_path"});
    figure("dram bytes", {"dram_bytes"});
    figure("energy pJ", {"energy_pj", "nominal"}, false);
    figure("energy pJ, low", {"energy_pj", "low"}, false);
    figure("energy pJ, high", {"energy_pj", "high"}, false);
    figure("static energy pJ", {"static_energy_pj", "nominal"}, false);
    for (const char *phase : {"fp", "bp", "wg"})
      figure(std::string("cycles of ") + phase, {"phases", phase, "cycles"});
    std::set<std::string> names;
    for (const Object *side : {&this->before, &this->after})
      for (const auto &resource : *side->getObject("resources"))
        names.insert(resource.first.str());
    for (const std::string &name : names)
      for (size_t c = 0; c < numCycleClasses; ++c) {
        std::string cycleClass = cycleClassName(CycleClass(c)).str();
        auto of = [&](const Object &side) {
          auto value = numberAt(side, {"resources", name.c_str(),
                                       "cycles_by_class", cycleClass.c_str()});
          return value.value_or(0);
        };
        Line line{name + ": " + cycleClass, of(this->before), of(this->after)};
        if (line.differs())
          classes.push_back(line);
        if (name == "contract" && line.differs())
          queue.push_back({cycleClass, line.before, line.after});
      }
    // What the queue spends its cycles on explains the total.
    llvm::stable_sort(queue, [](const Line &a, const Line &b) {
      return std::abs(a.change()) > std::abs(b.change());
    });
  }

  void print(llvm::raw_ostream &os) const {
    for (const char *key : {"machine", "machine_fingerprint", "dram_model",
                            "producer", "energy_table", "binding_limit"})
      if (before.getString(key) != after.getString(key))
        os << llvm::formatv("{0}: {1} | {2}\n", key,
                            before.getString(key).value_or("-"),
                            after.getString(key).value_or("-"));
    os << llvm::formatv("{0,-34}{1,18}{2,18}{3,18}{4,10}\n", "", "A", "B",
                        "B - A", "B / A");
    for (const Line &line : figures)
      if (line.before || line.after)
        print(os, line);
    if (ranking)
      os << '\n' << ranking->text;
    if (classes.empty()) {
      os << "every resource spends its cycles alike\n";
      return;
    }
    os << "\ncycles by resource and class, where they differ\n";
    for (const Line &line : classes)
      print(os, line);
    os << "\n" << explanation() << "\n";
  }

  Object json() const {
    Object result{{"schema_version", 1}};
    for (auto [key, lines] : {std::pair("figures", &figures),
                              std::pair("cycles_by_class", &classes)}) {
      Object object;
      for (const Line &line : *lines)
        if (line.before || line.after)
          object[line.name] = toJson(line);
      result[key] = std::move(object);
    }
    llvm::json::Array causes;
    for (const Line &line : queue) {
      Object cause = toJson(line);
      cause["class"] = line.name;
      causes.push_back(std::move(cause));
    }
    result["causes"] = std::move(causes);
    result["explanation"] = explanation();
    if (ranking)
      result["energy_ranking"] = Object(ranking->json);
    return result;
  }

private:
  void figure(std::string name, std::initializer_list<const char *> path,
              bool whole = true) {
    figures.push_back({std::move(name), numberAt(before, path),
                       numberAt(after, path), whole});
  }

  static std::string text(std::optional<double> value, bool whole) {
    if (!value)
      return "-";
    return whole ? std::to_string(int64_t(*value))
                 : llvm::formatv("{0:F4}", *value).str();
  }

  static void print(llvm::raw_ostream &os, const Line &line) {
    bool both = line.before && line.after;
    std::string ratio =
        both && *line.before != 0
            ? llvm::formatv("{0:F3}", *line.after / *line.before).str()
            : "-";
    std::string change = both ? text(line.change(), line.whole) : "-";
    os << llvm::formatv("{0,-34}{1,18}{2,18}{3,18}{4,10}\n", line.name,
                        text(line.before, line.whole),
                        text(line.after, line.whole), change, ratio);
  }

  static Object toJson(const Line &line) {
    auto number = [&](std::optional<double> value) -> llvm::json::Value {
      if (!value)
        return nullptr;
      return line.whole ? llvm::json::Value(int64_t(*value))
                        : llvm::json::Value(*value);
    };
    return Object{{"a", number(line.before)}, {"b", number(line.after)}};
  }

  /// The classes of the contract queue that account for most of the change.
  std::string explanation() const {
    int64_t total = int64_t(figures.front().change());
    std::string result =
        total == 0
            ? std::string("as many cycles; the contract queue")
            : llvm::formatv("B takes {0} cycles {1}; the contract queue",
                            std::abs(total), total > 0 ? "more" : "fewer")
                  .str();
    if (queue.empty())
      return result + " spends its cycles alike";
    for (size_t i = 0; i < std::min<size_t>(3, queue.size()); ++i) {
      int64_t change = int64_t(queue[i].change());
      result += llvm::formatv("{0} {1} {2} on {3}", i ? "," : " spends",
                              std::abs(change), change > 0 ? "more" : "fewer",
                              queue[i].name);
    }
    return result;
  }

  Object before, after;
  std::optional<EnergyRanking> ranking;
  std::vector<Line> figures, classes, queue;
};

} // namespace

llvm::Error fetta::diffCommand(llvm::StringRef before, llvm::StringRef after,
                               DramModel dram, bool asJson) {
  llvm::Expected<Object> a = summaryOf(before, dram);
  if (!a)
    return a.takeError();
  llvm::Expected<Object> b = summaryOf(after, dram);
  if (!b)
    return b.takeError();
  // A figure that one of them lacks is compared with nothing.
  Comparison comparison(std::move(*a), std::move(*b));
  return writeOutputFile("-", [&](llvm::raw_ostream &os) {
    if (asJson)
      os << llvm::formatv("{0:2}\n", llvm::json::Value(comparison.json()));
    else
      comparison.print(os);
    return llvm::Error::success();
  });
}
