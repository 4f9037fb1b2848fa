//===- NestClasses.h - Contractions that differ in places only --*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// A sliced program runs few nests many times, at other rows each time. What
/// does not depend on slabs and base rows is found and checked once for all
/// nests of a class.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_LIB_PROGRAM_NESTCLASSES_H
#define FETTA_LIB_PROGRAM_NESTCLASSES_H

#include "Footprint.h"

namespace fetta {

/// What legal nests that are equal but for slabs and base rows share.
struct NestClass {
  std::array<uint32_t, 3> footprints; ///< Of A, B, C.
  uint32_t sums =
      0; ///< Footprint of the sums that it goes on from, if it does.
};

class NestClasses {
public:
  NestClasses(const Machine &machine, Footprints &footprints)
      : machine(machine), footprints(footprints) {}

  /// The class of a nest; all rules of a nest are checked, those that do not
  /// depend on its places for the first of a class only. Errors are those of
  /// verifyNest.
  llvm::Expected<uint32_t> classOf(const Nest &nest);
  const NestClass &operator[](uint32_t number) const { return classes[number]; }

private:
  bool fits(const Nest &nest, const NestClass &known) const;
  std::optional<uint32_t> guess(const Nest &nest) const;

  const Machine &machine;
  Footprints &footprints;
  /// Classes by what their nests have in common.
  llvm::DenseMap<uint64_t, llvm::SmallVector<uint32_t, 1>> byHash;
  std::vector<NestClass> classes;
  std::deque<Nest> firsts; ///< Of each class, the first.
  /// Slices have the same classes in the same order: of each class, the one
  /// that came behind it.
  std::vector<uint32_t> next;
  uint32_t last = 0;
};

} // namespace fetta

#endif // FETTA_LIB_PROGRAM_NESTCLASSES_H
