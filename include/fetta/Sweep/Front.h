//===- Front.h - Points that nothing beats ----------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// The Pareto front of three figures that are all to be small.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_SWEEP_FRONT_H
#define FETTA_SWEEP_FRONT_H

#include "llvm/ADT/ArrayRef.h"

#include <array>
#include <vector>

namespace fetta {

using FrontFigures = std::array<double, 3>;

/// True for every point that no other point beats: one is beaten by another
/// that is no larger in any figure and smaller in one. Equal points are on the
/// front together. O(n log n).
std::vector<bool> paretoFront(llvm::ArrayRef<FrontFigures> points);

} // namespace fetta

#endif // FETTA_SWEEP_FRONT_H
