//===- TableEntry.h - Figures with a range and a source ---------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Energy and area come from tables whose entries carry a range and where they
/// come from, because published figures differ by an order of magnitude. This
/// is what the tables have in common.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_MACHINE_TABLEENTRY_H
#define FETTA_MACHINE_TABLEENTRY_H

#include "llvm/ADT/StringRef.h"

#include <cstdint>
#include <string>

namespace fetta {

/// How a figure was obtained.
enum class TableMethod : uint8_t { Measured, Table, Scaled, Assumed };
/// The word in the files, e.g. `scaled`.
llvm::StringRef methodName(TableMethod method);

struct TableEntry {
  double value = 0, low = 0, high = 0; ///< low <= value <= high.
  std::string source;
  double nodeNanometres = 0; ///< 0: the source does not say.
  double volts = 0;          ///< 0: the source does not say, or no matter.
  TableMethod method = TableMethod::Assumed;
};

/// A figure with the range that its sources allow.
struct FigureRange {
  double nominal = 0, low = 0, high = 0;
  void add(const TableEntry &entry, double count) {
    nominal += entry.value * count;
    low += entry.low * count;
    high += entry.high * count;
  }
  void add(const FigureRange &other) {
    nominal += other.nominal;
    low += other.low;
    high += other.high;
  }
  FigureRange times(double factor) const {
    return {nominal * factor, low * factor, high * factor};
  }
};

} // namespace fetta

#endif // FETTA_MACHINE_TABLEENTRY_H
