//===- Trace.h - What every resource did, cycle by cycle --------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Writes a Chrome trace (chrome://tracing, ui.perfetto.dev) with a track per
/// resource while the program is being timed; nothing is kept in memory.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_SIMULATOR_TRACE_H
#define FETTA_SIMULATOR_TRACE_H

#include "fetta/Simulator/Timing.h"

#include "llvm/Support/JSON.h"

#include <limits>

namespace fetta {

struct TraceOptions {
  /// Only what happens in cycles [from, to).
  int64_t from = 0, to = std::numeric_limits<int64_t>::max();
  /// No interval is begun beyond so many bytes.
  int64_t maxBytes = int64_t(64) << 20;
};

class TraceWriter : public TimelineSink {
public:
  TraceWriter(const Program &program, const TraceOptions &options,
              llvm::raw_ostream &os);
  void interval(unsigned resource, CycleClass cycleClass, int64_t from,
                int64_t to, uint32_t instruction) override;
  /// Ends the file.
  void finish();

  int64_t written() const { return intervals; }
  /// Intervals of the window that the byte limit has cut.
  int64_t cut() const { return cutIntervals; }
  /// Up to this cycle all intervals are there.
  int64_t completeUntil() const { return complete; }

private:
  const Program &program;
  TraceOptions options;
  llvm::raw_ostream &os;
  uint64_t begin;
  llvm::json::OStream json;
  int64_t intervals = 0, cutIntervals = 0;
  int64_t complete = std::numeric_limits<int64_t>::max();
};

} // namespace fetta

#endif // FETTA_SIMULATOR_TRACE_H
