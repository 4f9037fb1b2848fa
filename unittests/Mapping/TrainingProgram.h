//===- TrainingProgram.h - Training steps of layers -------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// The contractions of a layer's training step, as the joint mapper takes them,
/// from the forward einsum: optimal tree, forward pass, input gradient, then
/// the gradient of every core.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_UNITTESTS_MAPPING_TRAININGPROGRAM_H
#define FETTA_UNITTESTS_MAPPING_TRAININGPROGRAM_H

#include "LayerSuite.h"
#include "TestNetworks.h"
#include "fetta/Contraction/Search.h"
#include "fetta/Contraction/SharedPlan.h"
#include "fetta/Mapping/Program.h"

#include "llvm/ADT/Sequence.h"

#include <string>

namespace fetta::test {

/// `tokens` replaces the size of index a, which counts them in the layer suite.
inline ClosedNetwork makeLayer(const KnownOptimum &layer, int64_t tokens) {
  std::string sizes = layer.sizes;
  size_t end = sizes.find(',');
  sizes = "a=" + std::to_string(tokens) + sizes.substr(end);
  return makeClosed(layer.einsum, sizes);
}

inline ProgramSpec makeTrainingProgram(const ClosedNetwork &network) {
  unsigned leaves = network.numLeaves();
  SearchResult found = must(searchTree(network, leaves - 1));
  llvm::SmallVector<unsigned, 16> roots = {leaves - 1};
  for (unsigned leaf : llvm::seq(leaves - 1))
    roots.push_back(leaf);
  SharedPlan plan =
      must(SharedPlan::create(network, UnrootedTree(found.tree), roots));

  ProgramSpec program;
  std::vector<IndexList> indices;
  auto addValue = [&](IndexList list) {
    ProgramSpec::Value value;
    for (unsigned index : list)
      value.sizes.push_back(network.getIndices()[index].size);
    program.values.push_back(std::move(value));
    indices.push_back(std::move(list));
  };
  for (unsigned leaf : llvm::seq(leaves))
    addValue(network.getLeaves()[leaf]);
  for (const SharedPlan::Step &planned : plan.getSteps()) {
    addValue(network.openIndices(planned.leaves));
    ProgramSpec::Step step;
    step.values = {planned.lhs, planned.rhs, unsigned(indices.size() - 1)};
    IndexList modes;
    for (unsigned id = 0; id < 3; ++id)
      for (unsigned index : indices[step.values[id]]) {
        auto position = unsigned(llvm::find(modes, index) - modes.begin());
        if (position == modes.size()) {
          modes.push_back(index);
          step.contraction.sizes.push_back(network.getIndices()[index].size);
        }
        step.contraction.modes[id].push_back(position);
      }
    program.steps.push_back(std::move(step));
  }
  return program;
}

/// Multiply-adds of all steps.
inline int64_t multiplyAdds(const ProgramSpec &program) {
  int64_t sum = 0;
  for (const ProgramSpec::Step &step : program.steps) {
    int64_t product = 1;
    for (int64_t size : step.contraction.sizes)
      product *= size;
    sum += product;
  }
  return sum;
}

} // namespace fetta::test

#endif // FETTA_UNITTESTS_MAPPING_TRAININGPROGRAM_H
