//===- BeatKernels.cpp - One beat on all lanes ----------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "BeatKernels.h"

#include "fetta/Support/BFloat16.h"

#include <cstring>
#include <utility>

using namespace fetta;

WordMoves::WordMoves(const std::vector<Move> &moves) {
  auto follows = [](const Move &x, const Move &y, unsigned by) {
    return y.to == x.to + by && y.from == x.from + by;
  };
  for (size_t i = 0; i < moves.size();) {
    bool four = i + 4 <= moves.size();
    for (unsigned j = 1; four && j < 4; ++j)
      four = follows(moves[i], moves[i + j], j);
    (four ? fours : ones).push_back(moves[i]);
    i += four ? 4 : 1;
  }
}

void fetta::gatherWords(float *out, const uint16_t *words,
                        const WordMoves &moves) {
  typedef uint16_t Half __attribute__((vector_size(8)));
  typedef uint32_t Word __attribute__((vector_size(16)));
  for (WordMoves::Move m : moves.fours) {
    Half half;
    std::memcpy(&half, words + m.from, sizeof half);
    Word word = __builtin_convertvector(half, Word) << 16;
    std::memcpy(out + m.to, &word, sizeof word);
  }
  for (WordMoves::Move m : moves.ones)
    out[m.to] = bf16ToFloat(words[m.from]);
}

// Bytes are summed up without a way out of the loop: a row is short, and a
// branch per byte would keep it from becoming vector code.
bool fetta::covers(const uint8_t *have, const uint8_t *need, size_t count) {
  uint8_t missing = 0;
  for (size_t i = 0; i < count; ++i)
    missing |= uint8_t(need[i] & ~have[i]);
  return !missing;
}

bool fetta::meets(const uint8_t *have, const uint8_t *need, size_t count) {
  uint8_t common = 0;
  for (size_t i = 0; i < count; ++i)
    common |= uint8_t(need[i] & have[i]);
  return common;
}

void fetta::unite(uint8_t *have, const uint8_t *more, size_t count) {
  for (size_t i = 0; i < count; ++i)
    have[i] |= more[i];
}

//===----------------------------------------------------------------------===//
// Processing elements
//===----------------------------------------------------------------------===//

// Compiled for every processor, and once more for AVX2; vectors are split where
// those of the processor are shorter.
#define FETTA_INLINE inline __attribute__((always_inline))
#ifdef __x86_64__
#define FETTA_AVX2 __attribute__((target("avx2")))
#endif

namespace {

constexpr uint32_t Width = 8; ///< Lanes of a vector.
typedef float Vector __attribute__((vector_size(Width * sizeof(float))));
using LaneNumbers = std::make_integer_sequence<uint32_t, Width>;

FETTA_INLINE void load(Vector &v, const float *from) {
  std::memcpy(&v, from, sizeof v);
}
FETTA_INLINE void store(float *to, const Vector &v) {
  std::memcpy(to, &v, sizeof v);
}
/// Word `Row` of each group of N lanes to all lanes of the group.
template <uint32_t N, uint32_t Row, uint32_t... Lane>
FETTA_INLINE void spread(Vector &out, const Vector &v,
                         std::integer_sequence<uint32_t, Lane...>) {
  out = __builtin_shufflevector(v, v, (Lane / N * N + Row)...);
}

template <uint32_t N, uint32_t Row>
FETTA_INLINE void chainRow(Vector &sum, const Vector &streamed,
                           const float *held, uint32_t lanes) {
  Vector word, weight;
  spread<N, Row>(word, streamed, LaneNumbers());
  load(weight, held + size_t(Row) * lanes);
  sum = Row == 0 ? word * weight : sum + word * weight;
}
template <uint32_t N, uint32_t... Row>
FETTA_INLINE void chain(float *sums, const float *streamed, const float *held,
                        uint32_t lanes,
                        std::integer_sequence<uint32_t, Row...>) {
  for (uint32_t l = 0; l < lanes; l += Width) {
    Vector s, sum;
    load(s, streamed + l);
    (chainRow<N, Row>(sum, s, held + l, lanes), ...);
    store(sums + l, sum);
  }
}

template <uint32_t N, uint32_t Row>
FETTA_INLINE void multiplyRow(float *registers, const Vector &streamed,
                              const Vector &weight, uint32_t lanes,
                              bool first) {
  Vector word, sum;
  spread<N, Row>(word, streamed, LaneNumbers());
  float *here = registers + size_t(Row) * lanes;
  load(sum, here);
  store(here, first ? word * weight : sum + word * weight);
}
template <uint32_t N, uint32_t... Row>
FETTA_INLINE void multiply(float *registers, const float *streamed,
                           const float *held, uint32_t lanes, bool first,
                           std::integer_sequence<uint32_t, Row...>) {
  for (uint32_t l = 0; l < lanes; l += Width) {
    Vector s, weight;
    load(s, streamed + l);
    load(weight, held + l);
    (multiplyRow<N, Row>(registers + l, s, weight, lanes, first), ...);
  }
}

/// Engines of N positions and R rows.
template <uint32_t N, uint32_t R> struct Fixed {
  using Rows = std::make_integer_sequence<uint32_t, R>;
  static void columnChain(float *sums, const float *streamed, const float *held,
                          uint32_t, uint32_t, uint32_t lanes) {
    chain<N>(sums, streamed, held, lanes, Rows());
  }
  static void multiplyInto(float *registers, const float *streamed,
                           const float *held, uint32_t, uint32_t,
                           uint32_t lanes, bool first) {
    if (first)
      multiply<N>(registers, streamed, held, lanes, true, Rows());
    else
      multiply<N>(registers, streamed, held, lanes, false, Rows());
  }
#ifdef FETTA_AVX2
  FETTA_AVX2 static void columnChainAVX2(float *sums, const float *streamed,
                                         const float *held, uint32_t, uint32_t,
                                         uint32_t lanes) {
    chain<N>(sums, streamed, held, lanes, Rows());
  }
  FETTA_AVX2 static void multiplyIntoAVX2(float *registers,
                                          const float *streamed,
                                          const float *held, uint32_t, uint32_t,
                                          uint32_t lanes, bool first) {
    if (first)
      multiply<N>(registers, streamed, held, lanes, true, Rows());
    else
      multiply<N>(registers, streamed, held, lanes, false, Rows());
  }
#endif
  static ArrayKernels kernels(bool avx2) {
#ifdef FETTA_AVX2
    if (avx2)
      return {columnChainAVX2, multiplyIntoAVX2};
#endif
    return {columnChain, multiplyInto};
  }
};

template <uint32_t N> ArrayKernels kernelsOf(uint32_t peRows, bool avx2) {
  switch (peRows) {
  case 1:
    return Fixed<N, 1>::kernels(avx2);
  case 2:
    return Fixed<N, 2>::kernels(avx2);
  case 4:
    if constexpr (N >= 4)
      return Fixed<N, 4>::kernels(avx2);
    break;
  case 8:
    if constexpr (N >= 8)
      return Fixed<N, 8>::kernels(avx2);
    break;
  }
  return {columnChainOfLanes, multiplyIntoLanes};
}

} // namespace

