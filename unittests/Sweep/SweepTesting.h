//===- SweepTesting.h - Sweeps for tests ------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Small sweep files, and the text of errors.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_UNITTESTS_SWEEP_SWEEPTESTING_H
#define FETTA_UNITTESTS_SWEEP_SWEEPTESTING_H

#include "fetta/Sweep/SweepFile.h"

#include "llvm/Support/ErrorHandling.h"

namespace fetta::test {

template <typename T> T must(llvm::Expected<T> value) {
  if (!value)
    llvm::report_fatal_error(llvm::Twine(llvm::toString(value.takeError())));
  return std::move(*value);
}
template <typename T> std::string messageOf(llvm::Expected<T> value) {
  return value ? "accepted" : llvm::toString(value.takeError());
}

inline const std::string machinePath =
    FETTA_SOURCE_DIR "/machines/small-4ce.yaml";

/// A sweep of a small tensor-train layer; `rest` holds further lines.
inline std::string sweepText(const std::string &rest) {
  return "machine: " + machinePath +
         "\nlayer:\n"
         "  einsum: \"t i0 i1, o0 r1, r1 o1 r2, r2 i0 r3, r3 i1 -> t o0 o1\"\n"
         "  sizes: {t: tokens, i0: 4, i1: 4, o0: 4, o1: 4, r1: rank, r2: rank, "
         "r3: rank}\n"
         "  parameters: {tokens: 4, rank: 3}\n" +
         rest;
}
inline SweepSpec sweepOf(const std::string &rest) {
  return must(SweepSpec::parse(sweepText(rest), "s.yaml"));
}

} // namespace fetta::test

#endif // FETTA_UNITTESTS_SWEEP_SWEEPTESTING_H
