//===- VerifyRoutes.h - Do routes do what operands need? --------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Replays switch words against the bank maps of operands.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_LIB_PROGRAM_VERIFYROUTES_H
#define FETTA_LIB_PROGRAM_VERIFYROUTES_H

#include "fetta/Program/Program.h"

#include <set>
#include <tuple>

namespace fetta {

/// What is wrong with a route as such on this machine; empty if nothing is.
std::string routeProblem(const Route &route, const Machine &machine);

class RouteChecker {
public:
  explicit RouteChecker(const Program &program) : program(program) {}
  /// What is wrong with a legal route for an operand of a legal nest; empty if
  /// nothing is.
  std::string problem(uint32_t route, const Nest &nest, OperandId operand);

private:
  const Program &program;
  /// Passed: route, map, bank bits that vary, bank bits that are 1.
  std::set<std::tuple<uint32_t, std::vector<uint32_t>, uint32_t, uint32_t>>
      passed;
};

} // namespace fetta

#endif // FETTA_LIB_PROGRAM_VERIFYROUTES_H
