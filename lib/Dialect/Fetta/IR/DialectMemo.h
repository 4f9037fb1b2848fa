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
#include "llvm/ADT/DenseSet.h"

#include <mutex>

namespace fetta::hw {

/// What contractions with the same attributes, types and machine share.
struct KnownNest {
  Nest nest; ///< Operands in row 0 of slab 0.
  bool isRight = false;
  /// What the routes of its operands have to do, once asked for.
  std::array<BitMapAttr, 3> maps;
};

/// All that a nest follows from, by pointer.
struct NestKey {
  std::array<const void *, 11> parts;
  bool operator==(const NestKey &o) const { return parts == o.parts; }
};

} // namespace fetta::hw

namespace llvm {
template <> struct DenseMapInfo<fetta::hw::NestKey> {
  static fetta::hw::NestKey getEmptyKey() {
    return {{DenseMapInfo<const void *>::getEmptyKey()}};
  }
  static fetta::hw::NestKey getTombstoneKey() {
    return {{DenseMapInfo<const void *>::getTombstoneKey()}};
  }
  /// Cheaper than hash_combine: every contraction is looked up after each pass.
  static unsigned getHashValue(const fetta::hw::NestKey &key) {
    uint64_t hash = 0;
    for (const void *part : key.parts) {
      hash = (hash ^ reinterpret_cast<uintptr_t>(part)) * 0x9e3779b97f4a7c15;
      hash ^= hash >> 32;
    }
    return unsigned(hash);
  }
  static bool isEqual(const fetta::hw::NestKey &a,
                      const fetta::hw::NestKey &b) {
    return a == b;
  }
};
} // namespace llvm

namespace fetta::hw {

/// The mutex is for all of it: functions are worked on at the same time.
struct FettaDialect::Memo {
  std::mutex mutex;
  llvm::DenseMap<mlir::Attribute, std::unique_ptr<const Machine>> machines;
  llvm::DenseMap<mlir::Type, int64_t> rows; ///< Of values in tensor memory.
  llvm::DenseMap<NestKey, std::unique_ptr<KnownNest>> nests;
  /// Types of tiles and blocks in which they can be walked.
  llvm::DenseSet<std::pair<mlir::Type, mlir::Attribute>> walks;
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
