//===- YamlReader.cpp - Located YAML mappings -----------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Support/YamlReader.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/YAMLParser.h"

#include <optional>

using namespace fetta;
using namespace fetta::yaml;

llvm::Error fetta::yaml::errorAt(const Location &location,
                                 const llvm::Twine &message) {
  return llvm::createStringError(
      llvm::Twine(location.file) + ":" + llvm::Twine(location.line) + ":" +
      llvm::Twine(location.column) + ": error: " + message);
}

const Node *Node::find(llvm::StringRef key) const {
  for (const Entry &entry : entries)
    if (entry.key == key)
      return &entry.value;
  return nullptr;
}

namespace {

class Reader {
public:
  Reader(llvm::StringRef text, llvm::StringRef name, Sequences sequences)
      : name(name), sequences(sequences) {
    sourceManager.setDiagHandler(
        [](const llvm::SMDiagnostic &diagnostic, void *context) {
          static_cast<Reader *>(context)->report(diagnostic);
        },
        this);
    stream.emplace(text, sourceManager, /*ShowColors=*/false);
  }

  llvm::Expected<Node> read() {
    auto document = stream->begin();
    if (document == stream->end())
      return empty();
    llvm::yaml::Node *root = document->getRoot();
    if (failed())
      return errorAt(syntaxError->first, syntaxError->second);
    if (!root || llvm::isa<llvm::yaml::NullNode>(root))
      return empty();
    llvm::Expected<Node> result = convert(root);
    // The parser reads ahead as needed; its own complaint comes first.
    if (failed()) {
      if (!result)
        llvm::consumeError(result.takeError());
      return errorAt(syntaxError->first, syntaxError->second);
    }
    if (!result)
      return result;
    if (!result->isMapping)
      return errorAt(result->location, "expected a mapping of keys to values");
    if (++document != stream->end())
      return errorAt(result->location,
                     "the file holds several YAML documents; keep one");
    if (failed())
      return errorAt(syntaxError->first, syntaxError->second);
    return result;
  }

private:
  bool failed() { return syntaxError.has_value(); }

  llvm::Error empty() {
    if (failed())
      return errorAt(syntaxError->first, syntaxError->second);
    return errorAt({name, 1, 1}, "the file is empty");
  }

  void report(const llvm::SMDiagnostic &diagnostic) {
    if (!syntaxError)
      syntaxError = {{name, unsigned(std::max(diagnostic.getLineNo(), 1)),
                      unsigned(diagnostic.getColumnNo() + 1)},
                     diagnostic.getMessage().str()};
  }

  Location locate(llvm::yaml::Node *node) {
    llvm::SMLoc start = node->getSourceRange().Start;
    if (!start.isValid())
      return {name, 1, 1};
    auto [line, column] = sourceManager.getLineAndColumn(start);
    return {name, line, column};
  }

  llvm::Expected<Node> convert(llvm::yaml::Node *node) {
    Node result;
    result.location = locate(node);
    if (auto *scalar = llvm::dyn_cast<llvm::yaml::ScalarNode>(node)) {
      llvm::SmallString<32> storage;
      result.scalar = scalar->getValue(storage).str();
      return result;
    }
    auto *sequence = llvm::dyn_cast<llvm::yaml::SequenceNode>(node);
    if (sequence && sequences == Sequences::Allowed) {
      result.isSequence = true;
      for (llvm::yaml::Node &item : *sequence) {
        llvm::Expected<Node> converted = convert(&item);
        if (!converted)
          return converted;
        result.items.push_back(std::move(*converted));
      }
      return result;
    }
    auto *mapping = llvm::dyn_cast<llvm::yaml::MappingNode>(node);
    if (!mapping)
      return errorAt(result.location, llvm::isa<llvm::yaml::NullNode>(node)
                                          ? "a value is missing"
                                          : "expected a scalar or a mapping");
    result.isMapping = true;
    for (llvm::yaml::KeyValueNode &pair : *mapping) {
      auto *key = llvm::dyn_cast_or_null<llvm::yaml::ScalarNode>(pair.getKey());
      if (failed())
        return errorAt(syntaxError->first, syntaxError->second);
      if (!key)
        return errorAt(locate(&pair), "a key must be a word");
      Entry entry;
      llvm::SmallString<32> storage;
      entry.key = key->getValue(storage).str();
      entry.location = locate(key);
      for (const Entry &other : result.entries)
        if (other.key == entry.key)
          return errorAt(entry.location, "key '" + entry.key +
                                             "' is repeated; it stands in "
                                             "line " +
                                             llvm::Twine(other.location.line) +
                                             " already");
      llvm::yaml::Node *value = pair.getValue();
      if (!value || llvm::isa<llvm::yaml::NullNode>(value))
        return errorAt(entry.location, "key '" + entry.key + "' has no value");
      llvm::Expected<Node> converted = convert(value);
      if (!converted)
        return converted;
      entry.value = std::move(*converted);
      result.entries.push_back(std::move(entry));
    }
    return result;
  }

  std::string name;
  Sequences sequences;
  llvm::SourceMgr sourceManager;
  std::optional<llvm::yaml::Stream> stream;
  std::optional<std::pair<Location, std::string>> syntaxError;
};

} // namespace

llvm::Expected<Node> fetta::yaml::parse(llvm::StringRef text,
                                        llvm::StringRef name,
                                        Sequences sequences) {
  return Reader(text, name, sequences).read();
}

llvm::Expected<std::string> fetta::yaml::readFile(llvm::StringRef path) {
  auto buffer = llvm::MemoryBuffer::getFileOrSTDIN(path, /*IsText=*/true);
  if (!buffer)
    return llvm::createStringError(buffer.getError(),
                                   "cannot read '" + path +
                                       "': " + buffer.getError().message());
  return (*buffer)->getBuffer().str();
}

std::string fetta::yaml::didYouMean(llvm::StringRef word,
                                    llvm::ArrayRef<llvm::StringRef> allowed) {
  llvm::StringRef best;
  unsigned bestDistance = unsigned(word.size()) / 2 + 1;
  for (llvm::StringRef candidate : allowed) {
    unsigned distance = word.edit_distance(candidate);
    if (distance < bestDistance) {
      bestDistance = distance;
      best = candidate;
    }
  }
  return best.empty() ? "" : (" (did you mean '" + best + "'?)").str();
}

llvm::Error fetta::yaml::checkKeys(const Node &mapping,
                                   llvm::ArrayRef<llvm::StringRef> allowed,
                                   llvm::ArrayRef<llvm::StringRef> required) {
  for (const Entry &entry : mapping.entries)
    if (!llvm::is_contained(allowed, entry.key))
      return errorAt(entry.location, "unknown key '" + entry.key + "'" +
                                         didYouMean(entry.key, allowed));
  std::string missing;
  for (llvm::StringRef key : required)
    if (!mapping.find(key))
      missing += (missing.empty() ? "'" : ", '") + key.str() + "'";
  if (!missing.empty())
    return errorAt(mapping.location, "missing " + missing);
  return llvm::Error::success();
}
