//===- JournalTest.cpp - Journals that were cut ---------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Sweep/Journal.h"
#include "SweepTesting.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"

#include "gtest/gtest.h"

#include <random>

using namespace fetta;
using namespace fetta::test;

namespace {

class Journal : public ::testing::Test {
protected:
  void SetUp() override {
    ASSERT_FALSE(llvm::sys::fs::createTemporaryFile("sweep", "journal", path));
    llvm::sys::fs::remove(path);
  }
  void TearDown() override { llvm::sys::fs::remove(path); }

  std::string contents() {
    return (*llvm::MemoryBuffer::getFile(path))->getBuffer().str();
  }
  void write(llvm::StringRef text) {
    std::error_code code;
    llvm::raw_fd_ostream os(path, code);
    os << text;
  }

  llvm::SmallString<64> path;
};

PointResult resultOf(unsigned i) {
  PointResult result;
  if (i % 3 != 0) {
    result.status = PointResult::Refused;
    result.reason = "does not fit: " + std::to_string(i) + " rows";
    return result;
  }
  std::mt19937_64 random(i);
  result.status = PointResult::Done;
  result.figures.cycles = int64_t(random() >> 1);
  result.figures.contractions = int64_t(random() % 100);
  for (double &weight : result.figures.weights)
    weight = double(random() % 1000000) / 7;
  return result;
}
PointKey keyOf(unsigned i) { return pointKey("point " + std::to_string(i)); }

bool same(const PointResult &a, const PointResult &b) {
  return a.status == b.status && a.reason == b.reason &&
         a.figures.cycles == b.figures.cycles &&
         a.figures.contractions == b.figures.contractions &&
         a.figures.weights == b.figures.weights;
}

constexpr unsigned count = 3;

TEST_F(Journal, KeepsResultsBitForBit) {
  {
    auto journal = must(SweepJournal::open(path, 1));
    for (unsigned i = 0; i < count; ++i)
      ASSERT_FALSE(journal->append(keyOf(i), resultOf(i)));
    ASSERT_FALSE(journal->sync());
    EXPECT_EQ(journal->results(), 0u);
  }
  auto journal = must(SweepJournal::open(path, 1));
  EXPECT_EQ(journal->results(), count);
  EXPECT_EQ(journal->damaged(), 0u);
  EXPECT_FALSE(journal->fileHasChanged());
  for (unsigned i = 0; i < count; ++i) {
    const PointResult *found = journal->find(keyOf(i));
    ASSERT_TRUE(found);
    EXPECT_TRUE(same(*found, resultOf(i))) << i;
  }
  EXPECT_FALSE(journal->find(keyOf(count)));
}

// Cut behind every byte: the whole lines before the cut are there, nothing else
// is, and what is appended then is there, too.
TEST_F(Journal, CutAtEveryByte) {
  {
    auto journal = must(SweepJournal::open(path, 1));
    for (unsigned i = 0; i < count; ++i)
      ASSERT_FALSE(journal->append(keyOf(i), resultOf(i)));
  }
  std::string all = contents();
  for (size_t cut = 0; cut <= all.size(); ++cut) {
    SCOPED_TRACE(cut);
    llvm::StringRef left = llvm::StringRef(all).take_front(cut);
    write(left);
    size_t lines = left.count('\n');
    // Two lines of head.
    size_t whole = lines > 2 ? lines - 2 : 0;
    {
      auto journal = must(SweepJournal::open(path, 1));
      EXPECT_EQ(journal->results(), whole);
      for (unsigned i = 0; i < count; ++i) {
        const PointResult *found = journal->find(keyOf(i));
        ASSERT_EQ(found != nullptr, i < whole);
        if (found) {
          EXPECT_TRUE(same(*found, resultOf(i)));
        }
      }
      ASSERT_FALSE(journal->append(keyOf(count), resultOf(count)));
    }
    auto journal = must(SweepJournal::open(path, 1));
    EXPECT_EQ(journal->damaged(), 0u);
    EXPECT_EQ(journal->results(), whole + 1);
    EXPECT_TRUE(journal->find(keyOf(count)));
  }
}

// A byte changed anywhere behind the first line costs the line that it is in.
TEST_F(Journal, DamagedBytes) {
  {
    auto journal = must(SweepJournal::open(path, 1));
    for (unsigned i = 0; i < count; ++i)
      ASSERT_FALSE(journal->append(keyOf(i), resultOf(i)));
  }
  std::string all = contents();
  for (size_t at = all.find('\n') + 1; at + 1 < all.size(); at += 5) {
    if (all[at] == '\n')
      continue;
    std::string changed = all;
    changed[at] = changed[at] == 'x' ? 'y' : 'x';
    write(changed);
    auto journal = must(SweepJournal::open(path, 1));
    EXPECT_EQ(journal->damaged(), 1u) << at;
    bool ofHead = at < all.find('\n', all.find('\n') + 1);
    EXPECT_EQ(journal->results(), ofHead ? count : count - 1) << at;
  }
}

TEST_F(Journal, AnotherFileIsNoticed) {
  {
    auto journal = must(SweepJournal::open(path, 1));
  }
  EXPECT_TRUE(must(SweepJournal::open(path, 2))->fileHasChanged());
  EXPECT_FALSE(must(SweepJournal::open(path, 2))->fileHasChanged());
  EXPECT_TRUE(must(SweepJournal::open(path, 1))->fileHasChanged());
}

TEST_F(Journal, Refusals) {
  // Somebody's file stays as it is.
  write("a,b\n1,2\n");
  EXPECT_NE(messageOf(SweepJournal::open(path, 1)).find("is no journal"),
            std::string::npos);
  EXPECT_EQ(contents(), "a,b\n1,2\n");
  llvm::sys::fs::remove(path);
  {
    auto journal = must(SweepJournal::open(path, 1));
    EXPECT_NE(messageOf(SweepJournal::open(path, 1)).find("another sweep"),
              std::string::npos);
  }
  EXPECT_EQ(messageOf(SweepJournal::open("/nowhere/x.journal", 1)),
            "cannot write '/nowhere/x.journal': No such file or directory");
}

} // namespace
