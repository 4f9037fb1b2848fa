//===- Views.cpp - Shapes of one value ------------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "JointSearch.h"
#include "fetta/Mapping/Program.h"

#include "llvm/ADT/STLExtras.h"

#include <algorithm>
#include <array>

using namespace fetta;
using llvm::ArrayRef;
using llvm::SmallVector;

using Shape = SmallVector<int64_t, 8>;

std::optional<SmallVector<int64_t, 8>> fetta::commonShape(ArrayRef<int64_t> a,
                                                          ArrayRef<int64_t> b) {
  if (a == b)
    return Shape(a.begin(), a.end());
  // Cuts between dimensions, by the number of elements inside; they have to
  // divide each other.
  SmallVector<int64_t, 16> cuts;
  int64_t products[2];
  for (auto [i, shape] : llvm::enumerate(std::array{a, b})) {
    int64_t product = 1;
    for (int64_t size : llvm::reverse(shape))
      cuts.push_back(product *= size);
    products[i] = product;
  }
  if (products[0] != products[1])
    return std::nullopt;
  llvm::sort(cuts);
  Shape shape;
  int64_t inside = 1;
  for (int64_t cut : cuts) {
    if (cut % inside != 0)
      return std::nullopt;
    if (cut != inside)
      shape.push_back(cut / inside);
    inside = cut;
  }
  std::reverse(shape.begin(), shape.end());
  return shape;
}

std::optional<SmallVector<SmallVector<unsigned, 2>, 8>>
mapping::mergedDims(ArrayRef<int64_t> shape, ArrayRef<int64_t> view) {
  SmallVector<SmallVector<unsigned, 2>, 8> merged(view.size());
  size_t d = 0;
  if (shape == view) {
    for (; d < view.size(); ++d)
      merged[d].push_back(unsigned(d));
    return merged;
  }
  for (auto [v, size] : llvm::enumerate(view)) {
    int64_t product = 1;
    for (; product < size && d < shape.size(); ++d) {
      product *= shape[d];
      if (shape[d] > 1)
        merged[v].push_back(unsigned(d));
    }
    if (product != size)
      return std::nullopt;
  }
  for (; d < shape.size(); ++d)
    if (shape[d] != 1)
      return std::nullopt;
  return merged;
}
