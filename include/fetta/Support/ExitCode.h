//===- ExitCode.h - Exit codes of the tools ---------------------*- C++ -*-===//
//
// Part of the Fetta project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// The exit codes that every tool shares; scripts rely on them.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_SUPPORT_EXITCODE_H
#define FETTA_SUPPORT_EXITCODE_H

namespace fetta {

enum ExitCode : int {
  /// Everything asked for was done.
  Done = 0,
  /// The input was refused; a message says what, where and the remedy.
  Refused = 1,
  /// The command line was not understood.
  Usage = 2,
  /// A limit (time, work, memory) was reached; the best result so far was
  /// written.
  Limit = 3,
};

} // namespace fetta

#endif // FETTA_SUPPORT_EXITCODE_H
