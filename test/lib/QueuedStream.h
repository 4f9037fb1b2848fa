//===- QueuedStream.h - Tokens for a stream of instructions -----*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Collects instructions and makes a program of them: whatever touches the same
/// rows or the same region from another queue is ordered by tokens, with counts
/// and relays through other queues that are drawn.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_TEST_LIB_QUEUEDSTREAM_H
#define FETTA_TEST_LIB_QUEUEDSTREAM_H

#include "RandomQueuedProgram.h"

namespace fetta::test {

/// An instruction whose operands' base rows are relative to their tensors, and
/// what is known of it if it is a contraction.
struct StreamItem {
  Instruction instruction;
  std::array<llvm::SmallVector<unsigned, 8>, 3> modes;
  llvm::SmallVector<int64_t, 8> offsets;
};

class QueuedStream {
public:
  QueuedStream(const Machine &machine, std::mt19937_64 &random)
      : machine(machine), random(random) {}
  /// Tensors must have their rows by now.
  void append(StreamItem item);
  QueuedProgram finish();

  std::vector<TensorEntry> tensors;
  std::vector<DramRegion> regions;

private:
  /// Rows of a slab, or a region (space -1).
  struct Access {
    int64_t space, begin, end;
    bool write;
  };
  struct Entry {
    StreamItem item;
    Queue queue;
    std::vector<Access> accesses;
    Tokens tokens;
    std::vector<Sync> before; ///< Relays that come just before it.
  };
  std::vector<Access> accessesOf(const StreamItem &item) const;
  void addEdge(size_t from, size_t to);
  uint8_t semaphore(unsigned key);
  void addTokens();

  Machine machine;
  std::mt19937_64 &random;
  std::vector<Entry> entries;
  std::vector<std::pair<unsigned, uint8_t>> semaphores; ///< By what they order.
};

} // namespace fetta::test

#endif // FETTA_TEST_LIB_QUEUEDSTREAM_H
