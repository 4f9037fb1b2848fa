//===- Footprint.cpp - Which words of tensor memory something takes -------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Footprint.h"

#include "llvm/ADT/STLExtras.h"

using namespace fetta;
using llvm::ArrayRef;

//===----------------------------------------------------------------------===//
// Numbers
//===----------------------------------------------------------------------===//

std::pair<uint32_t, bool> Interner::intern(ArrayRef<int64_t> list) {
  if (auto it = numbers.find(list); it != numbers.end())
    return {it->second, false};
  auto number = uint32_t(numbers.size());
  numbers[lists.emplace_back(list.begin(), list.end())] = number;
  return {number, true};
}

uint32_t BankSets::intern(const std::vector<uint64_t> &mask) {
  if (llvm::all_of(mask, [](uint64_t word) { return word == 0; }))
    return 0;
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

//===----------------------------------------------------------------------===//
// Footprints
//===----------------------------------------------------------------------===//

uint32_t Footprints::of(const TensorEntry &tensor) {
  return of(tensor.layout.dims, tensor.layout.banks,
            tensor.elementType == ElementType::F32 ? 2 : 1);
}

uint32_t Footprints::of(const Operand &operand) {
  // Dimension numbers are mode numbers.
  llvm::SmallVector<DimLayout, 8> dims;
  for (const auto &dim : operand.modes)
    dims.push_back(dim.value_or(DimLayout()));
  return of(dims, operand.banks,
            operand.elementType == ElementType::F32 ? 2 : 1);
}

uint32_t Footprints::of(ArrayRef<DimLayout> dims, ArrayRef<BankBit> banks,
                        int64_t planes) {
  llvm::SmallVector<int64_t, 64> shape = {planes, int64_t(dims.size())};
  for (const DimLayout &dim : dims)
    shape.append({dim.size, int64_t(dim.lowBits), dim.rowStride});
  for (const BankBit &bank : banks)
    shape.push_back(bank.source ? int64_t(uint64_t(bank.source->mode) << 32 |
                                          bank.source->bit)
                                : -1 - int64_t(bank.constant));
  auto [number, isNew] = shapes.intern(shape);
  if (isNew)
    all.push_back(walk(dims, banks, planes));
  return number;
}

/// Banks in use in a row; bit d of `lastChunks` tells that the row holds the
/// last chunk of dimension d, which may be ragged.
static std::vector<uint64_t> banksUsed(ArrayRef<DimLayout> dims,
                                       ArrayRef<BankBit> banks,
                                       uint32_t lastChunks) {
  uint32_t lanes = uint32_t(1) << banks.size(), varying = 0, fixed = 0;
  for (auto [j, bit] : llvm::enumerate(banks)) {
    varying |= uint32_t(bit.source.has_value()) << j;
    fixed |= uint32_t(!bit.source && bit.constant) << j;
  }
  std::vector<uint64_t> mask((lanes + 63) / 64);
  for (uint32_t bank = 0; bank < lanes; ++bank)
    if ((bank & ~varying) == fixed)
      mask[bank / 64] |= uint64_t(1) << bank % 64;
  for (auto [d, dim] : llvm::enumerate(dims)) {
    if (!(lastChunks >> d & 1))
      continue;
    // Of each bank: what its bits add to the first index of the chunk.
    std::vector<int64_t> low(lanes, 0);
    for (uint32_t bank = 1; bank < lanes; ++bank) {
      const BankBit &last = banks[size_t(llvm::countr_zero(bank))];
      low[bank] = low[bank & (bank - 1)];
      if (last.source && last.source->mode == d)
        low[bank] += int64_t(1) << last.source->bit;
    }
    int64_t left = dim.size - ((dim.chunks() - 1) << dim.lowBits);
    for (uint32_t bank = 0; bank < lanes; ++bank)
      if (low[bank] >= left)
        mask[bank / 64] &= ~(uint64_t(1) << bank % 64);
  }
  return mask;
}

Footprint Footprints::walk(ArrayRef<DimLayout> dims, ArrayRef<BankBit> banks,
                           int64_t planes) {
  Footprint footprint;
  llvm::DenseMap<uint32_t, uint32_t> masks;
  llvm::SmallVector<int64_t, 8> chunk(dims.size(), 0);
  for (unsigned d = 0; d <= dims.size();) {
    int64_t row = 0;
    uint32_t lastChunks = 0;
    for (auto [i, dim] : llvm::enumerate(dims)) {
      row += chunk[i] * dim.rowStride;
      bool ragged = dim.size % (int64_t(1) << dim.lowBits);
      if (ragged && chunk[i] == dim.chunks() - 1)
        lastChunks |= uint32_t(1) << i;
    }
    auto [it, isNew] = masks.try_emplace(lastChunks);
    if (isNew)
      it->second = sets.intern(banksUsed(dims, banks, lastChunks));
    for (int64_t plane = 0; plane < planes; ++plane) {
      footprint.rows.push_back({row * planes + plane, it->second});
      footprint.height = std::max(footprint.height, row * planes + plane + 1);
    }
    for (d = 0; d < dims.size() && ++chunk[d] == dims[d].chunks(); ++d)
      chunk[d] = 0;
    if (d == dims.size())
      break;
  }
  std::vector<Footprint::Row> sorted = footprint.rows;
  llvm::sort(sorted, [](const Footprint::Row &a, const Footprint::Row &b) {
    return a.row < b.row;
  });
  std::vector<int64_t> numbers;
  for (auto [row, set] : sorted)
    numbers.insert(numbers.end(), {row, set});
  footprint.words = words.intern(numbers).first;
  return footprint;
}

bool Footprints::contains(uint32_t outer, uint32_t inner, int64_t distance) {
  std::vector<uint32_t> own(size_t(all[outer].height), 0);
  for (auto [row, banks] : all[outer].rows)
    own[size_t(row)] = banks;
  return llvm::all_of(all[inner].rows, [&](const Footprint::Row &row) {
    int64_t at = row.row + distance;
    return at >= 0 && at < int64_t(own.size()) &&
           !sets.without(row.banks, own[size_t(at)]);
  });
}
