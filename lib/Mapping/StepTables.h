//===- StepTables.h - One step on many layouts ------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// The cost model asks for a step on all layouts of its three tensors, and for
/// thousands of steps of a search. Most of them are alike: what they have in
/// common is worked out once.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_LIB_MAPPING_STEPTABLES_H
#define FETTA_LIB_MAPPING_STEPTABLES_H

#include "StepForm.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/Hashing.h"
#include "llvm/ADT/StringMap.h"

#include <deque>

namespace fetta::mapping {

/// A group of modes on lanes.
struct GroupSpread {
  double size = 1; ///< Product of its modes.
  LaneSpread plain;
  /// On PE rows, with A or B streamed; empty where that cannot be.
  std::array<std::vector<LaneSpread>, 2> rows;
};

/// Groups by number, and what steps on them cost, for all steps of a model.
/// Groups of other modes that come to the same have one number.
class StepCases {
public:
  explicit StepCases(const StepForm &form) : form(form) {}

  /// By number: free modes of A and of B, reduced ones, batch.
  struct Case {
    std::array<unsigned, 4> groups;
    double resultRows;
    bool operator==(const Case &o) const {
      return groups == o.groups && resultRows == o.resultRows;
    }
  };

  /// The number of a group with \p key, all that decides what \p make returns.
  template <typename Make> unsigned number(llvm::StringRef key, Make make) {
    auto [it, isNew] = numbers.try_emplace(key, 0);
    if (isNew)
      it->second = intern(make());
    return it->second;
  }
  /// The best lanes.
  StepEstimate minimize(const Case &step) const;
  /// Their latency and energy, remembered.
  Price price(const Case &step);

private:
  unsigned intern(GroupSpread group);

  struct CaseInfo {
    static Case getEmptyKey() { return {{~0u, 0, 0, 0}, 0}; }
    static Case getTombstoneKey() { return {{~1u, 0, 0, 0}, 0}; }
    static unsigned getHashValue(const Case &step) {
      const auto &g = step.groups;
      return unsigned(llvm::hash_combine(
          g[0], g[1], g[2], g[3], llvm::bit_cast<uint64_t>(step.resultRows)));
    }
    static bool isEqual(const Case &a, const Case &b) { return a == b; }
  };

  const StepForm &form;
  llvm::StringMap<unsigned> numbers;
  llvm::StringMap<unsigned> contents;
  std::deque<GroupSpread> groups;
  llvm::DenseMap<Case, Price, CaseInfo> prices;
};

/// One step on many layouts.
class StepTables {
public:
  StepTables(const StepForm &form, StepCases &cases, double lanes,
             const StepModes &modes);

  /// Layouts by their numbers, and what they are; null: free.
  StepCases::Case caseOf(std::array<unsigned, 3> numbers,
                         const std::array<const LayoutClass *, 3> &given);

private:
  enum Group { FreeA, FreeB, Reduced, Batch };
  /// A layout of an operand.
  struct View {
    /// Bits of every mode that may lie on lanes; all of what it does not hold.
    llvm::SmallVector<uint8_t, 8> low;
    double rows = 1; ///< Of the result.
    /// The first layouts that are equal on a group.
    std::array<unsigned, 4> alike = {};
  };

  void meet(unsigned id, unsigned number, const LayoutClass *given);
  unsigned find(Group group, const std::array<const View *, 3> &seen) const;

  const StepForm &form;
  StepCases &cases;
  double lanes;
  const StepModes &modes;
  llvm::SmallVector<Group, 8> groupOf;
  std::array<double, 4> sizes = {1, 1, 1, 1};
  std::array<std::array<View, CostModel::maxLayouts>, 3> views;
  /// Of a group, by the layouts of the two tensors that hold it: 1 + number.
  std::array<
      std::array<unsigned, CostModel::maxLayouts * CostModel::maxLayouts>, 3>
      pairs = {};
  unsigned batch = 0; ///< Likewise, of the last case.
};

} // namespace fetta::mapping

#endif // FETTA_LIB_MAPPING_STEPTABLES_H
