//===- RouterDetail.h - What the routers share ------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Routers think from banks to lanes. A reduction is the same stages in reverse
/// order: a copy read backwards is a sum, and has the same code.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_LIB_NETWORK_ROUTERDETAIL_H
#define FETTA_LIB_NETWORK_ROUTERDETAIL_H

#include "fetta/Network/Network.h"

namespace fetta::detail {

/// Turns words that stand in the order from banks to lanes into those of the
/// route's kind: reverses stages and masks for a reduction.
void orient(Route &route);

/// Bit of stage `stage` of a butterfly, counted from the banks.
inline unsigned bitFromBanks(const Wiring &wiring, unsigned stage) {
  return wiring.kind == NetKind::Distribution ? stage : wiring.bits - 1 - stage;
}

/// Bank whose word each lane gets, or which its word reaches, by the words.
std::vector<uint32_t> bankOfLane(const Route &route, uint32_t constant);

/// Walks the words of `source` (lane -> bank) through a butterfly, from the
/// banks. Behind a stage a word from bank y to lane x is on the line with the
/// bits of the stages so far from x and the others from y; the walk fails where
/// a link would carry two words, and the error names stage, switch and lanes as
/// the network counts them. On success `codes` gets the words in the order from
/// banks to lanes.
llvm::Error walkButterfly(const Wiring &wiring, llvm::ArrayRef<uint32_t> source,
                          std::vector<uint8_t> &codes);

} // namespace fetta::detail

#endif // FETTA_LIB_NETWORK_ROUTERDETAIL_H
