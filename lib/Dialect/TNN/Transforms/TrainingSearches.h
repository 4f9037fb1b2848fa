//===- TrainingSearches.h - Training trees that are known -------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// A pipeline orders one layer in several ways, of which some ask for the same
/// training tree: it is searched once.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_LIB_DIALECT_TNN_TRANSFORMS_TRAININGSEARCHES_H
#define FETTA_LIB_DIALECT_TNN_TRANSFORMS_TRAININGSEARCHES_H

#include "fetta/Contraction/TrainingSearch.h"
#include "llvm/Support/raw_ostream.h"

#include <map>
#include <mutex>
#include <string>

namespace fetta::tnn {

/// Sizes and structure of a network and what is wanted of it, for keys; names
/// decide nothing.
void writeKey(llvm::raw_ostream &os, const ClosedNetwork &network,
              const TrainingGoal &goal);

/// What all copies of a pass have found so far.
class TrainingSearches {
public:
  /// As searchTraining, with the same errors. \p options: with the default
  /// heuristic.
  llvm::Expected<TrainingResult> search(const ClosedNetwork &network,
                                        const TrainingGoal &goal,
                                        const TrainingOptions &options);

private:
  std::mutex mutex;
  std::map<std::string, TrainingResult> known; ///< By all that decides it.
};

} // namespace fetta::tnn

#endif // FETTA_LIB_DIALECT_TNN_TRANSFORMS_TRAININGSEARCHES_H
