//===- MemoryState.cpp - Who wrote and read words and elements ------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "MemoryState.h"

#include "llvm/ADT/STLExtras.h"

using namespace fetta;

//===----------------------------------------------------------------------===//
// Tensor memory
//===----------------------------------------------------------------------===//

llvm::MutableArrayRef<WordStories::Part> WordStories::at(int64_t slab,
                                                         int64_t row) {
  return partsOf(rowAt(slab, row));
}

void WordStories::setParts(Part &row, llvm::ArrayRef<Part> parts) {
  if (parts.size() > 1) {
    if (row.group != Several) {
      if (freeLists.empty()) {
        freeLists.push_back(uint32_t(lists.size()));
        lists.emplace_back();
      }
      row = {Several, freeLists.back()};
      freeLists.pop_back();
    }
    lists[row.banks].assign(parts.begin(), parts.end());
    return;
  }
  if (row.group == Several)
    freeLists.push_back(row.banks);
  row = parts.empty() ? Part{None, 0} : parts.front();
}

uint32_t WordStories::addGroup(const Story &story) {
  if (freeGroups.empty()) {
    freeGroups.push_back(uint32_t(groups.size()));
    groups.emplace_back();
  }
  uint32_t number = freeGroups.back();
  freeGroups.pop_back();
  groups[number] = Group();
  groups[number].story = story;
  return number;
}

WordStories::Group *WordStories::whole(const Words &words) {
  const Footprint &flat = footprint(words);
  Part row = rowAt(words.slab, words.baseRow + flat.rows.front().row);
  if (row.group == None || row.group == Several)
    return nullptr;
  Group &group = groups[row.group];
  return group.words == flat.words && group.from == firstRow(words) ? &group
                                                                    : nullptr;
}

llvm::Error WordStories::read(const Words &words, uint32_t tensor,
                              unsigned queue, uint32_t reader, OnRead onRead,
                              OnMissing onMissing) {
  const Footprint &flat = footprint(words);
  if (Group *group = whole(words); group && group->story.tensor == tensor) {
    auto [row, banks] = flat.rows.front();
    if (llvm::Error error = onRead(group->story, words.baseRow + row, banks))
      return error;
    group->story.readers[queue] = reader + 1;
    return llvm::Error::success();
  }
  touched.clear();
  for (auto [offset, banks] : flat.rows) {
    int64_t row = words.baseRow + offset;
    uint32_t missing = banks;
    for (const Part &part : at(words.slab, row)) {
      Group &group = groups[part.group];
      uint32_t here = sets.both(part.banks, missing);
      if (!here || group.story.tensor != tensor)
        continue;
      if (!group.met++) {
        group.cut = false;
        touched.push_back(part.group);
        if (llvm::Error error = onRead(group.story, row, here))
          return error;
      }
      group.cut |= here != part.banks;
      missing = sets.without(missing, here);
    }
    if (missing)
      if (llvm::Error error = onMissing(row, missing))
        return error;
  }
  bool splits = false;
  for (uint32_t number : touched) {
    // The rest of a group that is read in part keeps its story.
    if (groups[number].cut || groups[number].met < groups[number].parts) {
      Story story = groups[number].story;
      story.readers[queue] = reader + 1;
      uint32_t next = addGroup(story);
      groups[number].next = next;
      splits = true;
    } else {
      groups[number].story.readers[queue] = reader + 1;
    }
  }
  uint32_t only = touched.size() == 1 &&
                          groups[touched[0]].met == uint32_t(flat.rows.size())
                      ? touched[0]
                      : Unknown;
  if (only != Unknown && groups[only].next != Unknown)
    only = groups[only].next;
  if (splits)
    split(words);
  for (uint32_t number : touched) {
    groups[number].met = 0;
    groups[number].next = Unknown;
  }
  if (only != Unknown) {
    groups[only].words = flat.words;
    groups[only].from = firstRow(words);
  }
  return llvm::Error::success();
}

/// Words of groups that have a next one go over to that.
void WordStories::split(const Words &words) {
  llvm::SmallVector<Part, 8> parts;
  for (auto [offset, banks] : footprint(words).rows) {
    Part &row = rowAt(words.slab, words.baseRow + offset);
    parts.assign(partsOf(row).begin(), partsOf(row).end());
    for (size_t p = 0, end = parts.size(); p < end; ++p) {
      uint32_t group = parts[p].group, next = groups[group].next;
      uint32_t here = sets.both(parts[p].banks, banks);
      if (next == Unknown || !here)
        continue;
      ++groups[next].parts;
      if (here == parts[p].banks) {
        parts[p].group = next;
        leave(group, 1);
        continue;
      }
      groups[group].words = Unknown;
      parts[p].banks = sets.without(parts[p].banks, here);
      parts.push_back({next, here});
    }
    setParts(row, parts);
  }
}

