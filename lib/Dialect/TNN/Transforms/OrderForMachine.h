//===- OrderForMachine.h ----------------------------------------*- C++ -*-===//
//
// Part of Fetta, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Contraction orders by what a machine makes of them, for the pass that orders
/// contractions: which machine, equal layers once, and what is told about it.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_LIB_DIALECT_TNN_TRANSFORMS_ORDERFORMACHINE_H
#define FETTA_LIB_DIALECT_TNN_TRANSFORMS_ORDERFORMACHINE_H

#include "fetta/Mapping/MachineOrder.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

#include "llvm/Support/JSON.h"

#include <map>
#include <mutex>

namespace fetta::tnn {

/// What all copies of a pass have found so far.
class MachineOrders {
public:
  /// The order for the machine in \p file or, if that is empty, for the one
  /// that is attached to the module around \p function. \p fewestFlops: as in
  /// MachineOrderOptions, the same for equal networks. Errors: no machine; a
  /// bad file; those of orderForMachine.
  llvm::Expected<MachineOrder>
  search(const ClosedNetwork &network, const TrainingGoal &goal,
         ModelObjective objective, unsigned exactLimit, llvm::StringRef file,
         std::optional<ContractionTree> fewestFlops,
         mlir::func::FuncOp function);

private:
  std::mutex mutex;
  std::map<std::string, MachineOrder> known; ///< By all that decides it.
};

/// The remark `machine-order`.
void reportMachineOrder(mlir::Location loc, llvm::StringRef function,
                        ModelObjective objective, const MachineOrder &order);

/// The same for the trace, with all trees that were scheduled.
llvm::json::Object traceMachineOrder(ModelObjective objective,
                                     const MachineOrder &order);

} // namespace fetta::tnn

#endif // FETTA_LIB_DIALECT_TNN_TRANSFORMS_ORDERFORMACHINE_H
