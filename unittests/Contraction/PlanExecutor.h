//===- PlanExecutor.h - Runs plans on numbers -------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Executes the steps of a plan on arrays by their definition, counts
/// multiply-adds as they are done and elements as they come and go. It takes
/// nothing from a plan but operands, phases and leaves.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_UNITTESTS_CONTRACTION_PLANEXECUTOR_H
#define FETTA_UNITTESTS_CONTRACTION_PLANEXECUTOR_H

#include "fetta/Contraction/TrainingPlan.h"

#include <map>
#include <random>

namespace fetta::test {

/// Values over the indices, in their order, first index slowest.
struct Array {
  IndexList indices;
  std::vector<double> data;
};

class PlanExecutor {
public:
  PlanExecutor(const ClosedNetwork &network, const SharedPlan &plan,
               const TrainingGoal &goal, uint64_t seed);

  /// Runs everything; false: a value that is read is not there, or the results
  /// are not those of direct summation.
  bool run();

  uint64_t multiplyAdds = 0;
  uint64_t peak = 0; ///< Of elements of results.
  /// Elements alive between forward pass and gradients in the first repeat,
  /// without the output: of results that depend on X, and of others.
  uint64_t storedActivations = 0, storedWeights = 0;
  uint64_t accumulations = 0; ///< Elements added to what was there.
  std::string problem;

private:
  /// 0: before the repeats, 1: in each, 2: after them.
  int timeOf(unsigned number) const;
  /// Made before the repeats: it stays until all of them are over.
  bool staysForRepeats(unsigned value, unsigned reader) const;
  bool execute(unsigned number);
  void contract(const Array &a, const Array &b, Array &to);
  uint64_t size(llvm::ArrayRef<unsigned> indices) const;
  Array makeLeaf(unsigned leaf);
  Array sumDirectly(unsigned root) const;
  bool compare(const Array &got, const Array &expected, unsigned leaf);

  const ClosedNetwork &network;
  const SharedPlan &plan;
  TrainingGoal goal;
  std::mt19937_64 random;
  unsigned n;
  std::vector<LeafSet> sets;
  std::vector<bool> repeated, summed, isResult;
  std::vector<unsigned> readsLeft;
  std::map<unsigned, Array> live; ///< Leaves, too.
  uint64_t alive = 0;
};

} // namespace fetta::test

#endif // FETTA_UNITTESTS_CONTRACTION_PLANEXECUTOR_H
