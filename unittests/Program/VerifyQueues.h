//===- VerifyQueues.h - Programs that are changed and verified --*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Changes of the tiny program with transfers, and what the verifier says.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_UNITTESTS_PROGRAM_VERIFYQUEUES_H
#define FETTA_UNITTESTS_PROGRAM_VERIFYQUEUES_H

#include "NestProgram.h"

#include "llvm/ADT/STLExtras.h"

#include "gtest/gtest.h"

#include <functional>

namespace fetta::test {

inline std::pair<unsigned, std::string> refusal(const Program &program) {
  std::pair<unsigned, std::string> result = {0, ""};
  llvm::handleAllErrors(verifyProgram(program), [&](const LoadError &e) {
    result = {e.code, e.message};
  });
  return result;
}

// Instructions of the tiny program with transfers.
enum At : unsigned { LoadA, LoadB, Multiply = 5, StoreC, End };

inline Dma &dma(Program &p, size_t at) { return std::get<Dma>(p.code[at]); }
inline Contract &contract(Program &p, size_t at = Multiply) {
  return std::get<Contract>(p.code[at]);
}
inline void insert(Program &p, size_t at, Instruction i) {
  p.code.insert(p.code.begin() + ptrdiff_t(at), std::move(i));
}
inline Sync sync(Queue queue, Tokens tokens) { return {queue, tokens}; }

inline unsigned after(const std::function<void(Program &)> &change,
                      std::string *message = nullptr) {
  Program program = tinyDmaProgram();
  change(program);
  auto [code, text] = refusal(program);
  if (message)
    *message = text;
  return code;
}

#define EXPECT_REFUSED(code, ...)                                              \
  EXPECT_EQ(after([](Program &p) { __VA_ARGS__; }), unsigned(LoadCode::code))
#define EXPECT_PASSES(...)                                                     \
  do {                                                                         \
    std::string message;                                                       \
    EXPECT_EQ(after([](Program &p) { __VA_ARGS__; }, &message), 0u)            \
        << message;                                                            \
  } while (false)

} // namespace fetta::test

#endif // FETTA_UNITTESTS_PROGRAM_VERIFYQUEUES_H
