//===- VerifyRoutes.cpp - Do routes do what operands need? ----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "VerifyRoutes.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FormatVariadic.h"

using namespace fetta;
using llvm::formatv;

std::string fetta::routeProblem(const Route &route, const Machine &machine) {
  const Wiring &wiring = route.wiring;
  if (wiring.topology != machine.networks || wiring.bits != machine.laneBits())
    return formatv("it is for a network of another topology or of {0} lanes; "
                   "the machine's have {1}",
                   wiring.lines(), machine.lanes());
  if (route.codes.size() != size_t(wiring.stages()) * wiring.switches())
    return formatv("{0} switch codes for {1} stages of {2} switches",
                   route.codes.size(), wiring.stages(), wiring.switches());
  for (auto [i, code] : llvm::enumerate(route.codes)) {
    unsigned stage = unsigned(i / wiring.switches());
    if (code > LowerToBoth)
      return formatv("switch {0} of stage {1}: no such code",
                     i % wiring.switches(), stage);
    // Adders stand in the first p stages of a reduction only.
    if (wiring.kind == NetKind::Reduction && code >= SumToUpper &&
        stage >= wiring.bits)
      return formatv("switch {0} of stage {1} adds, but only the first {2} "
                     "stages of a reduction have adders",
                     i % wiring.switches(), stage, wiring.bits);
  }
  if (!route.masks.empty() && route.masks.size() != wiring.bits)
    return formatv("{0} masks for {1} bank bits", route.masks.size(),
                   wiring.bits);
  for (uint32_t mask : route.masks)
    if (mask >> wiring.bits)
      return "a mask names a stage that cannot be toggled";
  return "";
}

/// Bank that every lane reads.
static std::string checkDistribution(const Route &route,
                                     const std::vector<uint32_t> &image,
                                     uint32_t constant) {
  std::vector<uint32_t> banks = replayDistribution(route, constant);
  for (auto [lane, bank] : llvm::enumerate(banks))
    if (uint32_t needed = image[lane] ^ constant; bank != needed)
      return formatv("with the constant {0:x} lane {1} reads bank {2} instead "
                     "of {3}",
                     constant, lane, bank, needed);
  return "";
}

/// Lanes that every bank sums, with all lanes valid: a lane that a beat leaves
/// out does not move the others. The sum runs over the lane bits that the map
/// does not read, in ascending order (docs/Machine.md, section 7).
static std::string checkReduction(const Route &route, const BitMap &map,
                                  const std::vector<uint32_t> &image,
                                  uint32_t constant) {
  uint32_t read = 0;
  for (uint32_t row : map.rows)
    read |= row;
  llvm::SmallVector<uint32_t, 12> summed;
  for (unsigned bit = 0; bit < map.bits(); ++bit)
    if (!(read >> bit & 1))
      summed.push_back(uint32_t(1) << bit);
  auto lists = replayReduction(route, constant,
                               std::vector<bool>(route.wiring.lines(), true));
  size_t arrived = 0;
  for (auto [bank, list] : llvm::enumerate(lists)) {
    arrived += list.size();
    for (uint32_t lane : list)
      if (uint32_t needed = image[lane] ^ constant; needed != bank)
        return formatv("with the constant {0:x} lane {1} arrives at bank {2} "
                       "instead of {3}",
                       constant, lane, bank, needed);
    if (list.empty())
      continue;
    if (list.size() != size_t(1) << summed.size())
      return formatv("with the constant {0:x} bank {1} gets {2} of {3} lanes",
                     constant, bank, list.size(), size_t(1) << summed.size());
    // Blocks of 2^j terms differ in the lowest j summed bits only.
    uint32_t span = 0;
    for (unsigned j = 0; j < summed.size(); ++j) {
      for (size_t i = 0; i < list.size(); ++i)
        if ((list[i] ^ list[i >> j << j]) & ~span)
          return formatv("with the constant {0:x} bank {1} adds its lanes in "
                         "another order than by ascending lane bits",
                         constant, bank);
      span |= summed[j];
    }
  }
  if (arrived != route.wiring.lines())
    return formatv("with the constant {0:x} {1} of {2} lanes arrive", constant,
                   arrived, route.wiring.lines());
  return "";
}

std::string RouteChecker::problem(uint32_t index, const Nest &nest,
                                  OperandId operand) {
  const Route &route = program.routes[index];
  NetKind kind =
      operand == OperandC ? NetKind::Reduction : NetKind::Distribution;
  if (route.wiring.kind != kind)
    return "it is for a network that works in the other direction";
  BitMap map = bankMap(nest, operand, program.machine);
  uint32_t varying = 0, fixed = 0;
  auto drivers = bankDrivers(nest, operand, program.machine);
  for (auto [bank, driver] : llvm::enumerate(drivers)) {
    ModeBit bit = driver.temporal;
    if (driver.kind == BankDriver::Constant)
      fixed |= uint32_t(driver.constant) << bank;
    else if (driver.kind == BankDriver::Temporal &&
             (nest.sizes[bit.mode] - 1) >> bit.bit)
      varying |= uint32_t(1) << bank;
  }
  if ((varying | fixed) && route.masks.empty())
    return "it has no masks, but bank bits change from beat to beat";
  Known &entry =
      known[{index, std::vector<uint32_t>(map.rows.begin(), map.rows.end())}];
  if (entry.image.empty()) {
    entry.passed.assign(size_t(1) << map.bits(), false);
    for (uint32_t lane = 0; lane < route.wiring.lines(); ++lane)
      entry.image.push_back(map.apply(lane));
  }
  // All subsets of the varying bits, from none to all.
  for (uint32_t subset = 0;;) {
    uint32_t constant = subset | fixed;
    if (!entry.passed[constant]) {
      std::string problem =
          kind == NetKind::Reduction
              ? checkReduction(route, map, entry.image, constant)
              : checkDistribution(route, entry.image, constant);
      if (!problem.empty())
        return problem;
      entry.passed[constant] = true;
    }
    if (subset == varying)
      break;
    subset = (subset - varying) & varying;
  }
  return "";
}
