//===- RandomProgram.h - Programs with random fields ------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Draws every field of every instruction from its range in the instruction
/// table. The programs can be encoded; they mean nothing.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_UNITTESTS_PROGRAM_RANDOMPROGRAM_H
#define FETTA_UNITTESTS_PROGRAM_RANDOMPROGRAM_H

#include "fetta/Program/Program.h"

#include <random>

namespace fetta::test {

Instruction randomInstruction(std::mt19937 &rng);
Program randomProgram(std::mt19937 &rng, const Machine &machine);

/// A machine of 2^4 lanes for tests: 4 CEs of 4x4.
Machine smallMachine();

} // namespace fetta::test

#endif // FETTA_UNITTESTS_PROGRAM_RANDOMPROGRAM_H
