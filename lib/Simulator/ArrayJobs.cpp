//===- ArrayJobs.cpp - Contractions that share one array ------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Simulator/ArrayJobs.h"

#include "llvm/ADT/STLExtras.h"

#include <algorithm>
#include <array>
#include <queue>
#include <vector>

using namespace fetta;

namespace {

/// For one resource: no cycle of it before `head`, `tail` cycles behind it.
struct HeadAndTail {
  int64_t head, cycles, tail;
};

int64_t preemptiveSchedule(std::vector<HeadAndTail> jobs) {
  llvm::stable_sort(jobs, [](const HeadAndTail &a, const HeadAndTail &b) {
    return a.head < b.head;
  });
  int64_t end = 0, now = 0;
  std::priority_queue<std::pair<int64_t, int64_t>> ready; // Tail, cycles.
  for (size_t next = 0; next < jobs.size() || !ready.empty();) {
    if (ready.empty())
      now = std::max(now, jobs[next].head);
    for (; next < jobs.size() && jobs[next].head <= now; ++next)
      ready.push({jobs[next].tail, jobs[next].cycles});
    auto [tail, cycles] = ready.top();
    ready.pop();
    int64_t until = now + cycles;
    if (next < jobs.size())
      until = std::min(until, jobs[next].head);
    cycles -= until - now;
    now = until;
    if (cycles > 0)
      ready.push({tail, cycles});
    else
      end = std::max(end, now - 1 + tail);
  }
  return end;
}

} // namespace

int64_t fetta::sharedArray(llvm::ArrayRef<ArrayJob> jobs, int64_t tailCycles) {
  using Job = ArrayJob;
  std::vector<std::array<int64_t, 4>> tails(jobs.size());
  std::vector<HeadAndTail> windows, drains;
  for (size_t j = jobs.size(); j-- > 0;) {
    const Job &job = jobs[j];
    std::array<int64_t, 4> &tail = tails[j];
    tail = {0, 0, 0, tailCycles};
    for (const Job::Behind &behind : job.behind)
      tail[behind.from] = std::max(
          tail[behind.from], behind.cycles + tails[behind.job][behind.to]);
    tail[Job::Last] = std::max(tail[Job::Last], tail[Job::Done]);
    int64_t rows = job.drains ? job.least.drain - 1 : 0;
    tail[Job::First] =
        std::max({tail[Job::First], tail[Job::Last], rows + tail[Job::Done]});
    tail[Job::Start] =
        std::max({tail[Job::Start], job.least.word - 1 + tail[Job::First],
                  job.least.window - 1 + tail[Job::Last]});
    windows.push_back(
        {job.start, job.least.window * job.times, tail[Job::Last]});
    if (job.drains)
      drains.push_back(
          {job.first, job.least.drain * job.times, tail[Job::Done]});
  }
  return std::max(preemptiveSchedule(std::move(windows)),
                  preemptiveSchedule(std::move(drains)));
}
