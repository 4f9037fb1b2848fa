//===- TokenPlan.cpp - Semaphores that order queues -----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Schedule/TokenPlan.h"

#include "fetta/Support/Error.h"

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

llvm::Expected<std::vector<ItemTokens>>
fetta::planTokens(llvm::ArrayRef<QueueItem> items) {
  std::vector<ItemTokens> tokens(items.size());
  std::vector<size_t> place(items.size()); ///< Position in its queue, from 1.
  std::vector<Clock> known(items.size());  ///< What has completed at issue.
  std::array<Clock, QueueCount> last = {}; ///< Of the queue's last item.
  std::array<std::vector<unsigned>, QueueCount> queues;
  // Positions in the consumer's queue of the tokens taken, by semaphore.
  std::array<std::vector<size_t>, QueueCount *(QueueCount - 1)> taken;
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
  // A token beyond MaxCount may be signalled only when enough are taken.
  std::array<size_t, QueueCount *(QueueCount - 1)> signalled = {};
  for (unsigned i = 0; i < items.size(); ++i)
    for (unsigned semaphore : tokens[i].signals) {
      size_t count = ++signalled[semaphore];
      if (count <= MaxCount)
        continue;
      unsigned producer = items[i].queue, consumer = 0;
      while (consumer == producer ||
             semaphoreBetween(producer, consumer) != semaphore)
        ++consumer;
      // An item that has completed has taken its tokens.
      if (taken[semaphore][count - MaxCount - 1] > known[i][consumer])
        return makeError("instruction {0} of queue {1} may run {3} tokens "
                         "ahead of queue {2}, and a semaphore counts to {4}; "
                         "use fewer slices",
                         i, producer, consumer, MaxCount + 1, MaxCount);
    }
  return tokens;
}
