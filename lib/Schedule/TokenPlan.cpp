//===- TokenPlan.cpp - Semaphores that order queues -----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Schedule/TokenPlan.h"

#include "fetta/Support/Error.h"
#include "llvm/ADT/STLExtras.h"

#include <algorithm>
#include <array>

using namespace fetta;

namespace {
/// For each queue, how many of its instructions have completed.
using Clock = std::array<size_t, QueueCount>;

void join(Clock &clock, const Clock &other) {
  for (unsigned q = 0; q < QueueCount; ++q)
    clock[q] = std::max(clock[q], other[q]);
}
} // namespace

unsigned fetta::semaphoreBetween(unsigned producer, unsigned consumer) {
  return producer * (QueueCount - 1) +
         (consumer < producer ? consumer : consumer - 1);
}

using TakenPositions =
    std::array<std::vector<size_t>, QueueCount *(QueueCount - 1)>;

/// Where a semaphore would count beyond MaxCount, tokens go to another one of
/// the same two queues: both queues see the tokens of a semaphore in the order
/// in which these stand, so any split of them will do. `taken`: positions in
/// the consumer's queue, by semaphore.
static llvm::Error spreadTokens(llvm::ArrayRef<QueueItem> items,
                                llvm::ArrayRef<Clock> known,
                                const TakenPositions &taken,
                                std::vector<ItemTokens> &tokens) {
  struct Semaphore {
    unsigned number;
    std::vector<size_t> taken; ///< Positions of its tokens.
  };
  struct Pair {
    std::vector<Semaphore> semaphores;
    std::vector<unsigned> numberOf; ///< By token.
    size_t waits = 0;
  };
  std::array<Pair, QueueCount *(QueueCount - 1)> pairs;
  unsigned next = pairs.size();
  for (unsigned p = 0; p < pairs.size(); ++p)
    pairs[p].semaphores.push_back({p, {}});
  for (unsigned i = 0; i < items.size(); ++i) {
    for (unsigned &wait : tokens[i].waits) {
      Pair &pair = pairs[wait];
      wait = pair.numberOf[pair.waits++];
    }
    for (unsigned &signal : tokens[i].signals) {
      Pair &pair = pairs[signal];
      unsigned producer = items[i].queue, consumer = 0;
      while (consumer == producer ||
             semaphoreBetween(producer, consumer) != signal)
        ++consumer;
      // An item that has completed has taken its tokens.
      auto hasRoom = [&](const Semaphore &semaphore) {
        size_t count = semaphore.taken.size();
        return count < MaxCount ||
               semaphore.taken[count - MaxCount] <= known[i][consumer];
      };
      auto it = llvm::find_if(pair.semaphores, hasRoom);
      if (it == pair.semaphores.end()) {
        if (next == SemaphoreCount)
          return makeError("instruction {0} of queue {1} may run more tokens "
                           "ahead of queue {2} than {3} semaphores count, each "
                           "to {4}; use fewer slices",
                           i, producer, consumer, pair.semaphores.size(),
                           MaxCount);
        it = pair.semaphores.insert(it, {next++, {}});
      }
      it->taken.push_back(taken[signal][pair.numberOf.size()]);
      pair.numberOf.push_back(it->number);
      signal = it->number;
    }
  }
  return llvm::Error::success();
}

llvm::Expected<std::vector<ItemTokens>>
fetta::planTokens(llvm::ArrayRef<QueueItem> items) {
  std::vector<ItemTokens> tokens(items.size());
  std::vector<size_t> place(items.size()); ///< Position in its queue, from 1.
  std::vector<Clock> known(items.size());  ///< What has completed at issue.
  std::array<Clock, QueueCount> last = {}; ///< Of the queue's last item.
  std::array<std::vector<unsigned>, QueueCount> queues;
  // Positions in the consumer's queue of the tokens taken, by semaphore.
  TakenPositions taken;
  for (unsigned i = 0; i < items.size(); ++i) {
    const QueueItem &item = items[i];
    queues[item.queue].push_back(i);
    place[i] = queues[item.queue].size();
    Clock clock = last[item.queue];
    Clock needed = {};
    for (unsigned before : item.after)
      if (items[before].queue != item.queue)
        needed[items[before].queue] =
            std::max(needed[items[before].queue], place[before]);
    // The instruction whose completion shows that this much of a queue is done.
    auto completion = [&](unsigned queue) {
      unsigned producer = queues[queue][needed[queue] - 1];
      Clock done = known[producer];
      done[queue] = place[producer];
      return done;
    };
    for (unsigned queue = 0; queue < QueueCount; ++queue) {
      if (needed[queue] <= clock[queue])
        continue;
      bool implied = false;
      for (unsigned other = 0; other < QueueCount; ++other)
        implied |= other != queue && needed[other] > clock[other] &&
                   completion(other)[queue] >= needed[queue];
      if (implied)
        continue;
      unsigned semaphore = semaphoreBetween(queue, item.queue);
      tokens[queues[queue][needed[queue] - 1]].signals.push_back(semaphore);
      tokens[i].waits.push_back(semaphore);
      taken[semaphore].push_back(place[i]);
      join(clock, completion(queue));
    }
    known[i] = last[item.queue] = clock;
  }
  if (llvm::Error error = spreadTokens(items, known, taken, tokens))
    return error;
  return tokens;
}
