//===- Fields.h - The parameters of a machine as a table --------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// One line per numeric or enumerated parameter: key, range, access. Machine
/// files, the canonical JSON, the checks and the explanation all walk it.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_LIB_MACHINE_FIELDS_H
#define FETTA_LIB_MACHINE_FIELDS_H

#include "fetta/Machine/Machine.h"

#include "llvm/ADT/ArrayRef.h"

namespace fetta {

struct MachineField {
  llvm::StringRef key;     ///< In files and JSON; names the unit.
  llvm::StringRef meaning; ///< For `fetta-sim machine --explain`.
  int64_t min, max;        ///< Of the value as files show it.
  bool powerOfTwo;
  llvm::ArrayRef<llvm::StringRef> words; ///< Of an enumeration, else empty.
  int64_t (*get)(const Machine &);       ///< The value as files show it.
  void (*set)(Machine &, int64_t);

  /// The value as text; a word for an enumeration.
  std::string text(const Machine &machine) const;
  /// What is wrong with a value, with the remedy; empty when it is fine.
  std::string complaint(int64_t value) const;
};

llvm::ArrayRef<MachineField> machineFields();

/// Keys with text values.
inline constexpr llvm::StringLiteral nameKey = "name";
inline constexpr llvm::StringLiteral energyPresetKey = "energy_preset";

} // namespace fetta

#endif // FETTA_LIB_MACHINE_FIELDS_H
