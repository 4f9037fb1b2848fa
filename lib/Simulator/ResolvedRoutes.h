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

#include "BeatKernels.h"
#include "RowPermutation.h"
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

  /// The same for whole rows of words: additions of one stage after the other
  /// (they touch different lanes), moves from lanes to banks, and a byte of 1
  /// for each bank at which a word arrives.
  std::vector<WordMoves> stages;
  WordMoves toBanks;
  std::vector<uint8_t> arrives;
};

/// What lanes capture from a row that comes through a distribution.
struct GatherTable {
  WordMoves moves; ///< From banks to the lanes that capture.
  /// Does the same where it is faster; empty elsewhere.
  RowPermutation whole;
  std::vector<uint8_t> reads; ///< Per bank: 1 if a lane captures its word.
  int64_t words = 0;          ///< Lanes that capture.
  int64_t macros = 0;         ///< Macros with a bank that is read.
};

/// Routes of one program, resolved on first use.
class ResolvedRoutes {
public:
  explicit ResolvedRoutes(const std::vector<Route> &routes) : routes(routes) {}

  /// Bank whose word arrives at each lane of a distribution.
  const std::vector<uint16_t> &distribution(uint32_t route, uint32_t constant);

  /// `captures` has one byte (0 or 1) per lane.
  const GatherTable &gather(uint32_t route, uint32_t constant,
                            const std::string &captures);

  /// `valid` has one byte (0 or 1) per lane.
  const ReductionPlan &reduction(uint32_t route, uint32_t constant,
                                 const std::string &valid);

private:
  const std::vector<Route> &routes;
  std::map<std::pair<uint32_t, uint32_t>, std::vector<uint16_t>> distributions;
  template <typename Table>
  using Tables = std::map<std::pair<uint32_t, uint32_t>,
                          std::unordered_map<std::string, Table>>;
  Tables<GatherTable> gathers;
  Tables<ReductionPlan> reductions;
};

} // namespace fetta

#endif // FETTA_LIB_SIMULATOR_RESOLVEDROUTES_H
