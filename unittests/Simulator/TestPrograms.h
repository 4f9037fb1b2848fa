//===- TestPrograms.h - Programs for the simulator's tests ------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Turns nests into decoded programs and puts values into their tensors.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_UNITTESTS_SIMULATOR_TESTPROGRAMS_H
#define FETTA_UNITTESTS_SIMULATOR_TESTPROGRAMS_H

#include "RandomNest.h"
#include "ScalarReference.h"
#include "fetta/Program/Program.h"

#include <random>

namespace fetta::test {

/// A machine file of the repository, by its name without extension.
Machine loadMachine(const std::string &name);
/// A machine of 2^ce engines of 2^rows x 2^columns PEs, otherwise fetta-edge.
Machine smallMachine(unsigned ce, unsigned rows, unsigned columns);

/// The words of every operand's route; fails the test when one cannot pass.
std::array<Route, 3> routesOf(const Nest &nest, const Machine &machine);

/// An operand that sees a whole tensor: its dimensions are these modes.
Operand operandOf(const TensorEntry &tensor, llvm::ArrayRef<unsigned> modes,
                  size_t modeCount);

/// A program with one contraction: tensors "A", "B" (inputs) and "C" (result).
Program programOf(const RandomContraction &contraction, const Machine &machine);

/// Encodes and decodes; fails the test on an error.
Program throughBinary(const Program &program);

/// Values that BF16 holds: mostly moderate, with zeros of both signs, powers
/// of two and subnormals.
std::vector<float> randomValues(std::mt19937_64 &random, size_t count);

/// The array of an operand, without values.
ModeArray arrayOf(const RandomContraction &contraction, OperandId id);

} // namespace fetta::test

#endif // FETTA_UNITTESTS_SIMULATOR_TESTPROGRAMS_H
