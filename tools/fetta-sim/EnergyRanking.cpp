//===- EnergyRanking.cpp - Which of two runs takes less energy ------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "EnergyRanking.h"

#include "fetta/Simulator/Energy.h"

#include "llvm/Support/FormatVariadic.h"

using namespace fetta;
using llvm::json::Object;

namespace {

struct Side {
  EnergyWeights dynamic = {}, all = {};
  EnergyRanges table = {};
};

std::optional<FigureRange> rangeAt(const Object &object, const char *key) {
  const Object *range = object.getObject(key);
  if (!range)
    return std::nullopt;
  auto nominal = range->getNumber("nominal"), low = range->getNumber("low"),
       high = range->getNumber("high");
  if (!nominal || !low || !high)
    return std::nullopt;
  return FigureRange{*nominal, *low, *high};
}

std::optional<Side> sideOf(const Object &summary) {
  const Object *events = summary.getObject("energy_events");
  const Object *components = summary.getObject("static_components");
  auto cycles = summary.getNumber("cycles"),
       clock = summary.getNumber("clock_hz");
  if (!summary.getObject("energy_pj") || !events || !components || !cycles ||
      !clock || *clock <= 0)
    return std::nullopt;
  double nanoseconds = *cycles * 1e9 / *clock;
  Side side;
  for (unsigned i = 0; i < numEnergyEvents; ++i) {
    EnergyEvent event = EnergyEvent(i);
    bool apart = isStatic(event);
    const Object *entry =
        (apart ? components : events)->getObject(energyKey(event));
    if (!entry)
      return std::nullopt;
    auto range = rangeAt(*entry, apart ? "table_mw" : "table_pj");
    auto count = entry->getNumber(apart ? "instances" : "count");
    if (!range || !count)
      return std::nullopt;
    side.table[i] = *range;
    side.all[i] = *count * (apart ? nanoseconds : 1);
    side.dynamic[i] = apart ? 0 : *count;
  }
  return side;
}

std::string nanojoules(double picojoules) {
  return llvm::formatv("{0:F1}", picojoules / 1000).str();
}

std::string sentence(llvm::StringRef what, const EnergyComparison &c) {
  const FigureRange &d = c.difference;
  std::string range = llvm::formatv("B - A is {0} nJ, between {1} and {2}",
                                    nanojoules(d.nominal), nanojoules(d.low),
                                    nanojoules(d.high))
                          .str();
  if (d.low == 0 && d.high == 0)
    return llvm::formatv("{0}: A and B take the same\n", what).str();
  if (c.certain())
    return llvm::formatv("{0}: {1} takes less for all tables inside the "
                         "ranges ({2})\n",
                         what, d.nominal > 0 ? "A" : "B", range)
        .str();
  return llvm::formatv("{0}: the ranking is not certain, it flips inside the "
                       "ranges of the table ({1}; most of it by {2})\n",
                       what, range, energyKey(c.widest))
      .str();
}

Object toJson(const EnergyComparison &c) {
  return Object{{"difference_pj", Object{{"nominal", c.difference.nominal},
                                         {"low", c.difference.low},
                                         {"high", c.difference.high}}},
                {"certain", c.certain()},
                {"widest_entry", energyKey(c.widest)}};
}

} // namespace

std::optional<EnergyRanking> fetta::rankEnergy(const Object &before,
                                               const Object &after) {
  std::optional<Side> a = sideOf(before), b = sideOf(after);
  if (!a || !b)
    return std::nullopt;
  EnergyComparison dynamic =
      compareEnergy(a->dynamic, a->table, b->dynamic, b->table);
  EnergyComparison all = compareEnergy(a->all, a->table, b->all, b->table);
  return EnergyRanking{
      sentence("dynamic energy", dynamic) + sentence("with static energy", all),
      Object{{"dynamic", toJson(dynamic)}, {"with_static", toJson(all)}}};
}
