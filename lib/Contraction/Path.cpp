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

static bool isBlank(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/// \p positions receives where each step begins.
static Expected<ContractionPath> parse(const SourceText &source,
                                       std::vector<size_t> *positions) {
  StringRef text = source.text;
  size_t begin = 0, end = text.size();
  auto skipSpaces = [&] {
    while (begin < end && isBlank(text[begin]))
      ++begin;
  };
  while (end > 0 && isBlank(text[end - 1]))
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
    if (positions)
      positions->push_back(begin);
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

Expected<ContractionPath>
fetta::parseContractionPath(StringRef text, const FileLocation &start) {
  return parse(SourceText(text, start), nullptr);
}

/// The first step that names something which is not there, or the number of
/// steps.
static size_t firstBadStep(unsigned numTensors, const ContractionPath &path,
                           PathFormat format) {
  std::vector<bool> used(numTensors + path.size(), false);
  for (auto [number, operands] : enumerate(path)) {
    size_t present = format == PathFormat::Linear
                         ? numTensors - std::min<size_t>(number, numTensors)
                         : numTensors + number;
    if (operands.size() != 2 || operands[0] == operands[1])
      return number;
    for (unsigned operand : operands) {
      if (operand >= present)
        return number;
      if (format == PathFormat::SSA) {
        if (used[operand])
          return number;
        used[operand] = true;
      }
    }
  }
  return path.size();
}

Expected<ContractionTree> fetta::bindPath(StringRef text,
                                          const FileLocation &start,
                                          unsigned numLeaves, unsigned rootLeaf,
                                          PathFormat *format) {
  SourceText source(text, start);
  std::vector<size_t> positions;
  Expected<ContractionPath> path = parse(source, &positions);
  if (!path)
    return path.takeError();
  Expected<ContractionTree> tree =
      ContractionTree::fromPath(numLeaves, rootLeaf, *path, format);
  if (tree)
    return tree;
  size_t linear = firstBadStep(numLeaves - 1, *path, PathFormat::Linear);
  size_t ssa = firstBadStep(numLeaves - 1, *path, PathFormat::SSA);
  Error error = tree.takeError();
  // The format in which more of it makes sense is the one that was meant.
  if (linear != ssa) {
    consumeError(std::move(error));
    error = (linear < ssa
                 ? ContractionTree::fromSsaPath(numLeaves, rootLeaf, *path)
                 : ContractionTree::fromLinearPath(numLeaves, rootLeaf, *path))
                .takeError();
  }
  // In the order of ContractionTree's checks.
  unsigned numTensors = numLeaves - 1;
  auto notAPair =
      find_if(*path, [](const auto &operands) { return operands.size() != 2; });
  size_t step = notAPair != path->end() ? notAPair - path->begin()
                : path->size() + 1 != numTensors
                    ? std::min<size_t>(path->size(), numTensors - 1)
                    : std::max(linear, ssa);
  return source.error(step < positions.size() ? positions[step] : text.size(),
                      toString(std::move(error)));
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
