//===- ErrorTest.cpp - Error texts ----------------------------------------===//
//
// Part of the Fetta project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Support/Error.h"
#include "gtest/gtest.h"

using namespace fetta;

namespace {

TEST(ErrorText, ShowsArgumentsAndPlace) {
  EXPECT_EQ(toString(makeError("{0} rows, expected {1}", 3, 4)),
            "3 rows, expected 4");
  EXPECT_EQ(toString(makeErrorAt({"m.yaml", 7, 3}, "unknown key '{0}'", "x")),
            "m.yaml:7:3: unknown key 'x'");
}

TEST(ErrorText, BracesAndPercentInArgumentsAreKept) {
  EXPECT_EQ(toString(makeError("bad {0}", "{1} %s")), "bad {1} %s");
}

TEST(ErrorText, UnknownPartsOfAPlaceAreLeftOut) {
  EXPECT_EQ((FileLocation{"a"}).str(), "a");
  EXPECT_EQ((FileLocation{"a", 2}).str(), "a:2");
  EXPECT_EQ((FileLocation{"a", 0, 5}).str(), "a");
}

TEST(ErrorText, ContextGoesInFrontOfEachError) {
  EXPECT_EQ(toString(addErrorContext(
                "f", llvm::joinErrors(makeError("one"), makeError("two")))),
            "f: one\nf: two");
  EXPECT_FALSE(addErrorContext("f", llvm::Error::success()));
}

TEST(ReportError, PrintsToStderrAndGivesTheExitCode) {
  testing::internal::CaptureStderr();
  EXPECT_EQ(reportError("tool", makeError("wrong")), Refused);
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "tool: error: wrong\n");
  EXPECT_EQ(reportError("tool", llvm::Error::success()), Done);
}

} // namespace
