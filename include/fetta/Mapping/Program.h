//===- Program.h - Contractions that are mapped together --------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// The joint mapper: one layout for each value of a program, chosen together
/// with the mappings of all contractions that write or read it, so that no
/// access conflicts wherever that is possible (docs/Mapping.md).
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_MAPPING_PROGRAM_H
#define FETTA_MAPPING_PROGRAM_H

#include "fetta/Mapping/Mapping.h"

#include <vector>

namespace fetta {

/// Contractions and the tensors that they share, in program order.
struct ProgramSpec {
  struct Value {
    /// The shape that its layout is over. Contractions may see it under any
    /// shape whose dimensions merge neighbours of this one (commonShape).
    llvm::SmallVector<int64_t, 8> sizes;
    std::optional<Layout> layout; ///< Fixed by the caller.
    /// Values with the same group get the same layout. Values that play the
    /// same part in the program, such as slices of one tensor, do so of their
    /// own accord.
    std::optional<unsigned> group;
  };
  struct Step {
    /// Its layouts are ignored; those of the values count.
    ContractionSpec contraction;
    std::array<unsigned, 3> values = {0, 0, 0}; ///< Of A, B and C.
  };
  std::vector<Value> values;
  std::vector<Step> steps;
};

/// Who chooses the layouts.
enum class LayoutChoice : uint8_t {
  Joint,    ///< All contractions together.
  Separate, ///< The first contraction that touches a value.
};

struct ProgramOptions {
  LayoutChoice layouts = LayoutChoice::Joint;
};

struct MappedProgram {
  std::vector<MappedContraction> steps; ///< Layouts over the steps' shapes.
  std::vector<Layout> layouts;          ///< By value, over its sizes.
  /// Accesses that lack a spatial bit, over all operands of all steps.
  unsigned conflicts = 0;
  /// Sum over the steps of what the array is taken for: beats, conflicts,
  /// reload and drain-busy.
  int64_t occupancy = 0;
  /// The same sum if every step had the layouts that suit it best, and the
  /// mapping of the least occupancy. Joint only.
  int64_t occupancyBound = 0;
  /// Work of the joint search: contractions that differ, mappings that were
  /// weighed for them, partial programs that were looked at.
  unsigned classes = 0;
  int64_t candidates = 0, states = 0;
};

/// Maps a program. Deterministic. Errors name the step: what mapContraction
/// refuses, values that do not exist or have another shape, a view that no
/// layout of its value allows. With \p failedStep the number of that step is
/// returned, too.
llvm::Expected<MappedProgram> mapProgram(const ProgramSpec &program,
                                         const Machine &machine,
                                         const ProgramOptions &options = {},
                                         unsigned *failedStep = nullptr);

/// The coarsest shape of which both `a` and `b` merge neighbours: (8, 24) and
/// (4, 2, 24) give (4, 2, 24). None if there is no such shape, as for (3, 5)
/// and (5, 3).
std::optional<llvm::SmallVector<int64_t, 8>>
commonShape(llvm::ArrayRef<int64_t> a, llvm::ArrayRef<int64_t> b);

} // namespace fetta

#endif // FETTA_MAPPING_PROGRAM_H
