//===- NestRules.h - Helpers of the tests of nests --------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// A small machine and the number of the rule that a nest breaks.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_UNITTESTS_LAYOUT_NESTRULES_H
#define FETTA_UNITTESTS_LAYOUT_NESTRULES_H

#include "fetta/Layout/Nest.h"
#include "fetta/Machine/Machine.h"

#include "gtest/gtest.h"

namespace fetta::test {

/// 4 CEs of 4x4: 16 lanes; lanes 0 and 1 are the position in a CE.
inline Machine machine() {
  Machine machine;
  machine.ceBits = 2;
  machine.rowsPerSlab = 64;
  machine.accumulatorRows = 8;
  return machine;
}

/// The number of the broken rule; 0 if none is.
inline unsigned ruleOf(const Nest &nest, const Machine &machine) {
  std::string text = llvm::toString(verifyNest(nest, machine));
  if (text.empty())
    return 0;
  unsigned rule = 0;
  llvm::StringRef rest = text;
  EXPECT_TRUE(rest.consume_front("N") && !rest.consumeInteger(10, rule) &&
              rest.starts_with(": "))
      << text;
  return rule;
}

inline BankBit bank(unsigned mode, unsigned bit) {
  return {ModeBit{mode, bit}, false};
}

} // namespace fetta::test

#endif // FETTA_UNITTESTS_LAYOUT_NESTRULES_H
