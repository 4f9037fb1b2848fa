//===- Einsum.cpp - Einsum strings ----------------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Contraction/Einsum.h"

#include "SourceText.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/ConvertUTF.h"

#include <limits>

using namespace llvm;
using namespace fetta;

namespace {

/// A piece of the text and where it begins.
struct Piece {
  StringRef text;
  size_t position;
};

class EinsumParser {
public:
  explicit EinsumParser(const SourceText &source) : source(source) {}
  Expected<EinsumSpec> run();

private:
  Error checkCharacters();
  Error parseTerm(const Piece &term, IndexList &list, bool isOutput);
  Error addName(const Piece &name, IndexList &list, bool isOutput);
  void deduceOutput();
  bool isNamed(ArrayRef<Piece> terms) const;

  const SourceText &source;
  EinsumSpec spec;
  StringMap<unsigned> numberOf;
};

} // namespace

static bool isBlank(char c) { return c == ' ' || c == '\t'; }
static bool isNonAscii(char c) { return static_cast<unsigned char>(c) >= 0x80; }
static bool isNameStart(char c) {
  return isAlpha(c) || c == '_' || isNonAscii(c);
}
static bool isNameCharacter(char c) { return isNameStart(c) || isDigit(c); }

static SmallVector<Piece> splitAt(const Piece &piece, char separator) {
  SmallVector<Piece> result;
  size_t begin = 0;
  for (size_t k = 0; k <= piece.text.size(); ++k)
    if (k == piece.text.size() || piece.text[k] == separator) {
      result.push_back({piece.text.slice(begin, k), piece.position + begin});
      begin = k + 1;
    }
  return result;
}

Error EinsumParser::checkCharacters() {
  StringRef text = source.text;
  size_t arrow = StringRef::npos;
  for (size_t k = 0; k < text.size(); ++k) {
    char c = text[k];
    if (text.substr(k).starts_with("->")) {
      if (arrow != StringRef::npos)
        return source.error(k, "a second '->'");
      arrow = k++;
      continue;
    }
    if (text.substr(k).starts_with("..."))
      return source.error(k, "an ellipsis stands for unnamed indices: name "
                             "each of them");
    if (c == ',' && arrow != StringRef::npos)
      return source.error(k, "the output is one tensor: no ',' after '->'");
    if (isNonAscii(c)) {
      unsigned length = getNumBytesForUTF8(static_cast<UTF8>(c));
      auto *first = reinterpret_cast<const UTF8 *>(text.data() + k);
      if (k + length > text.size() ||
          !isLegalUTF8Sequence(first, first + length))
        return source.error(k, "not UTF-8");
      k += length - 1;
      continue;
    }
    if (isNameCharacter(c) || isBlank(c) || c == ',')
      continue;
    std::string shown = isPrint(c)
                            ? std::string(1, c)
                            : "\\x" + utohexstr(static_cast<unsigned char>(c));
    return source.error(k, "unexpected character '" + shown +
                               "': an index is a letter, or a name between "
                               "spaces");
  }
  return Error::success();
}

bool EinsumParser::isNamed(ArrayRef<Piece> terms) const {
  return any_of(terms, [](const Piece &term) {
    StringRef text = term.text.trim(" \t");
    return any_of(text,
                  [](char c) { return isBlank(c) || isDigit(c) || c == '_'; });
  });
}

Error EinsumParser::addName(const Piece &name, IndexList &list, bool isOutput) {
  auto [entry, isNew] = numberOf.try_emplace(name.text, spec.names.size());
  if (isOutput) {
    if (isNew)
      return source.error(name.position, "output index '" + Twine(name.text) +
                                             "' is on no operand");
    if (is_contained(list, entry->second))
      return source.error(name.position, "index '" + Twine(name.text) +
                                             "' is twice in the output");
  } else if (isNew) {
    spec.names.push_back(name.text.str());
  }
  list.push_back(entry->second);
  return Error::success();
}

Error EinsumParser::parseTerm(const Piece &term, IndexList &list,
                              bool isOutput) {
  StringRef text = term.text;
  for (size_t k = 0; k < text.size();) {
    if (isBlank(text[k])) {
      ++k;
      continue;
    }
    size_t end = k;
    if (spec.namedModes) {
      if (!isNameStart(text[k]))
        return source.error(term.position + k,
                            "a name begins with a letter or '_'");
      while (end < text.size() && isNameCharacter(text[end]))
        ++end;
    } else {
      end += getNumBytesForUTF8(static_cast<UTF8>(text[k]));
    }
    if (Error error =
            addName({text.slice(k, end), term.position + k}, list, isOutput))
      return error;
    k = end;
  }
  return Error::success();
}

