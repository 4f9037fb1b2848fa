//===- FettaToLinalg.h ------------------------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// The conversion pass of FettaToLinalg.td.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_CONVERSION_FETTATOLINALG_FETTATOLINALG_H
#define FETTA_CONVERSION_FETTATOLINALG_FETTATOLINALG_H

#include "mlir/Pass/Pass.h"

namespace fetta {

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "fetta/Conversion/FettaToLinalg/FettaToLinalg.h.inc"

} // namespace fetta

#endif // FETTA_CONVERSION_FETTATOLINALG_FETTATOLINALG_H
