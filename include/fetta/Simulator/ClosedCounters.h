//===- ClosedCounters.h - Counters of a nest without running it -*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// What a contraction would count, from its nest alone: sums over the modes of
/// the nest, one by one, multiplied. Cost models bill energy with it where
/// running the values would take too long.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_SIMULATOR_CLOSEDCOUNTERS_H
#define FETTA_SIMULATOR_CLOSEDCOUNTERS_H

#include "fetta/Layout/Nest.h"
#include "fetta/Machine/Machine.h"
#include "fetta/Simulator/Counters.h"

namespace fetta {

/// The counters of a contraction that clears at its start and drains at its
/// end: equal to those of the functional run. Routes, instructions and
/// transfers are not the nest's and stay 0. The nest must be a legal one
/// (verifyNest).
Counters closedCounters(const Nest &nest, const Machine &machine);

} // namespace fetta

#endif // FETTA_SIMULATOR_CLOSEDCOUNTERS_H
