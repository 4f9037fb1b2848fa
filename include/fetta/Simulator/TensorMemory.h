//===- TensorMemory.h - The slabs of tensor memory --------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Words of tensor memory with a shadow bit each that says whether the word
/// was written, and the packing of host arrays by their layouts
/// (docs/Machine.md, section 2).
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_SIMULATOR_TENSORMEMORY_H
#define FETTA_SIMULATOR_TENSORMEMORY_H

#include "fetta/Program/Program.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/Error.h"

#include <cstdint>
#include <vector>

namespace fetta {

class TensorMemory {
public:
  /// All words hold zero and count as never written.
  explicit TensorMemory(const Machine &machine);

  /// Whether slab and (physical) row exist.
  bool contains(int64_t slab, int64_t row) const {
    return slab >= 0 && slab < slabs && row >= 0 && row < rows;
  }
  /// Words of a row: machine.lanes() of them. The row must exist.
  uint16_t *row(int64_t slab, int64_t row) {
    return words.data() + offset(slab, row);
  }
  const uint16_t *row(int64_t slab, int64_t row) const {
    return words.data() + offset(slab, row);
  }
  /// 1 for each word of the row that was written.
  uint8_t *written(int64_t slab, int64_t row) {
    return shadow.data() + offset(slab, row);
  }
  const uint8_t *written(int64_t slab, int64_t row) const {
    return shadow.data() + offset(slab, row);
  }

  /// Puts `bits` into every word that was never written, without marking it:
  /// a program whose values change by that reads what nobody wrote.
  void poison(uint16_t bits);

  /// Packs an array (row-major in the tensor's shape) by the tensor's layout.
  /// BF16 tensors take values rounded to nearest even. Errors: wrong number of
  /// values, rows outside the memory.
  llvm::Error store(const TensorEntry &tensor, llvm::ArrayRef<float> values);
  /// The inverse; BF16 words become floats exactly. A word that was never
  /// written is an error that names its index.
  llvm::Expected<std::vector<float>> load(const TensorEntry &tensor) const;

private:
  size_t offset(int64_t slab, int64_t row) const {
    return size_t((slab * rows + row) * lanes);
  }
  /// Calls `visit(element, physical row, bank)` in row-major order.
  template <typename Visit>
  llvm::Error forEachElement(const TensorEntry &tensor, Visit visit) const;

  int64_t slabs, rows, lanes;
  std::vector<uint16_t> words;
  std::vector<uint8_t> shadow;
};

} // namespace fetta

#endif // FETTA_SIMULATOR_TENSORMEMORY_H
