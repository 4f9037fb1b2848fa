//===- SteadyProgram.h - Programs that repeat a body ------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// The slices of two products, rolled and written out, for tests of what is
/// said of repeats: that both are one program.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_TEST_LIB_STEADYPROGRAM_H
#define FETTA_TEST_LIB_STEADYPROGRAM_H

#include "fetta/Program/Program.h"

namespace fetta::test {

struct SteadyOptions {
  uint64_t seed = 0;
  uint32_t iterations = 5; ///< Of the repeat; the first slice stands before it.
  enum Form : uint8_t {
    Rolled,
    WrittenOut, ///< Slices share their tensors, as iterations do.
    OwnTensors, ///< Every slice has tensors of its own in the same places.
  } form = Rolled;
};

/// For slices n: X_n of the region "x" [slices, m, k] is loaded,
/// Y_n = X_n W is stored to "y" [slices, m, n], and S += X_n W goes on in
/// FP32, stored to "s" [m, n] in the end. "w" [k, n] is an input, too. The
/// first slice has no Y. Sizes, dataflow and layouts are drawn. Deterministic
/// for a seed and machine of at least four slabs.
Program steadyProgram(const Machine &machine, const SteadyOptions &options);

} // namespace fetta::test

#endif // FETTA_TEST_LIB_STEADYPROGRAM_H
