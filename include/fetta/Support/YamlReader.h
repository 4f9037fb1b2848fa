//===- YamlReader.h - Located YAML mappings ---------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Machine files, tables and sweeps are mappings of mappings and scalars, with
/// sequences where a reader asks for them. This reads them with LLVM's YAML
/// parser and keeps where every key and value stands, so that every refusal
/// names file, line and column.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_SUPPORT_YAMLREADER_H
#define FETTA_SUPPORT_YAMLREADER_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/Error.h"

#include <cstdint>
#include <string>
#include <vector>

namespace fetta::yaml {

/// Where something stands; lines and columns count from 1.
struct Location {
  std::string file;
  unsigned line = 1;
  unsigned column = 1;
};

/// `file:line:col: error: message`.
llvm::Error errorAt(const Location &location, const llvm::Twine &message);

struct Entry;

/// A scalar, a mapping with its entries in file order, or a sequence.
struct Node {
  Location location;
  bool isMapping = false;
  bool isSequence = false;
  std::string scalar;
  std::vector<Entry> entries;
  std::vector<Node> items; ///< Of a sequence.

  /// Nothing when there is no such key.
  const Node *find(llvm::StringRef key) const;
};

struct Entry {
  std::string key;
  Location location;
  Node value;
};

enum class Sequences : uint8_t { Refused, Allowed };

/// The top mapping of a file. Refuses aliases, block scalars, keys that are not
/// scalars, repeated keys, and sequences unless they are allowed.
llvm::Expected<Node> parse(llvm::StringRef text, llvm::StringRef name,
                           Sequences sequences = Sequences::Refused);

/// The text of a file, for parse.
llvm::Expected<std::string> readFile(llvm::StringRef path);

/// Refuses keys that are not `allowed` (naming the nearest allowed one) and
/// `required` ones that are missing.
llvm::Error checkKeys(const Node &mapping,
                      llvm::ArrayRef<llvm::StringRef> allowed,
                      llvm::ArrayRef<llvm::StringRef> required);

/// ` (did you mean 'x'?)` for the nearest word, or nothing.
std::string didYouMean(llvm::StringRef word,
                       llvm::ArrayRef<llvm::StringRef> allowed);

} // namespace fetta::yaml

#endif // FETTA_SUPPORT_YAMLREADER_H
