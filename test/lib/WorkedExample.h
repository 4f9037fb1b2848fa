//===- WorkedExample.h - Example 1 of docs/Machine.md -----------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Layouts, lanes and loops of worked example 1, given by hand as the document
/// describes them, for the tests that start from it.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_TEST_LIB_WORKEDEXAMPLE_H
#define FETTA_TEST_LIB_WORKEDEXAMPLE_H

#include "fetta/Program/Program.h"

namespace fetta::test {

/// Banks of a row of 256 words from the lowest: `bits` low bits of dimension
/// `dim` for each (dim, bits). Chunks packed, the last of `rowOrder` fastest.
Layout layoutOf(llvm::ArrayRef<int64_t> sizes,
                llvm::ArrayRef<std::pair<unsigned, unsigned>> dimBits,
                llvm::ArrayRef<unsigned> rowOrder);

/// A BF16 tensor whose shape is that of its layout, at row 0.
TensorEntry tensorOf(const char *name, Layout layout, TensorRole role,
                     int64_t slab);

/// `bits` low bits of a mode for each (mode, bits), for lane tables.
llvm::SmallVector<std::optional<ModeBit>, 6>
lanesOf(llvm::ArrayRef<std::pair<unsigned, unsigned>> modeBits);

namespace example1 {
enum : unsigned { B, I0, I1, I2, R }; ///< Modes.
enum : unsigned { B2, I02, R2, S2 };  ///< Of the second step: b, i0, r, s.
Layout layoutOfX();
Layout layoutOfY1(); ///< (b, i0, r)
Layout layoutOfE();  ///< (i1, i2, r)
} // namespace example1

/// Y1 = X E and Y2 = Y1 G, on the machine fetta-edge.
struct ForwardSteps {
  std::vector<TensorEntry> tensors; ///< X, E, Y1, G, Y2.
  std::vector<Nest> nests;
  /// Per nest, tensors of A, B, C.
  std::vector<std::array<uint32_t, 3>> operands = {{0, 1, 2}, {2, 3, 4}};
};
ForwardSteps forwardSteps();

} // namespace fetta::test

#endif // FETTA_TEST_LIB_WORKEDEXAMPLE_H
