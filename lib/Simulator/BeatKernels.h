//===- BeatKernels.h - One beat on all lanes --------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// The arithmetic of a beat as loops over all lanes that a compiler turns into
/// vector instructions. Each lane is rounded as in docs/Machine.md, section 7,
/// whatever the vector length: the build forbids contraction to FMA.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_LIB_SIMULATOR_BEATKERNELS_H
#define FETTA_LIB_SIMULATOR_BEATKERNELS_H

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace fetta {

/// Pairs of places between which words move in a regular way: in steps of four
/// neighbours where there are some, else one by one. No place that is written
/// is read by another entry.
struct WordMoves {
  struct Move {
    uint16_t to, from;
  };
  std::vector<Move> fours; ///< to .. to+3 and from .. from+3.
  std::vector<Move> ones;

  WordMoves() = default;
  /// `moves` by ascending `to`.
  explicit WordMoves(const std::vector<Move> &moves);
};

/// out[m.to] = words[m.from] as a float.
void gatherWords(float *out, const uint16_t *words, const WordMoves &moves);

/// Whether have[i] is 1 wherever need[i] is.
bool covers(const uint8_t *have, const uint8_t *need, size_t count);
/// Whether have[i] is 1 anywhere where need[i] is.
bool meets(const uint8_t *have, const uint8_t *need, size_t count);
void unite(uint8_t *have, const uint8_t *more, size_t count);

/// Products of all PEs, added down the columns. `streamed`: per row lane;
/// `held`: per PE row and column lane; both in groups of `positions` lanes.
void columnChainOfLanes(float *sums, const float *streamed, const float *held,
                        uint32_t peRows, uint32_t positions, uint32_t lanes);
/// Products of all PEs, assigned (`first`) or added to a register in each:
/// `registers` per PE row and column lane, `held` per column lane.
void multiplyIntoLanes(float *registers, const float *streamed,
                       const float *held, uint32_t peRows, uint32_t positions,
                       uint32_t lanes, bool first);

/// Functions that do what the two above do, bit for bit (of a NaN the payload
/// may differ), for an array of this size.
struct ArrayKernels {
  void (*columnChain)(float *, const float *, const float *, uint32_t, uint32_t,
                      uint32_t);
  void (*multiplyInto)(float *, const float *, const float *, uint32_t,
                       uint32_t, uint32_t, bool);
};
bool hostHasAVX2();
ArrayKernels arrayKernels(uint32_t peRows, uint32_t positions, uint32_t lanes,
                          bool avx2 = hostHasAVX2());

/// to[m.to] = to[m.to] + from[m.from]; `to` and `from` may be the same array.
void addWords(float *to, const float *from, const WordMoves &moves);
/// to[m.to] = from[m.from].
void copyWords(float *to, const float *from, const WordMoves &moves);

/// out[i] = words[i] rounded to BF16 where valid[i] is 1.
void roundWords(uint16_t *out, const float *words, const uint8_t *valid,
                size_t count);
/// The halves of words[i], NaN made canonical, where valid[i] is 1.
void splitWords(uint16_t *high, uint16_t *low, const float *words,
                const uint8_t *valid, size_t count);

} // namespace fetta

#endif // FETTA_LIB_SIMULATOR_BEATKERNELS_H
