//===- StageTokens.h - How the queues of a stage are ordered ----*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// The queues of a finished program and the tokens between them, as far as what
/// comes before and behind it must know. Repeats are not written out for that.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_LIB_PIPELINES_STAGETOKENS_H
#define FETTA_LIB_PIPELINES_STAGETOKENS_H

#include "fetta/Dialect/Fetta/Transforms/ProgramOrder.h"
#include "fetta/Machine/Queues.h"
#include "llvm/Support/Error.h"

#include <map>

namespace fetta::hw {

/// Lets an instruction wait for, or signal, one more token of a semaphore;
/// false where it has no room for it.
bool addToken(mlir::Operation *op, unsigned semaphore, bool isSignal);

class StageTokens {
public:
  /// An error where a semaphore has no single producing and consuming queue, or
  /// as many tokens are not signalled as are waited for.
  static llvm::Expected<StageTokens> find(mlir::Block &block);

  /// The first and the last instruction of a queue, be it a sync; null without
  /// any.
  mlir::Operation *first(QueueKind queue) const {
    return ends[unsigned(queue)].first;
  }
  mlir::Operation *last(QueueKind queue) const {
    return ends[unsigned(queue)].last;
  }
  bool isEmpty() const {
    return llvm::all_of(ends, [](const Ends &queue) { return !queue.first; });
  }

  /// Whether the last load or contraction of `queue` is ordered before an
  /// instruction of `target`; true without any.
  bool endsBefore(QueueKind queue, QueueKind target) const {
    return isOrdered(queue, target, /*forward=*/true);
  }
  /// Whether the first one is ordered behind an instruction of `target`.
  bool beginsAfter(QueueKind queue, QueueKind target) const {
    return isOrdered(queue, target, /*forward=*/false);
  }

  /// Producing and consuming queue.
  using Queues = std::pair<unsigned, unsigned>;
  /// The semaphores between each two queues, in rising order.
  std::map<Queues, llvm::SmallVector<unsigned, 2>> semaphoresBetween() const;

private:
  /// Positions count operations with repeats written out. All semaphores count
  /// zero at both ends, so the last wait takes the last token and the first
  /// wait none before the first.
  struct Semaphore {
    std::optional<unsigned> producer, consumer;
    int64_t signalled = 0, taken = 0;
    int64_t firstSignal = 0, lastSignal = 0, firstWait = 0, lastWait = 0;
  };
  struct Ends {
    mlir::Operation *first = nullptr, *last = nullptr;
    /// Of instructions that do not only wait and signal.
    std::optional<int64_t> firstWork, lastWork;
  };

  /// `first` and `last`: positions in the first and the last of `count`
  /// iterations.
  llvm::Error add(mlir::Operation *op, int64_t first, int64_t last,
                  int64_t count);
  bool isOrdered(QueueKind queue, QueueKind target, bool forward) const;

  std::map<unsigned, Semaphore> semaphores;
  std::array<Ends, QueueCount> ends;
};

} // namespace fetta::hw

#endif // FETTA_LIB_PIPELINES_STAGETOKENS_H
