//===- Npy.h - Arrays in NumPy's .npy format --------------------*- C++ -*-===//
//
// Part of the Fetta project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Reads and writes .npy, in which every tool takes and gives arrays. Format:
/// https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html,
/// versions 1.0 to 3.0; little-endian and C order only, as the machines are.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_SUPPORT_NPY_H
#define FETTA_SUPPORT_NPY_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/raw_ostream.h"
#include <cstdint>
#include <string>
#include <vector>

namespace fetta {

/// Element types. NumPy has no bfloat16: raw bfloat16 travels as U16.
enum class NpyType {
  Bool,
  I8,
  U8,
  I16,
  U16,
  I32,
  U32,
  I64,
  U64,
  F16,
  F32,
  F64
};

/// Bytes of one element.
unsigned getNpyTypeSize(NpyType type);
/// NumPy's name of the type, e.g. `float32`.
llvm::StringRef getNpyTypeName(NpyType type);

/// A dense array: row-major, elements little-endian.
struct NpyArray {
  NpyType type = NpyType::F32;
  /// Empty for a scalar; sizes of 0 are allowed.
  llvm::SmallVector<int64_t> shape;
  /// Product of the shape times getNpyTypeSize(type).
  std::vector<uint8_t> bytes;

  /// An array of float32. \p values has as many elements as \p shape.
  static NpyArray fromFloats(llvm::ArrayRef<int64_t> shape,
                             llvm::ArrayRef<float> values);
  /// Raw bfloat16 (or any uint16). The same rule for sizes.
  static NpyArray fromUInt16(llvm::ArrayRef<int64_t> shape,
                             llvm::ArrayRef<uint16_t> values);

  /// Raw bfloat16 as float32, or as uint16 with \p raw. The same rule again.
  static NpyArray fromBF16(llvm::ArrayRef<int64_t> shape,
                           llvm::ArrayRef<uint16_t> values, bool raw = false);

  int64_t getNumElements() const;

  /// The elements of a float32 or float64 array, the latter rounded to
  /// nearest; any other type is an error that names it. \p name stands for
  /// the array in messages.
  llvm::Expected<std::vector<float>> toFloats(llvm::StringRef name) const;
  /// The elements as raw bfloat16: float32 and float64 are rounded (float64 to
  /// float32 first), or with \p raw the array must be uint16 and holds the
  /// bits.
  llvm::Expected<std::vector<uint16_t>> toBF16(llvm::StringRef name,
                                               bool raw = false) const;
  /// The elements of a uint16 array; any other type is an error.
  llvm::Expected<std::vector<uint16_t>> toUInt16(llvm::StringRef name) const;
};

/// `3x4`, or `scalar` for an empty shape; for messages.
std::string formatShape(llvm::ArrayRef<int64_t> shape);

/// Parses the bytes of a .npy file. \p name stands for it in messages. Errors:
/// no .npy, unknown version, malformed header, Fortran order, big-endian or
/// unsupported type, sizes beyond 63 bits, fewer or more bytes than the shape
/// needs.
llvm::Expected<NpyArray> parseNpy(llvm::StringRef contents,
                                  llvm::StringRef name);

/// Reads a file (`-` is standard input).
llvm::Expected<NpyArray> readNpy(llvm::StringRef path);

/// An error that shows both shapes unless \p array has the shape \p expected.
llvm::Error checkNpyShape(const NpyArray &array,
                          llvm::ArrayRef<int64_t> expected,
                          llvm::StringRef name);

/// Writes version 1.0 (2.0 where the header is too long for it), with the data
/// aligned to 64 bytes.
void writeNpy(const NpyArray &array, llvm::raw_ostream &os);

/// Writes a file as writeOutputFile() does.
llvm::Error writeNpyFile(const NpyArray &array, llvm::StringRef path);

} // namespace fetta

#endif // FETTA_SUPPORT_NPY_H