void EinsumParser::deduceOutput() {
  std::vector<unsigned> count(spec.names.size(), 0);
  for (const IndexList &operand : spec.operands)
    for (unsigned index : operand)
      ++count[index];
  for (auto [index, times] : enumerate(count))
    if (times == 1)
      spec.output.push_back(index);
  llvm::sort(spec.output, [&](unsigned a, unsigned b) {
    return spec.names[a] < spec.names[b];
  });
}

Expected<EinsumSpec> EinsumParser::run() {
  if (Error error = checkCharacters())
    return error;
  size_t arrow = source.text.find("->");
  SmallVector<Piece> operands = splitAt({source.text.substr(0, arrow), 0}, ',');
  SmallVector<Piece> terms = operands;
  if (arrow != StringRef::npos)
    terms.push_back({source.text.substr(arrow + 2), arrow + 2});
  spec.namedModes = isNamed(terms);
  for (const Piece &operand : operands)
    if (Error error = parseTerm(operand, spec.operands.emplace_back(),
                                /*isOutput=*/false))
      return error;
  if (arrow == StringRef::npos)
    deduceOutput();
  else if (Error error =
               parseTerm(terms.back(), spec.output, /*isOutput=*/true))
    return error;
  return std::move(spec);
}

Expected<EinsumSpec> fetta::parseEinsum(StringRef text,
                                        const FileLocation &start) {
  SourceText sourceText(text, start);
  return EinsumParser(sourceText).run();
}

Expected<TensorNetwork> fetta::bindSizes(const EinsumSpec &spec,
                                         StringRef sizes,
                                         const FileLocation &start) {
  SourceText text(sizes, start);
  StringMap<unsigned> numberOf;
  for (auto [number, name] : enumerate(spec.names))
    numberOf[name] = number;
  std::vector<int64_t> sizeOf(spec.names.size(), 0);
  if (!sizes.trim(" \t").empty())
    for (const Piece &entry : splitAt({sizes, 0}, ',')) {
      auto [left, right] = entry.text.split('=');
      StringRef name = left.trim(" \t"), digits = right.trim(" \t");
      size_t namePosition =
          entry.position + (left.size() - left.ltrim(" \t").size());
      if (name.empty() || !entry.text.contains('='))
        return text.error(namePosition, "expected INDEX=SIZE");
      auto found = numberOf.find(name);
      if (found == numberOf.end())
        return text.error(namePosition,
                          "index '" + Twine(name) + "' is not in the einsum");
      size_t valuePosition = entry.position + left.size() + 1 +
                             (right.size() - right.ltrim(" \t").size());
      if (digits.empty() || !all_of(digits, isDigit))
        return text.error(valuePosition, "size of index '" + Twine(name) +
                                             "' must be a whole number of at "
                                             "least 1");
      int64_t size;
      if (digits.getAsInteger(10, size))
        return text.error(valuePosition, "size " + Twine(digits) +
                                             " of index '" + Twine(name) +
                                             "' exceeds 63 bits");
      if (size < 1)
        return text.error(valuePosition, "size of index '" + Twine(name) +
                                             "' is 0, but must be at least 1");
      int64_t &slot = sizeOf[found->second];
      if (slot != 0 && slot != size)
        return text.error(valuePosition, "index '" + Twine(name) +
                                             "' has size " + Twine(slot) +
                                             " and size " + Twine(size));
      slot = size;
    }
  std::vector<NetworkIndex> indices;
  for (auto [name, size] : zip_equal(spec.names, sizeOf)) {
    if (size == 0)
      return text.error(sizes.size(),
                        "index '" + Twine(name) + "' has no size");
    indices.push_back({name, size});
  }
  return TensorNetwork::create(std::move(indices), spec.operands, spec.output);
}

std::string fetta::formatEinsum(const EinsumSpec &spec) {
  auto format = [&](const IndexList &list) {
    return join(map_range(list,
                          [&](unsigned index) -> const std::string & {
                            return spec.names[index];
                          }),
                spec.namedModes ? " " : "");
  };
  return join(map_range(spec.operands, format), spec.namedModes ? ", " : ",") +
         (spec.namedModes ? " -> " : "->") + format(spec.output);
}
