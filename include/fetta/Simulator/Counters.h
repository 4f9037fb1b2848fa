//===- Counters.h - What a run counts ---------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Events of the value half of the simulator. Energy is these counters times
/// the entries of an energy table (docs/Energy.md).
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_SIMULATOR_COUNTERS_H
#define FETTA_SIMULATOR_COUNTERS_H

#include <cstdint>

/// FETTA_COUNTER(name, text): every counter once; reports and sums go through
/// this list.
#define FETTA_COUNTERS(FETTA_COUNTER)                                          \
  FETTA_COUNTER(multiplyAdds, "multiply-adds on elements of both operands")    \
  FETTA_COUNTER(idleMultiplyAdds, "multiply-adds of PEs with nothing to do")   \
  FETTA_COUNTER(columnAdds, "additions in PEs towards valid words")            \
  FETTA_COUNTER(beats, "beats of loop nests")                                  \
  FETTA_COUNTER(tiles, "stationary tiles, or tiles of sums in the PEs")        \
  FETTA_COUNTER(loadBeats, "sub-beats that load stationary tiles")             \
  FETTA_COUNTER(tileDrainBeats, "sub-beats that drain sums from the PEs")      \
  FETTA_COUNTER(streamWords, "BF16 words captured from the stream network")    \
  FETTA_COUNTER(holdWords, "BF16 words captured from the hold network")        \
  FETTA_COUNTER(reduceWords, "FP32 words that enter the reduction network")    \
  FETTA_COUNTER(networkAdds, "additions in the reduction network")             \
  FETTA_COUNTER(accumulatorAdds, "additions to valid accumulator words")       \
  FETTA_COUNTER(accumulatorWrites, "FP32 words written to accumulators")       \
  FETTA_COUNTER(accumulatorReads, "FP32 words read to add to or to drain")     \
  FETTA_COUNTER(drainedWords, "FP32 words converted and written as results")   \
  FETTA_COUNTER(drainedRows, "accumulator rows drained")                       \
  FETTA_COUNTER(rowReads, "tensor memory rows read")                           \
  FETTA_COUNTER(rowWrites, "tensor memory rows written")                       \
  FETTA_COUNTER(macroReads, "tensor memory macros touched by reads")           \
  FETTA_COUNTER(macroWrites, "tensor memory macros touched by writes")         \
  FETTA_COUNTER(dramBytes, "bytes from and to DRAM, whole bursts")             \
  FETTA_COUNTER(dmaRowReads, "tensor memory rows read by transfers")           \
  FETTA_COUNTER(dmaRowWrites, "tensor memory rows written by transfers")       \
  FETTA_COUNTER(stagedWords, "16-bit words through a staging buffer")          \
  FETTA_COUNTER(routeBytes, "bytes of routes loaded into slots")               \
  FETTA_COUNTER(activeRouteBytes, "bytes of routes that become active")        \
  FETTA_COUNTER(instructionBytes, "bytes of instructions fetched")

namespace fetta {

struct Counters {
#define FETTA_COUNTER(name, text) int64_t name = 0; ///< text
  FETTA_COUNTERS(FETTA_COUNTER)
#undef FETTA_COUNTER

  Counters &operator+=(const Counters &o) {
#define FETTA_COUNTER(name, text) name += o.name;
    FETTA_COUNTERS(FETTA_COUNTER)
#undef FETTA_COUNTER
    return *this;
  }
  /// Calls visit(name, text, value) for every counter.
  template <typename Visit> void forEach(Visit visit) const {
#define FETTA_COUNTER(name, text) visit(#name, text, name);
    FETTA_COUNTERS(FETTA_COUNTER)
#undef FETTA_COUNTER
  }
};

} // namespace fetta

#endif // FETTA_SIMULATOR_COUNTERS_H
