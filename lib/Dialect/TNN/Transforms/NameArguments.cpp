//===- NameArguments.cpp ----------------------------------------*- C++ -*-===//
//
// Part of Fetta, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Dialect/TNN/Transforms/NameArguments.h"
#include "fetta/Dialect/TNN/IR/TNNDialect.h"
#include "fetta/Dialect/TNN/IR/TNNNames.h"
#include "fetta/Dialect/TNN/Transforms/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/MemoryBuffer.h"

namespace fetta::tnn {
#define GEN_PASS_DEF_TNNNAMEARGUMENTSPASS
#include "fetta/Dialect/TNN/Transforms/Passes.h.inc"
} // namespace fetta::tnn

using namespace mlir;
using namespace fetta::tnn;

/// The rest of the line at `line` and `column` (both from 1); empty where there
/// is no such place.
static StringRef textAt(StringRef text, unsigned line, unsigned column) {
  if (line == 0 || column == 0)
    return {};
  while (--line)
    text = text.split('\n').second;
  return text.split('\n').first.drop_front(
      std::min<size_t>(column - 1, text.split('\n').first.size()));
}

/// The value's name at the start of `text`, without its `%`. Empty unless it
/// can name an array: numbers and `$` cannot.
static StringRef nameAt(StringRef text) {
  if (!text.consume_front("%"))
    return {};
  StringRef name = text.take_while(
      [](char c) { return llvm::isAlnum(c) || StringRef("_.-$").contains(c); });
  if (name.empty() || llvm::isDigit(name.front()) || name.contains('$'))
    return {};
  return name;
}

static void nameArguments(func::FuncOp function, SourceTextFn sourceText) {
  llvm::StringSet<> taken;
  for (unsigned i = 0; i < function.getNumArguments(); ++i)
    if (auto name = function.getArgAttrOfType<StringAttr>(i, kNameAttr))
      taken.insert(name.getValue());
  for (unsigned i = 0; i < function.getNumResults(); ++i)
    taken.insert(getResultName(function, i));
  for (BlockArgument argument : function.getArguments()) {
    unsigned index = argument.getArgNumber();
    auto location = dyn_cast<FileLineColLoc>(argument.getLoc());
    if (!location || function.getArgAttr(index, kNameAttr))
      continue;
    StringRef name = nameAt(textAt(sourceText(location.getFilename()),
                                   location.getLine(), location.getColumn()));
    // `arg<i>` is what an argument without a name is called anyway.
    if (name.empty() || name == ("arg" + Twine(index)).str() ||
        !taken.insert(name).second)
      continue;
    function.setArgAttr(index, kNameAttr,
                        StringAttr::get(function.getContext(), name));
  }
}

void fetta::tnn::nameArguments(ModuleOp module, SourceTextFn sourceText) {
  for (auto function : module.getOps<func::FuncOp>())
    if (!function.isExternal())
      ::nameArguments(function, sourceText);
}

namespace {
struct TNNNameArgumentsPass
    : fetta::tnn::impl::TNNNameArgumentsPassBase<TNNNameArgumentsPass> {
  using Base = fetta::tnn::impl::TNNNameArgumentsPassBase<TNNNameArgumentsPass>;
  using Base::Base;

  void runOnOperation() override {
    // Read once; null where a file cannot be read.
    llvm::StringMap<std::unique_ptr<llvm::MemoryBuffer>> files;
    nameArguments(getOperation(), [&](StringRef name) -> StringRef {
      auto [file, isNew] = files.try_emplace(name);
      if (isNew)
        if (auto buffer = llvm::MemoryBuffer::getFile(name, /*IsText=*/true))
          file->second = std::move(*buffer);
      return file->second ? file->second->getBuffer() : StringRef();
    });
  }
};
} // namespace
