//===- VerifyScopes.h - Sums that stay in the accumulators ------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// The last instruction is a halt, and sums that one contraction leaves in the
/// accumulators are taken up by the next one and drained in the end.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_LIB_PROGRAM_VERIFYSCOPES_H
#define FETTA_LIB_PROGRAM_VERIFYSCOPES_H

#include "fetta/Program/Program.h"

namespace fetta {

llvm::Error verifyScopes(const Program &program);

} // namespace fetta

#endif // FETTA_LIB_PROGRAM_VERIFYSCOPES_H
