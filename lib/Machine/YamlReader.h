//===- YamlReader.h - Located YAML mappings ---------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Machine files and energy tables are mappings of mappings and scalars. This
/// reads them with LLVM's YAML parser and keeps where every key and value
/// stands, so that every refusal names file, line and column.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_LIB_MACHINE_YAMLREADER_H
#define FETTA_LIB_MACHINE_YAMLREADER_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/Error.h"

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

/// A scalar, or a mapping with its entries in file order.
struct Node {
  Location location;
  bool isMapping = false;
  std::string scalar;
  std::vector<Entry> entries;

  /// Nothing when there is no such key.
  const Node *find(llvm::StringRef key) const;
};

struct Entry {
  std::string key;
  Location location;
  Node value;
};

/// The top mapping of a file. Refuses sequences, aliases, block scalars,
/// keys that are not scalars, and repeated keys.
llvm::Expected<Node> parse(llvm::StringRef text, llvm::StringRef name);

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

#endif // FETTA_LIB_MACHINE_YAMLREADER_H
