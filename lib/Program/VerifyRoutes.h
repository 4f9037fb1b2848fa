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

#include <map>

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
  /// What a route was found to do for a map.
  struct Known {
    std::vector<uint32_t> image; ///< Of every lane.
    std::vector<bool> passed;    ///< Constants that were replayed.
  };

  const Program &program;
  /// By route and rows of the map.
  std::map<std::pair<uint32_t, std::vector<uint32_t>>, Known> known;
};

} // namespace fetta

#endif // FETTA_LIB_PROGRAM_VERIFYROUTES_H
