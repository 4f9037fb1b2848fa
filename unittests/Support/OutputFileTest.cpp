//===- OutputFileTest.cpp - Outputs are whole or absent -------------------===//
//
// Part of the Fetta project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Support/OutputFile.h"
#include "fetta/Support/Error.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "gtest/gtest.h"
#include <csignal>
#include <sys/stat.h>
#include <unistd.h>

using namespace fetta;
using namespace llvm;

namespace {

class OutputFileTest : public testing::Test {
protected:
  /// Before LLVM asks what a signal does: in a job in the background, which
  /// inherits that interrupts are ignored, nothing would be stopped.
  static void SetUpTestSuite() { signal(SIGINT, SIG_DFL); }
  void SetUp() override {
    ASSERT_FALSE(sys::fs::createUniqueDirectory("fetta-output", folder));
  }
  void TearDown() override { sys::fs::remove_directories(folder); }

  std::string join(StringRef name) const {
    SmallString<128> path(folder);
    sys::path::append(path, name);
    return path.str().str();
  }

  static std::string read(StringRef path) {
    auto buffer = MemoryBuffer::getFile(path);
    return buffer ? (*buffer)->getBuffer().str() : "<absent>";
  }

  /// Files and folders directly inside \p path.
  static unsigned countEntries(StringRef path) {
    std::error_code code;
    unsigned count = 0;
    for (sys::fs::directory_iterator it(path, code), end; it != end && !code;
         it.increment(code))
      ++count;
    return count;
  }

  SmallString<128> folder;
};

TEST_F(OutputFileTest, WritesAndReplaces) {
  std::string path = join("a.txt");
  ASSERT_FALSE(writeOutputFile(path, "one"));
  EXPECT_EQ(read(path), "one");
  ASSERT_FALSE(writeOutputFile(path, "two"));
  EXPECT_EQ(read(path), "two");
  EXPECT_EQ(countEntries(folder), 1u);
}

TEST_F(OutputFileTest, FailureKeepsTheOldFileAndLeavesNothingElse) {
  std::string path = join("a.txt");
  ASSERT_FALSE(writeOutputFile(path, "old"));
  Error error = writeOutputFile(path, [](raw_ostream &os) {
    os << "half";
    return makeError("stopped");
  });
  EXPECT_EQ(toString(std::move(error)), "stopped");
  EXPECT_EQ(read(path), "old");
  EXPECT_EQ(countEntries(folder), 1u);
}

TEST_F(OutputFileTest, FullDiskIsReportedWithThePath) {
  if (!sys::fs::exists("/dev/full"))
    GTEST_SKIP() << "no /dev/full";
  std::string text = toString(writeOutputFile("/dev/full", "data"));
  EXPECT_NE(text.find("'/dev/full'"), std::string::npos) << text;
  EXPECT_NE(text.find("No space left"), std::string::npos) << text;
}

TEST_F(OutputFileTest, MissingFolderAndFolderAsFileAreErrors) {
  std::string path = join("no/such/file");
  std::string text = toString(writeOutputFile(path, "x"));
  EXPECT_NE(text.find(path), std::string::npos) << text;
  text = toString(writeOutputFile(folder, "x"));
  EXPECT_NE(text.find("is a directory"), std::string::npos) << text;
}

TEST_F(OutputFileTest, ReadOnlyFileIsNotReplaced) {
  if (geteuid() == 0)
    GTEST_SKIP() << "the super-user may write anything";
  std::string path = join("a.txt");
  ASSERT_FALSE(writeOutputFile(path, "old"));
  ASSERT_FALSE(sys::fs::setPermissions(path, sys::fs::all_read));
  EXPECT_NE(toString(writeOutputFile(path, "new")).find("permission"),
            std::string::npos);
  EXPECT_EQ(read(path), "old");
}

TEST_F(OutputFileTest, LinkKeepsPointingToTheFile) {
  ASSERT_FALSE(writeOutputFile(join("real"), "old"));
  ASSERT_FALSE(sys::fs::create_link(join("real"), join("link")));
  ASSERT_FALSE(writeOutputFile(join("link"), "new"));
  EXPECT_EQ(read(join("real")), "new");
  EXPECT_TRUE(sys::fs::is_symlink_file(join("link")));
}

TEST_F(OutputFileTest, FolderAppearsOnCommit) {
  std::string path = join("out");
  {
    OutputDirectory output(path);
    ASSERT_FALSE(output.add("a", "1"));
    ASSERT_FALSE(output.add("b", "2"));
    EXPECT_EQ(read(join("out/a")), "<absent>");
    ASSERT_FALSE(output.commit());
  }
  EXPECT_EQ(read(join("out/a")), "1");
  EXPECT_EQ(read(join("out/b")), "2");
  EXPECT_EQ(countEntries(path), 2u);
}

TEST_F(OutputFileTest, FolderHasTheUsualPermissions) {
  mode_t mask = umask(022);
  OutputDirectory output(join("out"));
  Error error = output.add("a", "1");
  umask(mask);
  ASSERT_FALSE(error);
  struct stat status;
  ASSERT_EQ(stat(join("out").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, mode_t(0755));
}

TEST_F(OutputFileTest, InterruptLeavesNoFile) {
  std::string path = join("a.txt");
  auto interrupted = [&] {
    consumeError(writeOutputFile(path, [](raw_ostream &os) {
      os << "half";
      os.flush();
      raise(SIGINT);
      return Error::success();
    }));
  };
  EXPECT_EXIT(interrupted(), testing::KilledBySignal(SIGINT), "");
  EXPECT_EQ(countEntries(folder), 0u);
}

TEST_F(OutputFileTest, FolderWithoutCommitDisappears) {
  {
    OutputDirectory output(join("out"));
    ASSERT_FALSE(output.add("a", "1"));
    EXPECT_TRUE(bool(
        output.add("b", [](raw_ostream &) { return makeError("stopped"); })));
  }
  EXPECT_FALSE(sys::fs::exists(join("out")));
}

TEST_F(OutputFileTest, ExistingFolderKeepsItsFilesWithoutCommit) {
  ASSERT_FALSE(writeOutputFile(join("a"), "old"));
  {
    OutputDirectory output(folder);
    ASSERT_FALSE(output.add("a", "new"));
  }
  EXPECT_EQ(read(join("a")), "old");
  EXPECT_EQ(countEntries(folder), 1u);
}

TEST_F(OutputFileTest, FolderRefusesPathsAndDuplicates) {
  OutputDirectory output(folder);
  for (const char *name : {"", ".", "..", "a/b", "/a"})
    EXPECT_TRUE(bool(output.add(name, "x"))) << name;
  ASSERT_FALSE(output.add("a", "x"));
  EXPECT_NE(toString(output.add("a", "y")).find("two outputs"),
            std::string::npos);
}

TEST_F(OutputFileTest, FileInPlaceOfFolderIsAnError) {
  ASSERT_FALSE(writeOutputFile(join("a"), "x"));
  OutputDirectory output(join("a"));
  EXPECT_NE(toString(output.add("b", "y")).find("not a folder"),
            std::string::npos);
}

} // namespace
