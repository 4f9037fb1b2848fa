//===- Repeats.cpp - Programs with repeats, written out -------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Repeats.h"

#include "Refuse.h"
#include "fetta/Program/Contractions.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"

using namespace fetta;

bool fetta::hasRepeats(const Program &program) {
  return llvm::any_of(program.code, [](const Instruction &instruction) {
    return std::holds_alternative<Repeat>(instruction);
  });
}

/// What an instruction counts: more than one where its lists take more memory
/// than it does itself.
static uint64_t weightOf(const Instruction &instruction) {
  size_t entries = 0;
  if (const auto *contract = std::get_if<Contract>(&instruction)) {
    const Nest &nest = contract->nest;
    entries =
        nest.loops.size() + nest.sizes.size() + nest.accumulatorStrides.size();
    for (const Operand &operand : nest.operands)
      entries += operand.modes.size() + operand.banks.size();
  } else if (const auto *dma = std::get_if<Dma>(&instruction)) {
    entries = dma->strides.size() + dma->blocks.size();
  }
  return 1 + entries / 128;
}

/// Whether a transfer may advance so often.
static llvm::Error checkAdvance(const Program &program, size_t index,
                                uint64_t count) {
  const auto *dma = std::get_if<Dma>(&program.code[index]);
  if (!dma || dma->advance == 0)
    return llvm::Error::success();
  auto refused = [&](const llvm::Twine &what) {
    return refuse(LoadCode::RepeatAdvance, "code",
                  "{0} advances by {1} elements: {2}", describe(program, index),
                  dma->advance, what.str());
  };
  if (count == 1)
    return refused("only in the body of a repeat a transfer advances");
  int64_t last;
  if (dma->advance < 0)
    return refused("transfers advance forwards");
  if (llvm::MulOverflow(dma->advance, int64_t(count - 1), last) ||
      llvm::AddOverflow(dma->offset, last, last))
    return refused("after " + llvm::Twine(count - 1) +
                   " iterations that is beyond all elements");
  return llvm::Error::success();
}

llvm::Expected<uint64_t> fetta::expandedSize(const Program &program) {
  llvm::ArrayRef<Instruction> code = program.code;
  uint64_t size = 0, weight = 0;
  for (size_t i = 0; i < code.size(); ++i) {
    const auto *repeat = std::get_if<Repeat>(&code[i]);
    if (!repeat) {
      if (llvm::Error error = checkAdvance(program, i, 1))
        return error;
      ++size;
      weight += weightOf(code[i]);
      continue;
    }
    auto refused = [&](LoadCode reason, const llvm::Twine &what) {
      return refuse(reason, "code", "{0}: {1}", describe(program, i),
                    what.str());
    };
    uint64_t behind = code.size() - i - 1;
    if (repeat->count < 2)
      return refused(LoadCode::RepeatShape, llvm::Twine(repeat->count) +
                                                " iterations; it has at least "
                                                "2");
    if (repeat->length == 0 || repeat->length > behind)
      return refused(LoadCode::RepeatShape,
                     "a body of " + llvm::Twine(repeat->length) +
                         " instructions; it has at least 1 and at most the " +
                         llvm::Twine(behind) + " that follow");
    uint64_t bodyWeight = 0;
    for (size_t b = i + 1; b <= i + repeat->length; ++b) {
      bodyWeight += weightOf(code[b]);
      if (std::holds_alternative<Repeat>(code[b]) ||
          std::holds_alternative<Halt>(code[b]))
        return refused(LoadCode::RepeatShape,
                       describe(program, b) + " stands in its body of " +
                           llvm::Twine(repeat->length) +
                           " instructions; bodies hold neither a repeat nor "
                           "the halt");
      if (llvm::Error error = checkAdvance(program, b, repeat->count))
        return error;
    }
    // Counts have 32 bits, and as many instructions fit no memory.
    size += uint64_t(repeat->length) * repeat->count;
    weight += bodyWeight * repeat->count;
    if (weight > MaxExpandedInstructions)
      break;
    i += repeat->length;
  }
  if (weight > MaxExpandedInstructions && hasRepeats(program))
    return refuse(LoadCode::RepeatLimit, "code",
                  "more than {0} instructions with repeats written out (one "
                  "with more than 127 loops, modes and banks counts as "
                  "several); use fewer iterations, or no repeat",
                  MaxExpandedInstructions);
  return size;
}

llvm::Expected<Program> fetta::expandRepeats(Program program) {
  llvm::Expected<uint64_t> size = expandedSize(program);
  if (!size)
    return size.takeError();
  if (!hasRepeats(program))
    return program;
  std::vector<Instruction> code;
  code.reserve(size_t(*size));
  for (size_t i = 0; i < program.code.size(); ++i) {
    const auto *repeat = std::get_if<Repeat>(&program.code[i]);
    if (!repeat) {
      code.push_back(std::move(program.code[i]));
      continue;
    }
    for (uint32_t n = 0; n < repeat->count; ++n)
      for (size_t b = i + 1; b <= i + repeat->length; ++b) {
        code.push_back(program.code[b]);
        if (auto *dma = std::get_if<Dma>(&code.back())) {
          dma->offset += n * dma->advance;
          dma->advance = 0;
        }
      }
    i += repeat->length;
  }
  program.code = std::move(code);
  return program;
}

uint64_t fetta::countContractions(llvm::ArrayRef<Instruction> code) {
  uint64_t contractions = 0, iterations = 1;
  size_t end = 0; // Of the body.
  for (auto [i, instruction] : llvm::enumerate(code)) {
    if (i >= end)
      iterations = 1;
    if (const auto *repeat = std::get_if<Repeat>(&instruction)) {
      iterations = repeat->count;
      end = i + 1 + repeat->length;
    }
    if (std::holds_alternative<Contract>(instruction))
      contractions += iterations;
  }
  return contractions;
}

llvm::Error fetta::verifyProgram(const Program &program) {
  if (llvm::Error error = expandedSize(program).takeError())
    return error;
  if (!hasRepeats(program))
    return verifyExpanded(program);
  return llvm::handleErrors(
      verifyExpanded(llvm::cantFail(expandRepeats(program))),
      [](std::unique_ptr<LoadError> e) -> llvm::Error {
        if (e->section == "code")
          e->message += "; instructions are counted with repeats written out";
        return llvm::Error(std::move(e));
      });
}
