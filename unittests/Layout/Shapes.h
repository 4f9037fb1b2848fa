//===- Shapes.h - Enumeration of small layouts ------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// All packed layouts of small shapes, and all indices of a shape.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_UNITTESTS_LAYOUT_SHAPES_H
#define FETTA_UNITTESTS_LAYOUT_SHAPES_H

#include "fetta/Layout/Layout.h"

#include <algorithm>
#include <functional>
#include <numeric>
#include <vector>

namespace fetta::shapes {

/// Calls fn for every index, row-major.
inline void
forEachIndex(llvm::ArrayRef<DimLayout> dims,
             const std::function<void(llvm::ArrayRef<int64_t>)> &fn) {
  llvm::SmallVector<int64_t, 6> index(dims.size(), 0);
  while (true) {
    fn(index);
    int d = int(dims.size()) - 1;
    while (d >= 0 && ++index[d] == dims[d].size)
      index[d--] = 0;
    if (d < 0)
      return;
  }
}

/// Calls fn for every assignment of low bits to `bankBits` bank bits and every
/// row order, for exactly these sizes.
inline void forEachPackedOf(llvm::ArrayRef<int64_t> sizes, unsigned bankBits,
                            const std::function<void(const Layout &)> &fn) {
  unsigned n = unsigned(sizes.size());
  // A bank bit holds the next bit of a dimension (0..n-1) or a constant;
  // permutations of the bits of one dimension come in through reversal.
  unsigned choices = n + 1, total = 1;
  for (unsigned j = 0; j < bankBits; ++j)
    total *= choices;
  for (unsigned code = 0; code < total; ++code)
    for (bool descending : {false, true}) {
      std::vector<BankBit> banks;
      std::vector<unsigned> used(n, 0), seen(n, 0);
      for (unsigned j = 0, rest = code; j < bankBits; ++j, rest /= choices)
        if (rest % choices < n)
          ++used[rest % choices];
      for (unsigned j = 0, rest = code; j < bankBits; ++j, rest /= choices) {
        unsigned d = rest % choices;
        if (d == n) {
          banks.push_back({std::nullopt, j % 2 == 1});
          continue;
        }
        unsigned bit = seen[d]++;
        banks.push_back(
            {ModeBit{d, descending ? used[d] - 1 - bit : bit}, false});
      }
      std::vector<unsigned> order(n);
      std::iota(order.begin(), order.end(), 0);
      do
        fn(Layout::packed(sizes, banks, order));
      while (std::next_permutation(order.begin(), order.end()));
    }
}

/// The same for all sizes from 1 to the given ones.
inline void forEachPacked(llvm::ArrayRef<int64_t> largest, unsigned bankBits,
                          const std::function<void(const Layout &)> &fn) {
  llvm::SmallVector<DimLayout, 6> dims;
  for (int64_t size : largest)
    dims.push_back({size, 0, 0});
  forEachIndex(dims, [&](llvm::ArrayRef<int64_t> index) {
    llvm::SmallVector<int64_t, 6> sizes;
    for (int64_t i : index)
      sizes.push_back(i + 1);
    forEachPackedOf(sizes, bankBits, fn);
  });
}

} // namespace fetta::shapes

#endif // FETTA_UNITTESTS_LAYOUT_SHAPES_H
