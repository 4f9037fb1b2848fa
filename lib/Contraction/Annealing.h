//===- Annealing.h - Simulated annealing of contraction trees ---*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Improves a tree by random rotations, each weighed from the index sets of
/// four neighbours alone. Works on logarithms of sizes, so it can start from a
/// tree whose cost exceeds 128 bits; what it ends with is certified elsewhere.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_LIB_CONTRACTION_ANNEALING_H
#define FETTA_LIB_CONTRACTION_ANNEALING_H

#include "fetta/Contraction/Search.h"

namespace fetta {

/// How long and how hot. Temperatures are in units of log2 of the two steps
/// that a rotation changes and fall geometrically from sweep to sweep.
struct AnnealingSchedule {
  uint64_t sweeps; ///< Each proposes as many rotations as the tree has steps.
  double hottest = 1.0, coldest = 0.05;
};

/// A rooted tree whose inner vertices know their indices as bits, one for all
/// indices with equal ends.
class AnnealingTree {
public:
  AnnealingTree(const ClosedNetwork &network, const ContractionTree &tree,
                const Objective &objective);

  /// Anneals, and goes back to the best tree seen after any sweep. False:
  /// stopped by \p stop, the tree is then any.
  bool anneal(const AnnealingSchedule &schedule, uint64_t seed,
              llvm::function_ref<bool()> stop);

  ContractionTree toTree() const;
  /// The objective in floating point, cut at about 2^1000.
  double value() const;

private:
  struct Vertex {
    unsigned lhs = 0, rhs = 0, parent = 0;
    /// log2 of the step's multiply-adds and of its result's elements; the
    /// step's part of the objective.
    double flops = 0, write = 0, cost = 0;
  };

  void rotate(unsigned vertex, bool keepsLeft, double patience);
  void refresh();
  std::vector<unsigned> postOrder() const;
  double stepCost(double flops, double write) const;
  /// log2 of the sizes of some of the indices with numbers 64 * word to
  /// 64 * word + 63.
  double weigh(unsigned word, uint64_t mask) const;
  uint64_t *bitsOf(unsigned vertex) { return &bits[size_t(vertex) * words]; }

  Objective objective;
  unsigned numLeaves, root, top, words = 0;
  std::vector<Vertex> vertices; ///< By value number; leaves have no steps.
  std::vector<uint64_t> bits;   ///< words for each vertex.
  std::vector<double> weights;  ///< log2 of each bit's size.
};

} // namespace fetta

#endif // FETTA_LIB_CONTRACTION_ANNEALING_H