llvm::Error WordStories::write(const Words &words, const Story &story,
                               OnRead onOld) {
  const Footprint &flat = footprint(words);
  if (Group *group = whole(words)) {
    auto [row, banks] = flat.rows.front();
    if (llvm::Error error = onOld(group->story, words.baseRow + row, banks))
      return error;
    group->story = story;
    return llvm::Error::success();
  }
  touched.clear();
  Part *const rows = &rowAt(words.slab, 0) + words.baseRow;
  // Neighbouring rows are mostly of one group, which is met once.
  uint32_t last = Unknown;
  for (auto [offset, banks] : flat.rows) {
    Part &place = rows[offset];
    if (place.group == None || place.group == last)
      continue;
    for (const Part &part : partsOf(place)) {
      uint32_t over = sets.both(part.banks, banks);
      if (!over || groups[part.group].met++)
        continue;
      touched.push_back(last = part.group);
      if (llvm::Error error =
              onOld(groups[last].story, words.baseRow + offset, over))
        return error;
    }
  }
  for (uint32_t number : touched)
    groups[number].met = 0;
  uint32_t own = addGroup(story);
  groups[own].parts = uint32_t(flat.rows.size());
  groups[own].words = flat.words;
  groups[own].from = firstRow(words);
  llvm::SmallVector<Part, 8> parts;
  // Rows of `left` that are gone, together where they follow each other.
  uint32_t left = None, gone = 0;
  auto leaveAll = [&]() {
    if (gone)
      leave(left, gone);
    gone = 0;
  };
  for (auto [offset, banks] : flat.rows) {
    Part &row = rows[offset];
    if (row.group != Several && (row.group == None || row.banks == banks ||
                                 !sets.without(row.banks, banks))) {
      if (row.group != left) {
        leaveAll();
        left = row.group;
      }
      gone += row.group != None;
      row = {own, banks};
      continue;
    }
    leaveAll();
    parts.clear();
    for (Part part : partsOf(row)) {
      uint32_t rest = sets.without(part.banks, banks);
      if (!rest)
        leave(part.group, 1);
      else if (rest != part.banks)
        groups[part.group].words = Unknown;
      if (rest)
        parts.push_back({part.group, rest});
    }
    parts.push_back({own, banks});
    setParts(row, parts);
  }
  leaveAll();
  return llvm::Error::success();
}

//===----------------------------------------------------------------------===//
// DRAM
//===----------------------------------------------------------------------===//

void ElementStories::splitAt(int64_t element) {
  auto it = intervals.upper_bound(element);
  if (it == intervals.begin())
    return;
  --it;
  if (it->first == element || it->second.end <= element)
    return;
  Interval upper = it->second;
  it->second.end = element;
  intervals.emplace_hint(std::next(it), element, upper);
}

void ElementStories::visit(int64_t begin, int64_t end,
                           llvm::function_ref<void(Story &)> visit) {
  splitAt(begin);
  splitAt(end);
  for (auto it = intervals.lower_bound(begin);
       it != intervals.end() && it->first < end; ++it)
    visit(it->second.story);
}

int64_t
ElementStories::look(int64_t begin, int64_t end,
                     llvm::function_ref<void(const Story &)> visit) const {
  int64_t covered = begin;
  auto it = intervals.upper_bound(begin);
  if (it != intervals.begin())
    --it;
  for (; it != intervals.end() && it->first < end; ++it) {
    if (it->second.end <= begin)
      continue;
    if (it->first <= covered)
      covered = it->second.end;
    visit(it->second.story);
  }
  return std::min(covered, end);
}

bool ElementStories::writeFirst(int64_t begin, int64_t end,
                                const Story &story) {
  auto next = intervals.lower_bound(begin);
  if (next != intervals.end() && next->first < end)
    return false;
  if (next != intervals.begin()) {
    auto &[first, before] = *std::prev(next);
    if (before.end > begin)
      return false;
    // Neighbours that one instruction writes are one interval.
    if (before.end == begin && before.story == story) {
      before.end = end;
      return true;
    }
  }
  intervals.emplace_hint(next, begin, Interval{end, story});
  return true;
}

void ElementStories::write(int64_t begin, int64_t end, const Story &story) {
  splitAt(begin);
  splitAt(end);
  intervals.erase(intervals.lower_bound(begin), intervals.lower_bound(end));
  intervals.emplace(begin, Interval{end, story});
}

ElementRuns::ElementRuns(const Dma &dma, const Layout &layout)
    : offset(dma.offset) {
  for (auto [dim, stride] : llvm::zip(layout.dims, dma.strides))
    if (dim.size > 1)
      outer.push_back({dim.size, stride});
  llvm::stable_sort(
      outer, [](const Dim &a, const Dim &b) { return a.stride < b.stride; });
  // `reach`: elements from the first to the last that inner dimensions touch.
  int64_t reach = 1;
  for (const Dim &dim : outer) {
    disjoint &= dim.stride >= reach;
    reach += (dim.size - 1) * dim.stride;
  }
  // A stride of 0 reads the same elements again.
  llvm::erase_if(outer, [](const Dim &dim) { return dim.stride == 0; });
  while (!outer.empty() && outer.front().stride == length) {
    length *= outer.front().size;
    outer.erase(outer.begin());
  }
}

std::pair<int64_t, int64_t> ElementRuns::bounds() const {
  int64_t end = offset + length;
  for (const Dim &dim : outer)
    end += (dim.size - 1) * dim.stride;
  return {offset, end};
}

int64_t ElementRuns::count() const {
  int64_t product = 1;
  for (const Dim &dim : outer)
    if (llvm::MulOverflow(product, dim.size, product))
      return INT64_MAX;
  return product;
}

void ElementRuns::forEach(
    llvm::function_ref<void(int64_t, int64_t)> visit) const {
  llvm::SmallVector<int64_t, 6> index(outer.size(), 0);
  int64_t begin = offset;
  while (true) {
    visit(begin, begin + length);
    size_t d = 0;
    for (; d < outer.size(); ++d) {
      begin += outer[d].stride;
      if (++index[d] < outer[d].size)
        break;
      begin -= outer[d].stride * outer[d].size;
      index[d] = 0;
    }
    if (d == outer.size())
      return;
  }
}
