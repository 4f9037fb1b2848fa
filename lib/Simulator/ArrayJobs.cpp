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

int64_t fetta::oneBeatACycle(llvm::ArrayRef<ArrayJob> jobs,
                             int64_t tailCycles) {
  using Job = ArrayJob;
  std::vector<std::array<int64_t, 3>> tails(jobs.size());
  std::vector<unsigned> byStart(jobs.size());
  for (size_t j = jobs.size(); j-- > 0;) {
    std::array<int64_t, 3> &tail = tails[j];
    tail = {0, 0, tailCycles};
    for (const Job::Behind &behind : jobs[j].behind)
      tail[behind.from] = std::max(
          tail[behind.from], behind.cycles + tails[behind.job][behind.to]);
    tail[Job::First] = std::max(tail[Job::First], tail[Job::Last]);
    tail[Job::Start] = std::max({tail[Job::Start], tail[Job::First],
                                 jobs[j].beats - 1 + tail[Job::Last]});
    byStart[j] = unsigned(j);
  }
  llvm::stable_sort(byStart, [&](unsigned a, unsigned b) {
    return jobs[a].start < jobs[b].start;
  });
  int64_t end = 0, now = 0;
  std::priority_queue<std::pair<int64_t, int64_t>> ready; // Tail, beats.
  for (size_t next = 0; next < byStart.size() || !ready.empty();) {
    if (ready.empty())
      now = std::max(now, jobs[byStart[next]].start);
    for (; next < byStart.size() && jobs[byStart[next]].start <= now; ++next)
      ready.push({tails[byStart[next]][Job::Last], jobs[byStart[next]].beats});
    auto [tail, beats] = ready.top();
    ready.pop();
    int64_t until = now + beats;
    if (next < byStart.size())
      until = std::min(until, jobs[byStart[next]].start);
    beats -= until - now;
    now = until;
    if (beats > 0)
      ready.push({tail, beats});
    else
      end = std::max(end, now - 1 + tail);
  }
  return end;
}
