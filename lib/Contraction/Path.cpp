//===- Path.cpp - Contraction paths as text -------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Contraction/Path.h"

#include "SourceText.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using namespace llvm;
using namespace fetta;

Expected<ContractionPath>
fetta::parseContractionPath(StringRef text, const FileLocation &start) {
  SourceText source(text, start);
  size_t begin = 0, end = text.size();
  auto skipSpaces = [&] {
    while (begin < end && (text[begin] == ' ' || text[begin] == '\t'))
      ++begin;
  };
  while (end > 0 && (text[end - 1] == ' ' || text[end - 1] == '\t'))
    --end;
  skipSpaces();
  if (begin < end && text[begin] == '[') {
    if (text[end - 1] != ']')
      return source.error(end, "expected ']'");
    ++begin;
    --end;
  }

  ContractionPath path;
  for (skipSpaces(); begin < end; skipSpaces()) {
    if (!path.empty() && text[begin] == ',') {
      ++begin;
      skipSpaces();
      if (begin == end)
        break;
    }
    if (text[begin] != '(')
      return source.error(begin, "expected '(' and the operands of a step");
    ++begin;
    SmallVector<unsigned, 2> &operands = path.emplace_back();
    for (skipSpaces(); begin < end && text[begin] != ')'; skipSpaces()) {
      StringRef digits = text.slice(begin, end).take_while(isDigit);
      int32_t number;
      if (digits.empty())
        return source.error(begin, "expected the number of an operand");
      if (digits.getAsInteger(10, number))
        return source.error(begin, "operand number " + Twine(digits) +
                                       " exceeds 31 bits");
      operands.push_back(number);
      begin += digits.size();
      skipSpaces();
      if (begin < end && text[begin] == ',')
        ++begin;
      else if (begin < end && text[begin] != ')')
        return source.error(begin, "expected ',' or ')'");
    }
    if (begin == end)
      return source.error(end, "expected ')'");
    ++begin;
  }
  return path;
}

std::string fetta::formatContractionPath(const ContractionPath &path) {
  auto formatStep = [](const SmallVector<unsigned, 2> &operands) {
    return "(" +
           join(map_range(operands,
                          [](unsigned operand) { return utostr(operand); }),
                ", ") +
           (operands.size() == 1 ? ",)" : ")");
  };
  return "[" + join(map_range(path, formatStep), ", ") + "]";
}