void fetta::columnChainOfLanes(float *sums, const float *streamed,
                               const float *held, uint32_t peRows,
                               uint32_t positions, uint32_t lanes) {
  for (uint32_t row = 0; row < peRows; ++row) {
    const float *h = held + size_t(row) * lanes;
    for (uint32_t ce = 0; ce < lanes; ce += positions) {
      float s = streamed[ce + row];
      for (uint32_t lane = ce; lane < ce + positions; ++lane)
        sums[lane] = row == 0 ? s * h[lane] : sums[lane] + s * h[lane];
    }
  }
}

void fetta::multiplyIntoLanes(float *registers, const float *streamed,
                              const float *held, uint32_t peRows,
                              uint32_t positions, uint32_t lanes, bool first) {
  for (uint32_t row = 0; row < peRows; ++row) {
    float *sum = registers + size_t(row) * lanes;
    for (uint32_t ce = 0; ce < lanes; ce += positions) {
      float s = streamed[ce + row];
      for (uint32_t lane = ce; lane < ce + positions; ++lane)
        sum[lane] = first ? s * held[lane] : sum[lane] + s * held[lane];
    }
  }
}

bool fetta::hostHasAVX2() {
#ifdef FETTA_AVX2
  return __builtin_cpu_supports("avx2");
#else
  return false;
#endif
}

ArrayKernels fetta::arrayKernels(uint32_t peRows, uint32_t positions,
                                 uint32_t lanes, bool avx2) {
  if (lanes % Width == 0)
    switch (positions) {
    case 2:
      return kernelsOf<2>(peRows, avx2);
    case 4:
      return kernelsOf<4>(peRows, avx2);
    case 8:
      return kernelsOf<8>(peRows, avx2);
    }
  return {columnChainOfLanes, multiplyIntoLanes};
}

//===----------------------------------------------------------------------===//
// Sums
//===----------------------------------------------------------------------===//

void fetta::addWords(float *to, const float *from, const WordMoves &moves) {
  for (WordMoves::Move m : moves.fours) {
    float x[4], y[4];
    std::memcpy(x, to + m.to, sizeof x);
    std::memcpy(y, from + m.from, sizeof y);
    for (unsigned i = 0; i < 4; ++i)
      x[i] = x[i] + y[i];
    std::memcpy(to + m.to, x, sizeof x);
  }
  for (WordMoves::Move m : moves.ones)
    to[m.to] = to[m.to] + from[m.from];
}

void fetta::copyWords(float *to, const float *from, const WordMoves &moves) {
  for (WordMoves::Move m : moves.fours)
    std::memcpy(to + m.to, from + m.from, 4 * sizeof(float));
  for (WordMoves::Move m : moves.ones)
    to[m.to] = from[m.from];
}

void fetta::roundWords(uint16_t *out, const float *words, const uint8_t *valid,
                       size_t count) {
  for (size_t i = 0; i < count; ++i) {
    uint16_t word = floatToBF16(words[i]);
    out[i] = valid[i] ? word : out[i];
  }
}

void fetta::splitWords(uint16_t *high, uint16_t *low, const float *words,
                       const uint8_t *valid, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    uint32_t bits = floatToBits(canonicalizeNaN(words[i]));
    high[i] = valid[i] ? uint16_t(bits >> 16) : high[i];
    low[i] = valid[i] ? uint16_t(bits) : low[i];
  }
}
