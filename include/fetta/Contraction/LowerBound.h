//===- LowerBound.h - What no contraction tree can beat ---------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Proven lower bounds on multiply-adds for networks that are too large for
/// the exact solver. Proofs: docs/Search.md.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_CONTRACTION_LOWERBOUND_H
#define FETTA_CONTRACTION_LOWERBOUND_H

#include "fetta/Contraction/TensorNetwork.h"

namespace fetta {

/// No tree of any phase of \p network has fewer multiply-adds. Cut to
/// 2^128 - 1. The best of what is below; a fraction of a second for a thousand
/// tensors. Beyond some thousand only cheapLowerBound.
Cost lowerBound(const ClosedNetwork &network);

/// Every leaf is read or written by a step, and a step has at most two of
/// them: leaves in pairs, in the order of their volumes.
Cost cheapLowerBound(const ClosedNetwork &network);

/// The same from the exact cost of steps with two leaves and a bound for steps
/// with one, whose other two blocks must hang together.
Cost leafStepBound(const ClosedNetwork &network);

/// The dearest step. The indices form a graph whose edges join indices on one
/// leaf; the steps of a tree are a tree decomposition of it. Contracting edges
/// never raises the heaviest bag, and some vertex with all its neighbours is
/// within one: the best such vertex over a sequence of contractions.
Cost dearestStepBound(const ClosedNetwork &network);

} // namespace fetta

#endif // FETTA_CONTRACTION_LOWERBOUND_H
