//===- ResolvedRoutes.h - What switch words do ------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Pushes words through the switch words of a route and remembers, for each
/// combination of flips (and valid bits), where they arrive. The switch words
/// alone decide: the bit map that a route was made from is never consulted.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_LIB_SIMULATOR_RESOLVEDROUTES_H
#define FETTA_LIB_SIMULATOR_RESOLVEDROUTES_H

#include "fetta/Network/Network.h"

#include <cstdint>
#include <map>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace fetta {

/// A reduction with given valid bits, as a straight line of additions between
/// lanes and the banks at which sums arrive.
struct ReductionPlan {
  struct Add {
    uint32_t to, from; ///< word[to] = word[to] + word[from].
  };
  struct Arrival {
    uint32_t bank, lane; ///< word[lane] arrives valid at this bank.
  };
  std::vector<Add> adds;         ///< In stage order.
  std::vector<Arrival> arrivals; ///< By ascending bank.
};

/// Routes of one program, resolved on first use.
class ResolvedRoutes {
public:
  explicit ResolvedRoutes(const std::vector<Route> &routes) : routes(routes) {}

  /// Bank whose word arrives at each lane of a distribution.
  const std::vector<uint32_t> &distribution(uint32_t route, uint32_t constant);

  /// `valid` has one byte (0 or 1) per lane.
  const ReductionPlan &reduction(uint32_t route, uint32_t constant,
                                 const std::string &valid);

private:
  const std::vector<Route> &routes;
  std::map<std::pair<uint32_t, uint32_t>, std::vector<uint32_t>> distributions;
  std::map<std::pair<uint32_t, uint32_t>,
           std::unordered_map<std::string, ReductionPlan>>
      reductions;
};

} // namespace fetta

#endif // FETTA_LIB_SIMULATOR_RESOLVEDROUTES_H
