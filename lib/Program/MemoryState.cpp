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

uint32_t BankSets::intern(const std::vector<uint64_t> &mask) {
  auto [it, isNew] = numbers.try_emplace(mask, uint32_t(masks.size()));
  if (isNew)
    masks.push_back(mask);
  return it->second;
}

uint32_t BankSets::combine(Operation operation, uint32_t a, uint32_t b) {
  if (a == b)
    return operation == Without ? 0 : a;
  if (!a || !b)
    return operation == And ? 0 : operation == Without ? a : a | b;
  std::pair<uint64_t, unsigned> key = {uint64_t(a) << 32 | b, operation};
  if (auto it = results.find(key); it != results.end())
    return it->second;
  std::vector<uint64_t> mask = masks[a];
  for (auto [i, word] : llvm::enumerate(masks[b])) {
    if (operation == And)
      mask[i] &= word;
    else if (operation == Without)
      mask[i] &= ~word;
    else
      mask[i] |= word;
  }
  return results[key] = intern(mask);
}

int64_t BankSets::first(uint32_t set) const {
  for (auto [i, word] : llvm::enumerate(masks[set]))
    if (word)
      return int64_t(i) * 64 + llvm::countr_zero(word);
  llvm_unreachable("the set is not empty");
}

const FlatFootprint &WordStories::flatten(const Footprint &footprint) {
  std::unique_ptr<FlatFootprint> &entry = flat[footprint.shape()];
  if (entry)
    return *entry;
  entry = std::make_unique<FlatFootprint>();
  const uint64_t *lastMask = nullptr;
  uint32_t lastNumber = 0;
  footprint.forEachRow([&](int64_t row, Footprint::RowMask mask) {
    if (mask.data() != lastMask)
      lastNumber = sets.intern({mask.begin(), mask.end()});
    lastMask = mask.data();
    entry->rows.push_back({row - footprint.baseRow, lastNumber});
    return true;
  });
  return *entry;
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

int64_t ElementStories::visit(int64_t begin, int64_t end,
                              llvm::function_ref<void(Story &)> visit) {
  splitAt(begin);
  splitAt(end);
  int64_t covered = begin;
  for (auto it = intervals.lower_bound(begin);
       it != intervals.end() && it->first < end; ++it) {
    if (covered == it->first)
      covered = it->second.end;
    visit(it->second.story);
  }
  return covered;
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
