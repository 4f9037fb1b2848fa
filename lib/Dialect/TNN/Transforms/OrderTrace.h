//===- OrderTrace.h ---------------------------------------------*- C++ -*-===//
//
// Part of Fetta, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Why the contractions of a function are ordered as they are: which trees were
/// there to choose from, what each would cost, and how far the choice is known
/// to be the best. One file for all functions of a module, which passes may
/// order at the same time.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_LIB_DIALECT_TNN_TRANSFORMS_ORDERTRACE_H
#define FETTA_LIB_DIALECT_TNN_TRANSFORMS_ORDERTRACE_H

#include "fetta/Contraction/FixedOrder.h"
#include "fetta/Contraction/TrainingPlan.h"

#include "llvm/Support/JSON.h"
#include <map>
#include <mutex>

namespace fetta::tnn {

/// A family of einsums and what was decided for it.
struct OrderDecision {
  std::string einsum;
  ContractionOrder order;
  const ClosedNetwork &network;
  const TrainingGoal &goal;
  const TrainingOptions &options;
  const TrainingTree &chosen;
  const SharedPlan &plan;
  /// A lower bound on one phase, where a search was made.
  std::optional<Cost> lowerBound;
  bool proven;
  std::string reason; ///< Why not proven; else empty.
};

/// The decision, its steps, and other orders that could have been taken.
llvm::json::Value traceDecision(const OrderDecision &decision);

/// What all copies of a pass have found so far.
class OrderTrace {
public:
  /// Takes the decisions of a function and writes the file anew, functions in
  /// order of their names: it is whole at any time, and the same whichever
  /// function comes last.
  llvm::Error add(llvm::StringRef path, llvm::StringRef function,
                  llvm::json::Array decisions);

private:
  std::mutex mutex;
  std::map<std::string, llvm::json::Array> functions;
};

} // namespace fetta::tnn

#endif // FETTA_LIB_DIALECT_TNN_TRANSFORMS_ORDERTRACE_H
