//===- DocsTest.cpp - The tables in docs/ are those of the code -----------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// With FETTA_UPDATE_DOCS=1 in the environment the tables are written instead.
///
//===----------------------------------------------------------------------===//

#include "fetta/Program/InstructionCoding.h"

#include "gtest/gtest.h"

#include <cstdlib>
#include <fstream>
#include <sstream>

namespace {

constexpr const char *Begin = "<!-- generated -->\n";
constexpr const char *End = "<!-- end of generated -->";

void compare(const char *page, void (*print)(llvm::raw_ostream &)) {
  std::string path = std::string(FETTA_SOURCE_DIR "/docs/") + page;
  std::stringstream content;
  content << std::ifstream(path).rdbuf();
  std::string text = content.str();
  size_t begin = text.find(Begin), end = text.find(End);
  ASSERT_TRUE(begin != text.npos && end != text.npos) << path;
  begin += std::string(Begin).size();
  std::string table;
  llvm::raw_string_ostream os(table);
  print(os);
  if (std::getenv("FETTA_UPDATE_DOCS"))
    std::ofstream(path) << text.substr(0, begin) << table << text.substr(end);
  else
    EXPECT_EQ(text.substr(begin, end - begin), table)
        << "run ProgramTests with FETTA_UPDATE_DOCS=1";
}

TEST(Docs, InstructionSet) {
  compare("ISA.md", fetta::isa::printInstructionSet);
}
TEST(Docs, LoadCodes) {
  compare("BinaryFormat.md", fetta::isa::printLoadCodes);
}

} // namespace
