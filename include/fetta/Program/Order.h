//===- Order.h - What comes before what in a program ------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// The queues of a program and the tokens between them (docs/Queues.md, section
/// 1), replayed once: which instruction is ordered before which, whatever the
/// speed of the engines.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_PROGRAM_ORDER_H
#define FETTA_PROGRAM_ORDER_H

#include "fetta/Program/Program.h"

namespace fetta {

class QueueOrder {
public:
  /// The program must have its repeats written out (expandRepeats). Replays the
  /// tokens in the order of the stream. Errors are LoadErrors that name the
  /// instruction, its queue and the semaphore: one with two producing or two
  /// consuming queues, a wait for tokens that nothing before it signals, tokens
  /// left over, a counter that could exceed 255.
  static llvm::Expected<QueueOrder> replay(const Program &program);

  /// Whether instruction u comes before instruction v in every legal run. What
  /// waits for u (or for one after it in its queue) finds it completed.
  bool before(uint32_t u, uint32_t v) const {
    return clocks[v][unsigned(queues[u])] > positions[u];
  }
  Queue queue(uint32_t instruction) const { return queues[instruction]; }

private:
  std::vector<Queue> queues;
  std::vector<uint32_t> positions; ///< Of an instruction in its queue.
  /// Vector clock of an instruction: how many instructions of each queue come
  /// before it (Fidge 1988, Mattern 1989).
  std::vector<std::array<uint32_t, QueueCount>> clocks;
};

/// A random order that keeps queues and tokens, as indices into program.code;
/// ends with the Halt. The program must be one that QueueOrder replays, without
/// repeats.
std::vector<uint32_t> shuffledOrder(const Program &program, uint64_t seed);

} // namespace fetta

#endif // FETTA_PROGRAM_ORDER_H
