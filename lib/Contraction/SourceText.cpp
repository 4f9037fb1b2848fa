//===- SourceText.cpp - Messages that point into a string -----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SourceText.h"

using namespace llvm;
using namespace fetta;

Error SourceText::error(size_t position, const Twine &message) const {
  StringRef before = text.take_front(position);
  size_t lineStart = before.rfind('\n') + 1; // npos + 1 is 0.
  StringRef line = text.drop_front(lineStart).take_until(
      [](char byte) { return byte == '\n' || byte == '\r'; });
  unsigned characters = 0;
  for (char byte : before.drop_front(lineStart))
    characters += (static_cast<unsigned char>(byte) & 0xC0) != 0x80;
  FileLocation location = start;
  location.line += before.count('\n');
  location.column = (lineStart == 0 ? start.column : 1) + characters;
  return makeErrorAt(location, "{0}\n  {1}\n  {2}^", message.str(), line,
                     std::string(characters, ' '));
}
