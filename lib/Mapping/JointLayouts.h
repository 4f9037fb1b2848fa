//===- JointLayouts.h - From a program to its layouts -----------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Prepares the joint search for the contractions of a program, and says how
/// many low bits of every dimension each layout has, and which lanes each
/// contraction should use.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_LIB_MAPPING_JOINTLAYOUTS_H
#define FETTA_LIB_MAPPING_JOINTLAYOUTS_H

#include "JointSearch.h"
#include "LaneCatalog.h"
#include "fetta/Mapping/Program.h"

#include <map>

namespace fetta::mapping {

/// Contractions of a program that are alike: one mapping for all of them.
struct ProgramClass {
  ContractionSpec spec; ///< Without layouts.
  std::array<GroupView, 3> views;
  int64_t count = 0;
  unsigned firstStep = 0;
  std::array<bool, 2> produced = {}; ///< A, B are written by contractions.

  /// What a cycle of latency between contractions is worth, if one of the
  /// array's time is worth 16.
  int64_t latencyWeight = 4;

  CostWeights weights(Dataflow dataflow) const;
  /// `onLayouts` is the spec with what is known of the layouts.
  Problem problem(const ContractionSpec &onLayouts, const Machine &machine,
                  Dataflow dataflow) const;
};

/// The sum over all contractions of what the best mapping of each costs if all
/// layouts are free.
struct LowerBound {
  int64_t occupancy = 0;
  int64_t score = 0;
};

/// Searches for the classes of one program. What was searched for once is
/// known: contractions of equal shape, and those that meet the same layouts
/// again.
class ProgramSearch {
public:
  ProgramSearch(const Machine &machine) : machine(machine), catalogs(machine) {}

  /// The mapping of the best score; null if constraints leave none, which
  /// happens only if sums go on in layouts that do not suit them. Layouts that
  /// are known are those of `spec`, or `lowBits` by operand and mode.
  using LowBitsOfOperands =
      std::array<std::optional<llvm::SmallVector<unsigned, 8>>, 3>;
  const Candidate *best(const ProgramClass &cls, const ContractionSpec &spec,
                        const LowBitsOfOperands &lowBits);

  /// The nest of a candidate that `best` has returned. With equal layouts it is
  /// built once.
  std::shared_ptr<const MappedContraction> nestOf(const ContractionSpec &spec,
                                                  const Problem &problem,
                                                  const Candidate &candidate);

  LowerBound boundOf(llvm::ArrayRef<ProgramClass> classes);

private:
  using Key = llvm::SmallVector<int64_t, 48>;
  static Key keyOf(const ProgramClass &cls, const LowBitsOfOperands &lowBits);

  const Machine &machine;
  LaneCatalogs catalogs;
  std::map<Key, std::optional<Candidate>> known;
  struct Built {
    std::array<llvm::SmallVector<unsigned, 8>, 3> modes;
    std::array<std::optional<Layout>, 3> layouts;
    std::shared_ptr<const MappedContraction> mapping;
  };
  std::map<const Candidate *, std::vector<Built>> nests;
  std::map<Key, int64_t> leastOccupancy;
};

/// A number for each value of a program whose values all exist: values with
/// equal numbers have one shape and play the same part, down to the last
/// contraction that they are connected with.
std::vector<uint64_t> colourValues(const ProgramSpec &program);

struct JointLayouts {
  std::vector<LowBits> layouts; ///< By group; rows are filled.
  /// By class.
  std::vector<std::pair<Dataflow, llvm::SmallVector<LaneShare, 8>>> lanes;
  int64_t candidates = 0, states = 0;
};

JointLayouts chooseLayouts(llvm::ArrayRef<LayoutGroup> groups,
                           llvm::ArrayRef<ProgramClass> classes,
                           const Machine &machine);

/// The layout of every value of a program, from those of the groups; values
/// that no contraction touches are packed.
std::vector<Layout>
layoutsOfValues(const ProgramSpec &program, llvm::ArrayRef<unsigned> groupOf,
                llvm::ArrayRef<std::optional<Layout>> layouts,
                const Machine &machine);

} // namespace fetta::mapping

#endif // FETTA_LIB_MAPPING_JOINTLAYOUTS_H
