//===- BFloat16.h - Conversion between bfloat16 and float -------*- C++ -*-===//
//
// Part of the Fetta project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// The one definition of rounding to bfloat16: to nearest, ties to even,
/// subnormals kept, overflow to infinity, every NaN made canonical. Written in
/// integers so that neither host instructions nor runtime libraries, which
/// flush subnormals or are missing in places, decide the result.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_SUPPORT_BFLOAT16_H
#define FETTA_SUPPORT_BFLOAT16_H

#include <cstdint>

namespace fetta {

/// The NaN that leaves accumulators and vector unit.
inline constexpr uint16_t canonicalNaNBF16 = 0x7FC0;
inline constexpr uint32_t canonicalNaNF32 = 0x7FC00000;

constexpr uint32_t floatToBits(float value) {
  return __builtin_bit_cast(uint32_t, value);
}
constexpr float bitsToFloat(uint32_t bits) {
  return __builtin_bit_cast(float, bits);
}

/// True for every NaN, quiet or signalling, of either sign.
constexpr bool isNaNBits(uint32_t bits) {
  return (bits & 0x7FFFFFFF) > 0x7F800000;
}

/// \p value, with any NaN replaced by the canonical one.
constexpr float canonicalizeNaN(float value) {
  return isNaNBits(floatToBits(value)) ? bitsToFloat(canonicalNaNF32) : value;
}

/// The bfloat16 nearest to \p value as its 16 bits.
constexpr uint16_t floatToBF16(float value) {
  uint32_t bits = floatToBits(value);
  if (isNaNBits(bits))
    return canonicalNaNBF16;
  // Adds just under half of the last kept place, and the rest of the half when
  // that place is odd; a carry out of the mantissa moves to the next binade.
  return static_cast<uint16_t>((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
}

/// Exact: a bfloat16 is the upper half of a float. NaN payloads are kept.
constexpr float bf16ToFloat(uint16_t bits) {
  return bitsToFloat(static_cast<uint32_t>(bits) << 16);
}

/// \p value rounded to a float that bfloat16 can hold.
constexpr float roundToBF16(float value) {
  return bf16ToFloat(floatToBF16(value));
}

} // namespace fetta

#endif // FETTA_SUPPORT_BFLOAT16_H
