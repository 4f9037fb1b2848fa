//===- FettaAttributes.h ----------------------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Machine, layouts and the parts of a loop nest as attributes; conversions to
/// and from the types of the runtime half.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_DIALECT_FETTA_IR_FETTAATTRIBUTES_H
#define FETTA_DIALECT_FETTA_IR_FETTAATTRIBUTES_H

#include "fetta/Dialect/Fetta/IR/FettaDialect.h"
#include "fetta/Layout/AffineMap.h"
#include "fetta/Layout/Layout.h"
#include "fetta/Machine/Machine.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/TensorEncoding.h"
#include "llvm/ADT/Hashing.h"

namespace fetta {

/// For the storage of LayoutAttr; found by argument-dependent lookup.
inline llvm::hash_code hash_value(const BankBit &bank) {
  return bank.source
             ? llvm::hash_combine(true, bank.source->mode, bank.source->bit)
             : llvm::hash_combine(false, bank.constant);
}

namespace hw {

/// Bit `bit` of the index of a mode; without a mode: nothing.
struct NamedBit {
  mlir::StringAttr mode;
  unsigned bit = 0;
  bool operator==(const NamedBit &o) const {
    return mode == o.mode && bit == o.bit;
  }
};
inline llvm::hash_code hash_value(const NamedBit &bit) {
  return llvm::hash_combine(bit.mode, bit.bit);
}

/// A loop contributes counter * weight to the index of its mode.
struct NamedLoop {
  mlir::StringAttr mode;
  int64_t count = 1;
  int64_t weight = 1;
  bool operator==(const NamedLoop &o) const {
    return mode == o.mode && count == o.count && weight == o.weight;
  }
};
inline llvm::hash_code hash_value(const NamedLoop &loop) {
  return llvm::hash_combine(loop.mode, loop.count, loop.weight);
}

/// Tokens of a counting semaphore.
struct Token {
  unsigned semaphore = 0;
  unsigned count = 1;
  bool operator==(const Token &o) const {
    return semaphore == o.semaphore && count == o.count;
  }
};
inline llvm::hash_code hash_value(const Token &token) {
  return llvm::hash_combine(token.semaphore, token.count);
}

} // namespace hw
} // namespace fetta

#include "fetta/Dialect/Fetta/IR/FettaEnums.h.inc"

#define GET_ATTRDEF_CLASSES
#include "fetta/Dialect/Fetta/IR/FettaAttributes.h.inc"

#endif // FETTA_DIALECT_FETTA_IR_FETTAATTRIBUTES_H
