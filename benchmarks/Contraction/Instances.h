//===- Instances.h - Networks to measure the search on ----------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Tensorized layers in four phases, and networks of the kinds that other
/// projects are measured on, all of at most 20 tensors: exact search is what
/// they are for.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_BENCHMARKS_CONTRACTION_INSTANCES_H
#define FETTA_BENCHMARKS_CONTRACTION_INSTANCES_H

#include <string>
#include <vector>

namespace fetta::bench {

/// An einsum with sizes, both as fetta-path reads them.
struct Instance {
  std::string name, einsum, sizes;
};

/// The same on every machine: random ones have fixed seeds.
std::vector<Instance> makeInstances();

/// The 72 weights of a transformer of 12 layers: query, key, value and output
/// projections as TT, two feed-forward ones as TT of other shapes.
std::vector<Instance> makeTransformer();

/// Twelve layers, no two alike: TT and TTM of six ranks.
std::vector<Instance> makeDifferentLayers();

} // namespace fetta::bench

#endif // FETTA_BENCHMARKS_CONTRACTION_INSTANCES_H
