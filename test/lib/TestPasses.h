//===- TestPasses.h ---------------------------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Passes that exist for tests only; fetta-opt has them where tests are built.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_TEST_LIB_TESTPASSES_H
#define FETTA_TEST_LIB_TESTPASSES_H

namespace fetta::test {

void registerTestPasses();
/// Those of one file each.
void registerTestJoinStages();

} // namespace fetta::test

#endif // FETTA_TEST_LIB_TESTPASSES_H
