//===- Picture.cpp - Fronts of a sweep for a reader -----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Sweep/Results.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/FormatVariadic.h"

#include <cmath>

using namespace fetta;

static constexpr size_t maxLines = 20; ///< Of a front's table.
static constexpr size_t maxGroups = 4; ///< Workloads that are shown.
static constexpr unsigned width = 64, height = 14;

/// 1234567 as 1,234,567.
static std::string grouped(int64_t value) {
  return llvm::formatv("{0:N}", value).str();
}

/// Three figures and a prefix of SI: 12.3 u.
static std::string engineering(double value, llvm::StringRef unit) {
  static constexpr llvm::StringLiteral prefixes[] = {"p", "n", "u", "m", ""};
  unsigned i = 0;
  for (value *= 1e12; std::abs(value) >= 999.5 && i + 1 < 5; ++i)
    value /= 1000;
  std::string text;
  llvm::raw_string_ostream(text) << llvm::format("%.*f",
                                                 value < 9.995   ? 2
                                                 : value < 99.95 ? 1
                                                                 : 0,
                                                 value)
                                 << ' ' << prefixes[i] << unit;
  return text;
}

void SweepResults::printFront(const Group &group, llvm::raw_ostream &os) const {
  std::vector<std::vector<std::string>> lines;
  std::vector<std::string> head = {"point"};
  for (const SweepColumn &column : spec.columns)
    head.push_back(column.name);
  head.insert(head.end(), {"cycles", "of limit", "binds", "utilization",
                           "energy", "low", "high", "mm2"});
  if (clockVaries)
    head.insert(head.begin() + 1 + long(spec.columns.size()), "time");
  lines.push_back(head);
  size_t shown = std::min(group.points.size(), maxLines);
  for (size_t i : llvm::ArrayRef(group.points).take_front(shown)) {
    PointFigures f = figures(i);
    FigureRange energy = f.energy();
    std::vector<std::string> line = {std::to_string(i)};
    for (llvm::StringRef value : spec.valuesOf(i))
      line.push_back(value.str());
    if (clockVaries)
      line.push_back(engineering(f.seconds, "s"));
    line.insert(line.end(),
                {grouped(f.cycles),
                 llvm::formatv("{0:F1} %", 100 * f.shareOfLimit).str(),
                 f.binding().str(),
                 llvm::formatv("{0:F1} %", 100 * f.utilization).str(),
                 engineering(energy.nominal * 1e-12, "J"),
                 engineering(energy.low * 1e-12, "J"),
                 engineering(energy.high * 1e-12, "J"),
                 llvm::formatv("{0:F2}", f.area.nominal).str()});
    lines.push_back(std::move(line));
  }
  for (const auto &line : lines) {
    for (size_t column = 0; column < line.size(); ++column) {
      size_t most = 0;
      for (const auto &other : lines)
        most = std::max(most, other[column].size());
      os << "  " << llvm::right_justify(line[column], unsigned(most));
    }
    os << '\n';
  }
  if (shown < group.points.size())
    os << "  and " << group.points.size() - shown << " more (column front)\n";
  size_t pairs = group.points.size() * (group.points.size() - 1) / 2;
  if (group.uncertain.empty()) {
    if (pairs)
      os << "  the ranking of the front by energy holds for all tables inside "
            "the ranges\n";
    return;
  }
  os << "  the ranking by energy is not certain inside the ranges of the "
        "tables for "
     << group.uncertain.size() << " of " << pairs
     << (pairs == 1 ? " pair:" : " pairs:");
  size_t named = 0;
  for (auto [p, q] : group.uncertain) {
    if (++named > 8)
      break;
    os << (named > 1 ? ", " : " ") << group.points[p] << '/' << group.points[q];
  }
  os << (group.uncertain.size() > 8 ? ", ...\n" : "\n");
}

