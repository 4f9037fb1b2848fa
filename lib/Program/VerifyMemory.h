//===- VerifyMemory.h - Does every read find its words? ---------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Goes through a program whose tables, operands and tokens are right and asks
/// of every access to tensor memory and DRAM: do the words hold what is read,
/// and is it ordered against accesses of other queues (docs/Queues.md, sections
/// 1 and 2)?
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_LIB_PROGRAM_VERIFYMEMORY_H
#define FETTA_LIB_PROGRAM_VERIFYMEMORY_H

#include "MemoryState.h"
#include "NestClasses.h"

#include "fetta/Program/Order.h"

namespace fetta {

class MemoryChecker {
public:
  /// `classOf`: classes of the contractions, by instruction. `tensorWords`:
  /// footprints of the tensors.
  MemoryChecker(const Program &program, const QueueOrder &order,
                Footprints &footprints, const NestClasses &classes,
                llvm::ArrayRef<uint32_t> classOf,
                llvm::ArrayRef<uint32_t> tensorWords);
  /// To be called for all instructions in the order of the stream.
  llvm::Error check(uint32_t instruction);
  /// After the last: all that the host collects is there.
  llvm::Error finish();

private:
  /// Names words or elements in a message.
  using Where = llvm::function_ref<std::string()>;
  using Runs = llvm::SmallVector<std::pair<int64_t, int64_t>, 4>;
  llvm::Error checkContract(const Contract &contract);
  llvm::Error checkLoad(const Dma &dma);
  llvm::Error checkStore(const Dma &dma);
  using Words = WordStories::Words;
  Words wordsOf(uint32_t tensor);
  llvm::Error readWords(const Words &words, uint32_t tensor);
  llvm::Error writeWords(const Words &words, uint32_t tensor, bool drained,
                         bool accumulates);
  llvm::Error refuseMissing(const Words &words, uint32_t tensor, int64_t row,
                            uint32_t missing);
  /// Notes who has read a region's elements.
  void noteLoads(ElementStories &elements);
  /// Whether what is read is written in order.
  llvm::Error checkRead(const Story &story, Where where) const;
  /// Whether what is written over may be written over.
  llvm::Error checkOverwrite(const Story &story, Where where) const;
  llvm::Error unordered(uint32_t other, const char *did, Where where) const;

  /// A gradient that the host gives and the result that it depends on.
  struct Loss {
    bool gradientIsRegion, resultIsRegion;
    uint32_t gradient, result;
    bool byRows; ///< Same shape: first indices correspond.
    bool closed = false;
    /// Rows of the result that must not change any more: begin -> end, apart
    /// from each other.
    std::map<int64_t, int64_t> closedRows;

    void closeRows(int64_t begin, int64_t end);
    bool closes(int64_t begin, int64_t end) const; ///< Any row of these.
  };
  void findLosses();
  /// Whether a gradient is, or a result has, one with a loss between.
  bool isGradient(bool isRegion, uint32_t index) const;
  bool hasGradient(bool isRegion, uint32_t index) const;
  llvm::Error checkLoss(bool isRegion, uint32_t gradient, const Runs &runs);
  llvm::Error checkClosed(bool isRegion, uint32_t result, const Runs &runs);
  llvm::Error refuseLoss(const Loss &loss, const llvm::Twine &why) const;
  int64_t rowLength(uint32_t region) const {
    return program.regions[region].elements() /
           (program.regions[region].shape.empty()
                ? 1
                : program.regions[region].shape[0]);
  }

  const Program &program;
  const QueueOrder &order;
  Footprints &footprints;
  const NestClasses &classes;
  llvm::ArrayRef<uint32_t> classOf;
  llvm::ArrayRef<uint32_t> tensorWords;
  WordStories memory;
  std::vector<ElementStories> regions;
  std::vector<Loss> losses;
  uint32_t current = 0; ///< The instruction being checked.
};

} // namespace fetta

#endif // FETTA_LIB_PROGRAM_VERIFYMEMORY_H
