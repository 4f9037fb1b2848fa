//===- Front.cpp - Points that nothing beats ------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Sweep/Front.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Sequence.h"

#include <map>

using namespace fetta;

std::vector<bool> fetta::paretoFront(llvm::ArrayRef<FrontFigures> points) {
  std::vector<size_t> order(points.size());
  for (size_t i = 0; i < order.size(); ++i)
    order[i] = i;
  llvm::sort(order, [&](size_t a, size_t b) {
    return std::tie(points[a], a) < std::tie(points[b], b);
  });
  std::vector<bool> front(points.size(), false);
  // Of the points so far, which are no larger in the first figure: the smallest
  // third figure for a second figure up to the key. Falls from key to key.
  std::map<double, double> stairs;
  for (size_t begin = 0, end; begin < order.size(); begin = end) {
    const FrontFigures &point = points[order[begin]];
    for (end = begin; end < order.size() && points[order[end]] == point; ++end)
      ;
    auto next = stairs.upper_bound(point[1]);
    if (next != stairs.begin() && std::prev(next)->second <= point[2])
      continue;
    for (size_t i = begin; i < end; ++i)
      front[order[i]] = true;
    while (next != stairs.end() && next->second >= point[2])
      next = stairs.erase(next);
    stairs[point[1]] = point[2];
  }
  return front;
}