/// Time to the right, energy upwards, both as logarithms.
void SweepResults::printPicture(const Group &group,
                                llvm::raw_ostream &os) const {
  struct Dot {
    double x, y;
    bool best;
  };
  std::vector<Dot> dots;
  for (size_t i = 0; i < run.results.size(); ++i)
    if (run.results[i].status == PointResult::Done &&
        spec.workloadOf(i) == group.workload) {
      PointFigures f = figures(i);
      dots.push_back({std::log(std::max(timeOf(f), 1e-30)),
                      std::log(std::max(f.energy().nominal, 1e-30)), front[i]});
    }
  if (dots.size() < 2)
    return;
  auto [left, right] =
      std::minmax_element(dots.begin(), dots.end(),
                          [](const Dot &a, const Dot &b) { return a.x < b.x; });
  auto [bottom, top] =
      std::minmax_element(dots.begin(), dots.end(),
                          [](const Dot &a, const Dot &b) { return a.y < b.y; });
  auto cell = [](double value, double from, double to, unsigned cells) {
    return to > from ? unsigned(std::lround((value - from) / (to - from) *
                                            (cells - 1)))
                     : 0;
  };
  std::vector<std::string> canvas(height, std::string(width, ' '));
  for (bool best : {false, true}) // The front over the rest.
    for (const Dot &dot : dots)
      if (dot.best == best)
        canvas[height - 1 - cell(dot.y, bottom->y, top->y, height)]
              [cell(dot.x, left->x, right->x, width)] = best ? 'o' : '.';
  auto time = [&](double log) {
    return clockVaries ? engineering(std::exp(log), "s")
                       : grouped(std::llround(std::exp(log)));
  };
  os << "  energy (log) over " << (clockVaries ? "time" : "cycles")
     << " (log); o: on the front\n";
  for (unsigned y = 0; y < height; ++y) {
    std::string label = y == 0 ? engineering(std::exp(top->y) * 1e-12, "J")
                        : y == height - 1
                            ? engineering(std::exp(bottom->y) * 1e-12, "J")
                            : "";
    os << llvm::right_justify(label, 11) << " |"
       << llvm::StringRef(canvas[y]).rtrim() << '\n';
  }
  std::string last = time(right->x);
  os << std::string(12, ' ') << '+' << std::string(width, '-') << '\n'
     << std::string(13, ' ')
     << llvm::left_justify(time(left->x), unsigned(width - last.size())) << last
     << '\n';
}

void SweepResults::print(llvm::raw_ostream &os) const {
  uint64_t done = 0, refused = 0, open = 0;
  std::map<std::string, uint64_t> reasons;
  for (const PointResult &result : run.results) {
    done += result.status == PointResult::Done;
    open += result.status == PointResult::NotDone;
    if (result.status == PointResult::Refused) {
      ++refused;
      ++reasons[result.reason];
    }
  }
  os << llvm::formatv(
      "{0} on {1}, {2}, dram {3}: {4} point{5}, {6} ok, {7} refused",
      spec.layerName, spec.machine.name,
      spec.mode == SweepMode::CostModel ? "cost model (modelled, not simulated)"
                                        : "scheduled",
      dramModelName(spec.dram), run.results.size(),
      run.results.size() == 1 ? "" : "s", done, refused);
  if (open)
    os << ", " << open << " not done";
  os << '\n';
  for (const Group &group :
       llvm::ArrayRef(groups).take_front(std::min(groups.size(), maxGroups))) {
    os << "\nfront of " << (clockVaries ? "time" : "cycles")
       << ", energy and area";
    if (!group.workload.empty())
      os << " at " << group.workload;
    os << ": " << group.points.size()
       << (group.points.size() == 1 ? " point\n" : " points\n");
    printFront(group, os);
    printPicture(group, os);
  }
  if (groups.size() > maxGroups)
    os << "\nand " << groups.size() - maxGroups
       << " more sizes of the layer or energy presets (column front)\n";
  if (reasons.empty())
    return;
  os << "\nrefused\n";
  std::vector<std::pair<uint64_t, std::string>> common;
  common.reserve(reasons.size());
  for (const auto &[reason, count] : reasons)
    common.push_back({count, reason});
  llvm::stable_sort(
      common, [](const auto &a, const auto &b) { return a.first > b.first; });
  for (const auto &[count, reason] :
       llvm::ArrayRef(common).take_front(std::min<size_t>(common.size(), 5)))
    os << "  " << count << "x " << reason << '\n';
  if (common.size() > 5)
    os << "  and " << common.size() - 5 << " other reasons\n";
}
