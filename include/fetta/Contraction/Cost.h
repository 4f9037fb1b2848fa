//===- Cost.h - Exact contraction costs -------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Costs are exact 128-bit integers: products of index sizes leave 64 bits
/// early, and a cost that wraps would rank orders wrongly. Every operation
/// reports overflow; none wraps.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_CONTRACTION_COST_H
#define FETTA_CONTRACTION_COST_H

#include "llvm/ADT/ArrayRef.h"

#include <cstdint>
#include <optional>
#include <string>

namespace fetta {

/// A number of multiply-adds or of elements.
using Cost = unsigned __int128;

/// The sum or product; none when it does not fit in 128 bits.
inline std::optional<Cost> addCosts(Cost a, Cost b) {
  Cost result;
  if (__builtin_add_overflow(a, b, &result))
    return std::nullopt;
  return result;
}
inline std::optional<Cost> multiplyCosts(Cost a, Cost b) {
  Cost result;
  if (__builtin_mul_overflow(a, b, &result))
    return std::nullopt;
  return result;
}

/// Decimal digits, without separators.
std::string toString(Cost cost);

/// The nearest double (for ratios and tables only).
inline double toDouble(Cost cost) { return static_cast<double>(cost); }

} // namespace fetta

#endif // FETTA_CONTRACTION_COST_H
