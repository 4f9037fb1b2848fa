//===- RouterDetail.h - What the routers share ------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Routers think in distributions. A reduction is the distribution's stages in
/// reverse order: a copy read backwards is a sum, and has the same code.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_LIB_NETWORK_ROUTERDETAIL_H
#define FETTA_LIB_NETWORK_ROUTERDETAIL_H

#include "fetta/Network/Network.h"

namespace fetta::detail {

/// Turns a route of a distribution into one of `kind`.
void orient(Route &route, NetKind kind);

/// Walks the words of `source` (lane -> bank) through a butterfly. After stage
/// s a word from bank y to lane x is on the line with bits 0..s of x and the
/// other bits of y; the walk fails where a link would carry two words, and the
/// error names stage, switch and lanes as `kind` counts them. On success
/// `codes` gets the words of a distribution.
llvm::Error walkButterfly(const Wiring &wiring, llvm::ArrayRef<uint32_t> source,
                          std::vector<uint8_t> &codes);

} // namespace fetta::detail

#endif // FETTA_LIB_NETWORK_ROUTERDETAIL_H
