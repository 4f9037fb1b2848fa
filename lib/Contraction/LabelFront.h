//===- LabelFront.h - Sets of undominated labels ----------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// What dynamic programming over several objectives keeps for each set of
/// tensors: the ways of contracting it of which none is worse than another in
/// every coordinate, with the way back to the parts they were made of.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_LIB_CONTRACTION_LABELFRONT_H
#define FETTA_LIB_CONTRACTION_LABELFRONT_H

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace fetta {

/// One way of contracting a set; all coordinates are to be small.
template <size_t K> struct Label {
  std::array<double, K> value = {};
  uint32_t split = 0;             ///< The first half; 0 for a single tensor.
  uint32_t first = 0, second = 0; ///< Labels of the halves.
  uint8_t choice = 0;             ///< What else was decided.

  bool dominates(const Label &other, double factor = 1) const {
    for (size_t k = 0; k < K; ++k)
      if (value[k] > factor * other.value[k])
        return false;
    return true;
  }
};

/// With a factor above 1 a label is also turned away if one that is there is at
/// most that much worse in every coordinate. Only labels that are dominated in
/// the strict sense are ever removed again, so factors do not multiply within
/// one front; from sets to the sets made of them they do.
template <size_t K> class Front {
public:
  bool insert(const Label<K> &label, double factor) {
    for (size_t k = 0; k < labels.size(); ++k)
      if (labels[k].dominates(label, factor)) {
        // Who turned one away is likely to turn the next one away.
        if (k != 0)
          std::swap(labels[k], labels[k / 2]);
        return false;
      }
    size_t kept = 0;
    for (size_t k = 0; k < labels.size(); ++k)
      if (!label.dominates(labels[k]))
        labels[kept++] = labels[k];
    labels.resize(kept);
    labels.push_back(label);
    return true;
  }

  size_t size() const { return labels.size(); }
  bool empty() const { return labels.empty(); }
  const Label<K> &operator[](size_t k) const { return labels[k]; }
  auto begin() const { return labels.begin(); }
  auto end() const { return labels.end(); }

private:
  std::vector<Label<K>> labels;
};

} // namespace fetta

#endif // FETTA_LIB_CONTRACTION_LABELFRONT_H
