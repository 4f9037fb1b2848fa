//===- MemoryState.h - Who wrote and read words and elements ----*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Tensor memory and DRAM regions while a program is verified in the order of
/// its stream: for every word and element the last write and what has read it
/// since. Words with equal stories are kept together, elements by intervals; so
/// the cost follows what a program moves at once, not its words.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_LIB_PROGRAM_MEMORYSTATE_H
#define FETTA_LIB_PROGRAM_MEMORYSTATE_H

#include "Footprint.h"

#include "llvm/ADT/STLFunctionalExtras.h"

#include <map>

namespace fetta {

/// Written by the host before the run.
inline constexpr uint32_t HostWrite = ~uint32_t(0);

/// The story of some words or elements.
struct Story {
  uint32_t tensor = 0; ///< As which they were written; 0 in DRAM.
  uint32_t writer = HostWrite;
  bool drained = false; ///< The writer is a contraction.
  /// Per queue: the last instruction that read them, plus one; 0 for none.
  std::array<uint32_t, QueueCount> readers = {};

  bool operator==(const Story &o) const {
    return tensor == o.tensor && writer == o.writer && drained == o.drained &&
           readers == o.readers;
  }
  bool wasRead() const { return readers != std::array<uint32_t, QueueCount>(); }
};

/// Tensor memory. Words of equal story are a group: those that one instruction
/// wrote, as far as the same instructions have read them since. What is written
/// at once is mostly read at once, so the cost of an access follows the groups
/// that it meets rather than its rows.
class WordStories {
public:
  WordStories(const Machine &machine, Footprints &footprints)
      : rowsPerSlab(machine.rowsPerSlab), footprints(footprints),
        sets(footprints.bankSets()), slabs(size_t(machine.slabs)) {}

  /// Words of a footprint at a place.
  struct Words {
    uint32_t footprint;
    int64_t slab, baseRow;
  };
  const Footprint &footprint(const Words &words) const {
    return footprints[words.footprint];
  }

  /// Some banks of a row, and the group that they are in.
  struct Part {
    uint32_t group, banks;
  };
  /// Parts of a row; they share no bank.
  llvm::MutableArrayRef<Part> at(int64_t slab, int64_t row);
  const Story &story(uint32_t group) const { return groups[group].story; }

  /// Visits the stories of words, each where its first word is met, and all
  /// rows, until a call returns an error. `read` sees the stories of words that
  /// are `tensor`; `missing` the banks of a row that are not.
  using OnRead = llvm::function_ref<llvm::Error(const Story &, int64_t row,
                                                uint32_t banks)>;
  using OnMissing = llvm::function_ref<llvm::Error(int64_t row, uint32_t)>;
  /// Words of `tensor` are read by the instruction `reader` of a queue.
  llvm::Error read(const Words &words, uint32_t tensor, unsigned queue,
                   uint32_t reader, OnRead onRead, OnMissing onMissing);
  /// Words get a new story.
  llvm::Error write(const Words &words, const Story &story, OnRead onOld);

private:
  struct Group {
    Story story;
    uint32_t parts = 0; ///< Of rows.
    /// The words that it is, if known: Footprint::words, from this row on.
    uint32_t words = Unknown;
    int64_t from = 0;
    // Of the access that goes on: parts that it meets, and who follows.
    uint32_t met = 0, next = Unknown;
    bool cut = false; ///< Some parts are met in part only.
  };
  static constexpr uint32_t Unknown = ~uint32_t(0);
  /// In place of a group: there is no part; `banks` is a number in `lists`.
  static constexpr uint32_t None = Unknown, Several = Unknown - 1;

  Part &rowAt(int64_t slab, int64_t row) {
    std::vector<Part> &rows = slabs[size_t(slab)];
    if (rows.empty())
      rows.resize(size_t(rowsPerSlab), {None, 0});
    return rows[size_t(row)];
  }
  llvm::MutableArrayRef<Part> partsOf(Part &row) {
    if (row.group == None)
      return {};
    if (row.group == Several)
      return lists[row.banks];
    return row;
  }
  void setParts(Part &row, llvm::ArrayRef<Part> parts);
  int64_t firstRow(const Words &words) const {
    return words.slab * rowsPerSlab + words.baseRow;
  }
  /// The group that is exactly these words, if there is one.
  Group *whole(const Words &words);
  uint32_t addGroup(const Story &story);
  /// So many parts of a group are gone.
  void leave(uint32_t group, uint32_t parts) {
    groups[group].words = Unknown;
    groups[group].parts -= parts;
    if (groups[group].parts == 0)
      freeGroups.push_back(group);
  }
  void split(const Words &words);

  int64_t rowsPerSlab;
  Footprints &footprints;
  BankSets &sets;
  std::vector<std::vector<Part>> slabs;
  std::vector<llvm::SmallVector<Part, 4>> lists;
  std::vector<uint32_t> freeLists, freeGroups;
  std::vector<Group> groups;
  llvm::SmallVector<uint32_t, 8> touched; ///< Groups of the access.
};

/// One DRAM region: stories of intervals of elements; an element in none was
/// never written.
class ElementStories {
public:
  struct Interval {
    int64_t end;
    Story story;
  };
  /// Calls visit(story) with all intervals in [begin, end), split there.
  void visit(int64_t begin, int64_t end,
             llvm::function_ref<void(Story &)> visit);
  /// As visit, without splitting. Returns the first element of the range in no
  /// interval, or `end`.
  int64_t look(int64_t begin, int64_t end,
               llvm::function_ref<void(const Story &)> visit) const;
  /// Writes elements of which none was written before; otherwise nothing, and
  /// returns false.
  bool writeFirst(int64_t begin, int64_t end, const Story &story);
  void write(int64_t begin, int64_t end, const Story &story);

  /// Loads since the last time that something was stored over elements: who
  /// has read what matters then only, and mostly never.
  std::vector<uint32_t> loads;

private:
  void splitAt(int64_t element);
  std::map<int64_t, Interval> intervals;
};

/// Ranges of elements that a transfer touches: dimensions sorted by stride and
/// merged where one steps over all of the one before.
struct ElementRuns {
  ElementRuns(const Dma &dma, const Layout &layout);
  /// Number of ranges; saturates.
  int64_t count() const;
  /// Calls visit(begin, end) for every range.
  void forEach(llvm::function_ref<void(int64_t, int64_t)> visit) const;
  /// First element, and the one behind the last.
  std::pair<int64_t, int64_t> bounds() const;
  /// Whether no element is touched twice, as far as sorted strides tell.
  bool disjoint = true;

private:
  int64_t offset, length = 1;
  struct Dim {
    int64_t size, stride;
  };
  llvm::SmallVector<Dim, 6> outer; ///< By stride, ascending.
};

} // namespace fetta

#endif // FETTA_LIB_PROGRAM_MEMORYSTATE_H
