//===- ChainProgram.h - Random programs of many contractions ----*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Products of matrices, each of which may read what those before it have
/// written, mapped and routed as a compiler would, with operands in tensor
/// memory or through transfers with tokens.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_UNITTESTS_SIMULATOR_CHAINPROGRAM_H
#define FETTA_UNITTESTS_SIMULATOR_CHAINPROGRAM_H

#include "fetta/Program/Program.h"

namespace fetta::test {

struct ChainOptions {
  uint64_t seed = 0;
  unsigned contractions = 8;
  /// Parameters come from DRAM and results go there.
  bool transfers = false;
  /// All tensors in one slab.
  bool oneSlab = false;
  /// No contraction reads what another wrote, and neighbours share no slab
  /// where the machine has enough.
  bool independent = false;
  int64_t maxSize = 40;
};

/// Deterministic for a machine; passes verifyProgram.
Program chainProgram(const Machine &machine, const ChainOptions &options);

} // namespace fetta::test

#endif // FETTA_UNITTESTS_SIMULATOR_CHAINPROGRAM_H
