//===- TNN.td ----------------------------------------------*- tablegen -*-===//
//
// Part of Fetta, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
/// \file
/// Umbrella of the dialect's tables.
//
//===----------------------------------------------------------------------===//

#ifndef FETTA_DIALECT_TNN_IR_TNN_TD
#define FETTA_DIALECT_TNN_IR_TNN_TD

include "fetta/Dialect/TNN/IR/TNNAttributes.td"
include "fetta/Dialect/TNN/IR/TNNBase.td"
include "fetta/Dialect/TNN/IR/TNNOps.td"

#endif // FETTA_DIALECT_TNN_IR_TNN_TD
