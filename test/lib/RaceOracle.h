//===- RaceOracle.h - Tokens and races by brute force -----------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// What docs/Queues.md, section 1, says of tokens and of accesses of different
/// queues, one token and one word at a time. Shares no code with the verifier.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_TEST_LIB_RACEORACLE_H
#define FETTA_TEST_LIB_RACEORACLE_H

#include "fetta/Program/Program.h"

namespace fetta::test {

/// Whether tokens play: one producer and one consumer each, all waits served in
/// the order of the stream, nothing left.
bool tokensPlay(const Program &program);

/// before[u][v]: v comes after u in every run; by the edges of queues and of
/// every single token.
std::vector<std::vector<bool>> reachability(const Program &program);

/// Whether two queues touch one word or one element in no order, one of them
/// writing.
bool hasRace(const Program &program,
             const std::vector<std::vector<bool>> &before);

} // namespace fetta::test

#endif // FETTA_TEST_LIB_RACEORACLE_H
