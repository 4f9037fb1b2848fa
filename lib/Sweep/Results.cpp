//===- Results.cpp - Fronts, CSV and JSON of a sweep ----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Sweep/Results.h"
#include "fetta/Sweep/Front.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"

using namespace fetta;

/// Fronts of up to this many points are compared pair by pair.
static constexpr size_t maxPairwise = 200;

static constexpr llvm::StringLiteral statusWords[] = {"not_done", "ok",
                                                      "refused"};

llvm::Expected<SweepResults> SweepResults::create(const SweepSpec &spec,
                                                  const SweepRun &run) {
  SweepResults results(spec, run);
  std::vector<std::string> presets = {spec.machine.energyPreset};
  for (const SweepAxis &axis : spec.axes)
    for (auto [i, column] : llvm::enumerate(axis.columns))
      for (const SweepTarget &target : spec.columns[column].targets) {
        if (target.machineKey == "energy_preset")
          presets.insert(presets.end(), axis.values[i].begin(),
                         axis.values[i].end());
        results.clockVaries |= target.machineKey == "clock_mhz";
      }
  for (const std::string &preset : presets) {
    llvm::Expected<EnergyTable> table = EnergyTable::preset(preset);
    if (!table)
      return table.takeError();
    results.energy.emplace(preset, std::move(*table));
  }
  results.findFronts();
  return results;
}

const EnergyTable &SweepResults::energyOf(size_t i) const {
  std::vector<llvm::StringRef> values = spec.valuesOf(i);
  for (auto [column, value] : llvm::zip_equal(spec.columns, values))
    for (const SweepTarget &target : column.targets)
      if (target.machineKey == "energy_preset")
        return energy.at(value.str());
  return energy.at(spec.machine.energyPreset);
}

PointFigures SweepResults::figures(size_t i) const {
  SweepPoint point = llvm::cantFail(spec.resolve(i));
  return deriveFigures(run.results[i].figures, point.machine, energyOf(i),
                       spec.area);
}

void SweepResults::findFronts() {
  front.assign(run.results.size(), false);
  std::map<std::string, std::vector<size_t>> workloads;
  std::vector<std::string> order;
  for (size_t i = 0; i < run.results.size(); ++i) {
    if (run.results[i].status != PointResult::Done)
      continue;
    auto [it, isNew] = workloads.try_emplace(spec.workloadOf(i));
    if (isNew)
      order.push_back(it->first);
    it->second.push_back(i);
  }
  for (const std::string &workload : order) {
    const std::vector<size_t> &points = workloads[workload];
    std::vector<FrontFigures> values;
    for (size_t i : points) {
      PointFigures f = figures(i);
      values.push_back({timeOf(f), f.energy().nominal, f.area.nominal});
    }
    std::vector<bool> best = paretoFront(values);
    std::vector<size_t> positions;
    for (size_t p = 0; p < points.size(); ++p)
      if (best[p])
        positions.push_back(p);
    llvm::sort(positions, [&](size_t a, size_t b) {
      return std::tie(values[a], a) < std::tie(values[b], b);
    });
    Group group{workload, {}, {}};
    for (size_t p : positions) {
      front[points[p]] = true;
      group.points.push_back(points[p]);
    }
    rank(group);
    groups.push_back(std::move(group));
  }
}

void SweepResults::rank(Group &group) const {
  std::vector<size_t> order(group.points.size());
  std::vector<double> nominal;
  std::vector<EnergyRanges> tables;
  for (size_t p = 0; p < order.size(); ++p) {
    order[p] = p;
    nominal.push_back(figures(group.points[p]).energy().nominal);
    tables.push_back(rangesOf(energyOf(group.points[p])));
  }
  llvm::sort(order, [&](size_t a, size_t b) {
    return std::tie(nominal[a], a) < std::tie(nominal[b], b);
  });
  auto weights = [&](size_t p) -> const EnergyWeights & {
    return run.results[group.points[p]].figures.weights;
  };
  for (size_t a = 0; a < order.size(); ++a) {
    size_t end = order.size() <= maxPairwise ? order.size()
                                             : std::min(a + 2, order.size());
    for (size_t b = a + 1; b < end; ++b) {
      size_t p = order[a], q = order[b];
      EnergyComparison c =
          compareEnergy(weights(p), tables[p], weights(q), tables[q]);
      bool same = c.difference.low == 0 && c.difference.high == 0;
      if (!c.certain() && !same)
        group.uncertain.push_back({std::min(p, q), std::max(p, q)});
    }
  }
  llvm::sort(group.uncertain);
}

//===----------------------------------------------------------------------===//
// CSV and JSON
//===----------------------------------------------------------------------===//

