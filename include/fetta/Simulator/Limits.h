//===- Limits.h - What no schedule of a program can beat --------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Lower bounds on the cycles of a program on its machine, from its
/// contractions, their order and the bytes that it moves alone
/// (docs/Queues.md, section 4).
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_SIMULATOR_LIMITS_H
#define FETTA_SIMULATOR_LIMITS_H

#include "fetta/Program/Program.h"

namespace fetta {

struct Limits {
  int64_t compute = 0;      ///< Multiply-adds / PEs, rounded up.
  int64_t array = 0;        ///< All contractions on one array, one drain.
  int64_t dram = 0;         ///< Bytes of whole bursts / bandwidth, rounded up.
  int64_t criticalPath = 0; ///< Longest chain of dependent contractions.
  int64_t largest() const;
  /// `compute` (where `array` is the largest, too), `dram` or `critical_path`.
  llvm::StringRef binding() const;
};

/// `dramBytes`: what the link moves; 0 where it takes no time.
Limits limitsOf(const Program &program, int64_t dramBytes);

} // namespace fetta

#endif // FETTA_SIMULATOR_LIMITS_H
