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

#include "fetta/Program/Order.h"

namespace fetta {

class MemoryChecker {
public:
  MemoryChecker(const Program &program, const QueueOrder &order);
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
  llvm::Error readWords(const Footprint &words, uint32_t tensor);
  llvm::Error writeWords(const Footprint &words, uint32_t tensor, bool drained,
                         bool accumulates);
  /// Takes note of a read, or says why it is none.
  llvm::Error noteRead(Story &story, Where where);
  /// Whether what is written over may be written over.
  llvm::Error checkOverwrite(const Story &story, Where where);
  llvm::Error unordered(uint32_t other, const char *did, Where where) const;

  /// A gradient that the host gives and the result that it depends on.
  struct Loss {
    bool gradientIsRegion, resultIsRegion;
    uint32_t gradient, result;
    bool byRows; ///< Same shape: first indices correspond.
    bool closed = false;
    /// Rows of the result that must not change any more: begin -> end.
    std::map<int64_t, int64_t> closedRows;
  };
  void findLosses();
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
  WordStories memory;
  std::vector<ElementStories> regions;
  std::vector<Loss> losses;
  uint32_t current = 0; ///< The instruction being checked.
};

} // namespace fetta

#endif // FETTA_LIB_PROGRAM_VERIFYMEMORY_H
