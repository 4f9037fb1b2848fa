//===- TNNToLinalg.h --------------------------------------------*- C++ -*-===//
//
// Part of Fetta, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// The conversion pass of TNNToLinalg.td.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_CONVERSION_TNNTOLINALG_TNNTOLINALG_H
#define FETTA_CONVERSION_TNNTOLINALG_TNNTOLINALG_H

#include "mlir/Pass/Pass.h"

namespace fetta {

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "fetta/Conversion/TNNToLinalg/TNNToLinalg.h.inc"

} // namespace fetta

#endif // FETTA_CONVERSION_TNNTOLINALG_TNNTOLINALG_H
