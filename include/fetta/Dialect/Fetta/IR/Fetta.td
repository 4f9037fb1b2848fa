//===- Fetta.td --------------------------------------------*- tablegen -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
/// \file
/// Umbrella of the dialect's tables.
//
//===----------------------------------------------------------------------===//

#ifndef FETTA_DIALECT_FETTA_IR_FETTA_TD
#define FETTA_DIALECT_FETTA_IR_FETTA_TD

include "fetta/Dialect/Fetta/IR/FettaAttributes.td"
include "fetta/Dialect/Fetta/IR/FettaBase.td"
include "fetta/Dialect/Fetta/IR/FettaOps.td"

#endif // FETTA_DIALECT_FETTA_IR_FETTA_TD
