//===- NestProgram.h - Programs around random contractions ------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Legal programs for the tests of loader and verifier.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_UNITTESTS_PROGRAM_NESTPROGRAM_H
#define FETTA_UNITTESTS_PROGRAM_NESTPROGRAM_H

#include "RandomNest.h"

#include "fetta/Program/Program.h"

namespace fetta::test {

/// Tensors a, b, c, routed; nothing verified.
Program routedProgram(const RandomContraction &contraction,
                      const Machine &machine);

/// A program of one contraction that is small enough to try every bit of it.
Program tinyProgram();

/// The same from DRAM to DRAM: two loads, the routes, the contraction, a store.
/// Regions a, b, c; tensors a, b, c in slabs 0, 1, 2.
Program tinyDmaProgram();

/// The same for two slices: load of a slice of a, load of b, contraction and
/// store of a slice of c are the body of a repeat. Instructions: the routes, a
/// sync, the repeat, its body, a sync, the halt.
Program tinyRepeatProgram();

} // namespace fetta::test

#endif // FETTA_UNITTESTS_PROGRAM_NESTPROGRAM_H