namespace {

/// The figures of a row: name and value, once for both formats.
struct Row {
  std::vector<std::pair<llvm::StringLiteral, llvm::json::Value>> figures;
};

Row rowOf(const PointFigures &f, bool onFront) {
  FigureRange energy = f.energy();
  return {{
      {"cycles", f.cycles},
      {"serial_cycles", f.serialCycles},
      {"array_cycles", f.arrayCycles},
      {"limit_cycles", f.limit()},
      {"binding_limit", f.binding()},
      {"compute_limit_cycles", f.limitCompute},
      {"array_limit_cycles", f.limitArray},
      {"dram_limit_cycles", f.limitDram},
      {"critical_path_cycles", f.limitPath},
      {"share_of_limit", f.shareOfLimit},
      {"utilization", f.utilization},
      {"seconds", f.seconds},
      {"macs", f.multiplyAdds},
      {"dram_bytes", f.dramBytes},
      {"slices", f.slices},
      {"contractions", f.contractions},
      {"energy_pj", energy.nominal},
      {"energy_low_pj", energy.low},
      {"energy_high_pj", energy.high},
      {"dynamic_energy_pj", f.dynamicEnergy.nominal},
      {"static_energy_pj", f.staticEnergy.nominal},
      {"area_mm2", f.area.nominal},
      {"area_low_mm2", f.area.low},
      {"area_high_mm2", f.area.high},
      {"front", onFront ? 1 : 0},
  }};
}

std::string quoted(llvm::StringRef text) {
  if (text.find_first_of(",\"\n") == llvm::StringRef::npos)
    return text.str();
  std::string result = "\"";
  for (char c : text) {
    if (c == '"')
      result += '"';
    result += c;
  }
  return result + '"';
}

std::string textOf(const llvm::json::Value &value) {
  if (std::optional<int64_t> integer = value.getAsInteger())
    return std::to_string(*integer);
  if (std::optional<double> number = value.getAsNumber()) {
    std::string text;
    llvm::raw_string_ostream(text) << llvm::format("%.9g", *number);
    return text;
  }
  return quoted(value.getAsString().value_or(""));
}

} // namespace

void SweepResults::writeCsv(llvm::raw_ostream &os) const {
  os << "point";
  for (const SweepColumn &column : spec.columns)
    os << ',' << quoted(column.name);
  os << ",status";
  Row names = rowOf({}, false);
  for (const auto &[name, value] : names.figures)
    os << ',' << name;
  os << ",energy_rank_uncertain_with,reason\n";
  std::map<size_t, std::string> uncertain;
  for (const Group &group : groups)
    for (auto [p, q] : group.uncertain) {
      size_t a = group.points[p], b = group.points[q];
      for (auto [from, to] : {std::pair(a, b), std::pair(b, a)})
        uncertain[from] +=
            (uncertain[from].empty() ? "" : " ") + std::to_string(to);
    }
  for (size_t i = 0; i < run.results.size(); ++i) {
    const PointResult &result = run.results[i];
    os << i;
    for (llvm::StringRef value : spec.valuesOf(i))
      os << ',' << quoted(value);
    os << ',' << statusWords[result.status];
    if (result.status == PointResult::Done) {
      for (const auto &[name, value] : rowOf(figures(i), front[i]).figures)
        os << ',' << textOf(value);
      auto it = uncertain.find(i);
      os << ',' << (it == uncertain.end() ? "" : it->second) << ",\n";
      continue;
    }
    for (size_t n = 0; n < names.figures.size() + 1; ++n)
      os << ',';
    os << ',' << quoted(result.reason) << '\n';
  }
}

void SweepResults::writeJson(llvm::raw_ostream &os) const {
  llvm::json::OStream json(os, 2);
  json.object([&] {
    json.attribute("schema_version", sweepSchemaVersion);
    json.attribute("mode", spec.mode == SweepMode::CostModel ? "cost-model"
                                                             : "scheduled");
    json.attribute("dram_model", dramModelName(spec.dram));
    json.attribute("layer", spec.layerName);
    json.attribute("machine", spec.machine.name);
    json.attribute("area_table", spec.area.name);
    json.attributeArray("points", [&] {
      for (size_t i = 0; i < run.results.size(); ++i)
        json.object([&] {
          const PointResult &result = run.results[i];
          json.attribute("point", int64_t(i));
          json.attributeObject("values", [&] {
            std::vector<llvm::StringRef> values = spec.valuesOf(i);
            for (auto [column, value] : llvm::zip_equal(spec.columns, values))
              json.attribute(column.name, value);
          });
          json.attribute("status", statusWords[result.status]);
          if (result.status == PointResult::Done)
            for (const auto &[name, value] :
                 rowOf(figures(i), front[i]).figures)
              json.attribute(name, value);
          else if (!result.reason.empty())
            json.attribute("reason", result.reason);
        });
    });
    json.attributeArray("fronts", [&] {
      for (const Group &group : groups)
        json.object([&] {
          json.attribute("workload", group.workload);
          json.attributeArray("points", [&] {
            for (size_t i : group.points)
              json.value(int64_t(i));
          });
          json.attributeArray("energy_ranking_uncertain", [&] {
            for (auto [p, q] : group.uncertain)
              json.value(llvm::json::Array{int64_t(group.points[p]),
                                           int64_t(group.points[q])});
          });
        });
    });
  });
  os << '\n';
}
