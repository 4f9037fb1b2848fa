//===- DialectMemo.h - What operations share --------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// A sliced program repeats the contractions of a slice hundreds of times, and
/// the verifier looks at all of them after every pass. Attributes and types are
/// unique in their context, so what follows from them alone is found once.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_LIB_DIALECT_FETTA_IR_DIALECTMEMO_H
#define FETTA_LIB_DIALECT_FETTA_IR_DIALECTMEMO_H

#include "fetta/Dialect/Fetta/IR/FettaDialect.h"
#include "fetta/Dialect/Fetta/IR/FettaOps.h"
#include "llvm/ADT/DenseMap.h"

#include <mutex>

namespace fetta::hw {

/// What contractions with the same attributes, types and machine share.
struct KnownNest {
  Nest nest; ///< Operands in row 0 of slab 0.
  bool isRight = false;
  /// What the routes of its operands have to do, once asked for.
  std::array<BitMapAttr, 3> maps;
};

/// The mutex is for all of it: functions are worked on at the same time.
struct FettaDialect::Memo {
  std::mutex mutex;
  llvm::DenseMap<mlir::Attribute, std::unique_ptr<const Machine>> machines;
  llvm::DenseMap<mlir::Type, int64_t> rows; ///< Of values in tensor memory.
  /// By the pointers of `keyOf`, which live in `keys`.
  llvm::DenseMap<llvm::ArrayRef<const void *>, std::unique_ptr<KnownNest>>
      nests;
  llvm::BumpPtrAllocator keys;
  /// What right switch words and masks do, by machine, kind, words and masks.
  llvm::DenseMap<
      std::tuple<const void *, RouteKind, const void *, const void *>,
      BitMapAttr>
      routes;

  /// `op` is one of the dialect. The context would look for it by name.
  static Memo &of(mlir::Operation *op) {
    return static_cast<FettaDialect *>(op->getDialect())->getMemo();
  }
  /// Its entry, made by the first contraction that is like `op`. The nest is
  /// only read; the rest needs the mutex.
  llvm::Expected<KnownNest &> find(ContractOp op);
};

/// As getMachine, without a copy for each operation; lives as long as the
/// context. Null, and reported, where there is none.
const Machine *findMachine(mlir::Operation *op);

} // namespace fetta::hw

#endif // FETTA_LIB_DIALECT_FETTA_IR_DIALECTMEMO_H
