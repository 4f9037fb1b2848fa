//===- Repetition.h - The period of a list ----------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Where a list of tasks or values repeats, as slices of a batch make it do.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_LIB_SCHEDULE_REPETITION_H
#define FETTA_LIB_SCHEDULE_REPETITION_H

#include "llvm/ADT/ArrayRef.h"

#include <optional>

namespace fetta {

/// Elements [first, end), each from `first + period` on like the one `period`
/// before it.
struct Repetition {
  size_t first = 0, end = 0, period = 0;

  size_t count() const { return (end - first) / period; }
  bool contains(size_t index) const { return index >= first && index < end; }
};

/// What the middle of a list repeats, with the shortest period, if that is at
/// least so many periods and half of the list.
template <typename Look>
std::optional<Repetition> findRepetition(llvm::ArrayRef<Look> looks,
                                         size_t fewestPeriods) {
  const size_t middle = looks.size() / 2;
  for (size_t period = 1; period * fewestPeriods <= looks.size(); ++period) {
    size_t first = middle, end = middle;
    while (first > 0 && looks[first - 1] == looks[first - 1 + period])
      --first;
    while (end + period < looks.size() && looks[end] == looks[end + period])
      ++end;
    end += period;
    if (end - first >= period * fewestPeriods &&
        2 * (end - first) >= looks.size())
      return Repetition{first, end, period};
  }
  return std::nullopt;
}

} // namespace fetta

#endif // FETTA_LIB_SCHEDULE_REPETITION_H
