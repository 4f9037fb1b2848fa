//===- MemoryState.h - Who wrote and read words and elements ----*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Tensor memory and DRAM regions while a program is verified in the order of
/// its stream: for every word and element the last write and what has read it
/// since. Words with equal stories are kept together, by rows and masks over
/// the banks, elements by intervals; so the cost follows the rows and runs that
/// a program touches, not its words.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_LIB_PROGRAM_MEMORYSTATE_H
#define FETTA_LIB_PROGRAM_MEMORYSTATE_H

#include "WordSet.h"

#include "llvm/ADT/DenseMap.h"

#include <map>
#include <memory>

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

  bool wasRead() const { return readers != std::array<uint32_t, QueueCount>(); }
};

/// Sets of banks by number; 0 is the empty set.
class BankSets {
public:
  explicit BankSets(int64_t lanes) : words(size_t((lanes + 63) / 64)) {
    intern(std::vector<uint64_t>(words));
  }
  uint32_t intern(const std::vector<uint64_t> &mask);
  /// Banks of both; of a and not of b; of either.
  uint32_t both(uint32_t a, uint32_t b) { return combine(And, a, b); }
  uint32_t without(uint32_t a, uint32_t b) { return combine(Without, a, b); }
  uint32_t either(uint32_t a, uint32_t b) { return combine(Or, a, b); }
  int64_t first(uint32_t set) const; ///< The lowest bank; the set is not empty.

private:
  enum Operation : unsigned { And, Without, Or };
  uint32_t combine(Operation operation, uint32_t a, uint32_t b);

  size_t words;
  std::vector<std::vector<uint64_t>> masks;
  std::map<std::vector<uint64_t>, uint32_t> numbers;
  llvm::DenseMap<std::pair<uint64_t, unsigned>, uint32_t> results;
};

/// A footprint as rows relative to its base row.
struct FlatFootprint {
  struct Row {
    int64_t row;
    uint32_t banks;
  };
  std::vector<Row> rows;
};

/// Tensor memory.
class WordStories {
public:
  explicit WordStories(const Machine &machine)
      : rowsPerSlab(machine.rowsPerSlab), sets(machine.lanes()),
        slabs(size_t(machine.slabs)) {}

  /// Rows and banks of a footprint; kept, because slices ask again and again.
  const FlatFootprint &flatten(const Footprint &footprint);
  BankSets &bankSets() { return sets; }

  struct Part {
    Story story;
    uint32_t banks;
  };
  /// Parts of a row with different stories; they share no bank.
  using Parts = llvm::SmallVector<Part, 1>;
  Parts &at(int64_t slab, int64_t row) {
    std::vector<Parts> &rows = slabs[size_t(slab)];
    if (rows.empty())
      rows.resize(size_t(rowsPerSlab));
    return rows[size_t(row)];
  }

private:
  int64_t rowsPerSlab;
  BankSets sets;
  std::vector<std::vector<Parts>> slabs;
  std::map<std::vector<int64_t>, std::unique_ptr<FlatFootprint>> flat;
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
  /// Returns the first element of the range in no interval, or `end`.
  int64_t visit(int64_t begin, int64_t end,
                llvm::function_ref<void(Story &)> visit);
  /// As visit, without splitting.
  int64_t look(int64_t begin, int64_t end,
               llvm::function_ref<void(const Story &)> visit) const;
  void write(int64_t begin, int64_t end, const Story &story);

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
