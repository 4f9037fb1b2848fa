//===- MemoryProfile.h - Live elements of a subtree -------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// The peak of a vertex from the peaks of its two sides, for every order that
/// finishes one side before it begins the other. The forward half is Sethi and
/// Ullman's rule (1970); the backward half is its counterpart for gradients.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_LIB_CONTRACTION_MEMORYPROFILE_H
#define FETTA_LIB_CONTRACTION_MEMORYPROFILE_H

#include <algorithm>

namespace fetta {

/// A set of tensors in one tree. Elements; leaves of the network are not
/// counted, but gradients of leaves are.
struct MemoryProfile {
  double value = 0;    ///< Of its forward result; 0 for a leaf.
  double gradient = 0; ///< Of the adjoint of that; a leaf has one, too.
  bool wanted = false; ///< A leaf within has a gradient.
  double results = 0;  ///< Of all gradients of leaves within.
  /// Kept from the forward to the backward pass strictly below.
  double stored = 0;
  double forwardPeak = 0;
  /// From where its adjoint has been made to where all gradients of leaves
  /// within have; both included, and what is stored below.
  double backwardPeak = 0;
};

/// Which side is evaluated first, and what that costs.
struct ForwardOrder {
  double peak;
  bool secondFirst;
};

/// \p keepsA, \p keepsB: whether the values stay for the backward pass; they
/// are alive while the other side is evaluated in any case.
inline ForwardOrder orderForward(const MemoryProfile &a, const MemoryProfile &b,
                                 double result) {
  double aFirst = std::max(a.forwardPeak, a.value + a.stored + b.forwardPeak);
  double bFirst = std::max(b.forwardPeak, b.value + b.stored + a.forwardPeak);
  double step = a.value + a.stored + b.value + b.stored + result;
  return {std::max(std::min(aFirst, bFirst), step), bFirst < aFirst};
}

/// How a vertex with gradients on both sides goes about them.
struct BackwardOrder {
  double peak;
  bool makesSecondFirst = false; ///< The adjoint of b before that of a.
  /// The first side is finished before the other adjoint is made.
  bool isDeep = false;
  bool entersSecondFirst = false; ///< Of two adjoints made, b's is used first.
};

/// \p adjoint is that of the vertex itself (0 if it is an input); \p keptA and
/// \p keptB are the values of the sides that are there.
inline BackwardOrder orderBackward(const MemoryProfile &a,
                                   const MemoryProfile &b, double adjoint,
                                   double keptA, double keptB) {
  double start = adjoint + keptA + keptB + a.stored + b.stored;
  if (!a.wanted || !b.wanted) {
    const MemoryProfile &side = a.wanted ? a : b;
    return {std::max(start + side.gradient, side.backwardPeak), !a.wanted};
  }
  // Both adjoints, then one side after the other.
  double enterA = std::max(b.gradient + b.stored + a.backwardPeak,
                           a.results + b.backwardPeak);
  double enterB = std::max(a.gradient + a.stored + b.backwardPeak,
                           b.results + a.backwardPeak);
  BackwardOrder best{0};
  bool isFirst = true;
  auto offer = [&](BackwardOrder order) {
    if (isFirst || order.peak < best.peak)
      best = order;
    isFirst = false;
  };
  for (bool second : {false, true}) {
    const MemoryProfile &x = second ? b : a, &y = second ? a : b;
    double keptX = second ? keptB : keptA;
    // y's value is free once x's adjoint is there; x's value is not.
    double made = start + x.gradient;
    double bothMade =
        adjoint + keptX + a.stored + b.stored + a.gradient + b.gradient;
    offer({std::max({made, bothMade, std::min(enterA, enterB)}), second, false,
           enterB < enterA});
    double inside = adjoint + keptX + y.stored + x.backwardPeak;
    double then = x.results + adjoint + keptX + y.stored + y.gradient;
    offer({std::max({made, inside, then, x.results + y.backwardPeak}), second,
           true, second});
  }
  return best;
}

} // namespace fetta

#endif // FETTA_LIB_CONTRACTION_MEMORYPROFILE_H
