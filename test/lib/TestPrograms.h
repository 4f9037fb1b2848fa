//===- TestPrograms.h - Programs out of nests for tests ----------*- C++
//-*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Turns nests into decoded programs and puts values into their tensors.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_TEST_LIB_TESTPROGRAMS_H
#define FETTA_TEST_LIB_TESTPROGRAMS_H

#include "RandomNest.h"
#include "ScalarReference.h"
#include "fetta/Program/Program.h"

#include "llvm/Support/ErrorHandling.h"

#include <random>

namespace fetta::test {

/// The value, or the end of the process with the error's message; cantFail says
/// nothing in release builds.
template <typename T> T must(llvm::Expected<T> value) {
  if (!value)
    llvm::report_fatal_error(llvm::Twine(llvm::toString(value.takeError())));
  return std::move(*value);
}
inline void must(llvm::Error error) {
  if (error)
    llvm::report_fatal_error(llvm::Twine(llvm::toString(std::move(error))));
}

/// A machine file of the repository, by its name without extension.
Machine loadMachine(const std::string &name);
/// A machine of 2^ce engines of 2^rows x 2^columns PEs, otherwise fetta-edge.
Machine smallMachine(unsigned ce, unsigned rows, unsigned columns);

/// The words of every operand's route.
std::array<Route, 3> routesOf(const Nest &nest, const Machine &machine);

/// An operand that sees a whole tensor: its dimensions are these modes.
Operand operandOf(const TensorEntry &tensor, llvm::ArrayRef<unsigned> modes,
                  size_t modeCount);

/// For a butterfly: takes more lane bits of every operand as serial where its
/// network cannot pass the whole map. Nothing changes on a Benes.
void serialiseForNetworks(RandomContraction &contraction,
                          const Machine &machine);

/// A program with one contraction: tensors "A", "B" (inputs) and "C" (result).
Program programOf(const RandomContraction &contraction, const Machine &machine);

/// Encodes and decodes.
Program throughBinary(const Program &program);

/// Values that BF16 holds: mostly moderate, with zeros of both signs, powers
/// of two and subnormals.
std::vector<float> randomValues(std::mt19937_64 &random, size_t count);

/// The array of an operand, without values.
ModeArray arrayOf(const RandomContraction &contraction, OperandId id);

} // namespace fetta::test

#endif // FETTA_TEST_LIB_TESTPROGRAMS_H
