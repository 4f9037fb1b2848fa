//===- Queues.h - Numbers of queues and semaphores ----------------*- C++ -*-=//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// What instructions can say about order (docs/Queues.md, section 1). Fixed by
/// the encoding of instructions, so the same for every machine; here for the
/// compiler half as well as for the binary's.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_MACHINE_QUEUES_H
#define FETTA_MACHINE_QUEUES_H

namespace fetta {

/// In-order queues: contract, load, store, vector.
inline constexpr unsigned QueueCount = 4;
/// Counting semaphores.
inline constexpr unsigned SemaphoreCount = 32;
/// What a semaphore counts to: tokens signalled and not yet taken.
inline constexpr unsigned MaxCount = 255;
/// Waits of an instruction, and as many signals.
inline constexpr unsigned MaxTokenEntries = 2;
/// Tokens that a wait takes or a signal adds, at most; at least 1.
inline constexpr unsigned MaxTokens = 7;

} // namespace fetta

#endif // FETTA_MACHINE_QUEUES_H
