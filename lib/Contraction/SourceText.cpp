//===- SourceText.cpp - Messages that point into a string -----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SourceText.h"

using namespace llvm;
using namespace fetta;

Error SourceText::error(size_t position, const Twine &message) const {
  unsigned characters = 0;
  for (char byte : text.take_front(position))
    characters += (static_cast<unsigned char>(byte) & 0xC0) != 0x80;
  FileLocation location = start;
  location.column += characters;
  return makeErrorAt(location, "{0}\n  {1}\n  {2}^", message.str(), text,
                     std::string(characters, ' '));
}
