//===- RowPermutation.cpp - A whole row through a distribution ------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RowPermutation.h"

#include "llvm/Support/ErrorHandling.h"

#ifdef __x86_64__
// GCC 12 takes registers that its header leaves undefined on purpose for
// forgotten ones.
#pragma GCC diagnostic push
#ifndef __clang__
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <immintrin.h>
#pragma GCC diagnostic pop
#endif

using namespace fetta;

static constexpr size_t LaneBlock = 32, BankBlock = 64;

RowPermutation::RowPermutation(const std::vector<uint16_t> &banks)
    : banks(banks), masks(banks.size() / LaneBlock * banks.size() / BankBlock) {
  size_t bankBlocks = banks.size() / BankBlock;
  for (size_t lane = 0; lane < banks.size(); ++lane)
    masks[lane / LaneBlock * bankBlocks + banks[lane] / BankBlock] |=
        uint32_t(1) << lane % LaneBlock;
}

#ifdef __x86_64__

bool RowPermutation::supported(size_t lanes) {
  static const bool hasWords = __builtin_cpu_supports("avx512bw");
  return hasWords && lanes % BankBlock == 0;
}

__attribute__((target("avx512f,avx512bw"))) void
RowPermutation::apply(float *out, const uint16_t *words) const {
  size_t lanes = banks.size();
  const uint32_t *mask = masks.data();
  for (size_t lane = 0; lane < lanes; lane += LaneBlock) {
    __m512i from = _mm512_loadu_si512(&banks[lane]);
    __m512i block = _mm512_setzero_si512();
    for (size_t bank = 0; bank < lanes; bank += BankBlock, ++mask) {
      if (!*mask)
        continue;
      // The low six bits of a bank choose from the two registers.
      __m512i moved = _mm512_permutex2var_epi16(
          _mm512_loadu_si512(words + bank), from,
          _mm512_loadu_si512(words + bank + LaneBlock));
      block = _mm512_mask_mov_epi16(block, *mask, moved);
    }
    for (unsigned half = 0; half < 2; ++half) {
      __m256i part = half ? _mm512_extracti64x4_epi64(block, 1)
                          : _mm512_castsi512_si256(block);
      _mm512_storeu_si512(out + lane + 16 * half,
                          _mm512_slli_epi32(_mm512_cvtepu16_epi32(part), 16));
    }
  }
}

#else

bool RowPermutation::supported(size_t) { return false; }

void RowPermutation::apply(float *, const uint16_t *) const {
  llvm_unreachable("asked for where it is not supported");
}

#endif
