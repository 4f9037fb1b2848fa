//===- WordSet.cpp - Sets of words of tensor memory -----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "WordSet.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/STLExtras.h"

using namespace fetta;

Footprint::Footprint(const TensorEntry &tensor)
    : dims(tensor.layout.dims.begin(), tensor.layout.dims.end()),
      banks(tensor.layout.banks), slab(tensor.slab), baseRow(tensor.baseRow),
      planes(tensor.elementType == ElementType::F32 ? 2 : 1) {}

Footprint::Footprint(const Operand &operand)
    : banks(operand.banks), slab(operand.slab), baseRow(operand.baseRow),
      planes(operand.elementType == ElementType::F32 ? 2 : 1) {
  // Dimension numbers are mode numbers.
  for (const auto &dim : operand.modes)
    dims.push_back(dim.value_or(DimLayout()));
}

std::vector<int64_t> Footprint::shape() const {
  std::vector<int64_t> numbers = {planes, int64_t(dims.size())};
  for (const DimLayout &dim : dims)
    numbers.insert(numbers.end(),
                   {dim.size, int64_t(dim.lowBits), dim.rowStride});
  for (const BankBit &bank : banks) {
    numbers.push_back(bank.source ? bank.source->mode : -1);
    numbers.push_back(bank.source ? bank.source->bit : bank.constant);
  }
  return numbers;
}

/// Banks in use in a row; bit d of `lastChunks` tells that the row holds the
/// last chunk of dimension d, which may be ragged.
std::vector<uint64_t> Footprint::banksUsed(uint32_t lastChunks) const {
  uint32_t lanes = uint32_t(1) << banks.size();
  std::vector<uint64_t> mask((lanes + 63) / 64);
  llvm::SmallVector<int64_t, 8> low(dims.size());
  for (uint32_t bank = 0; bank < lanes; ++bank) {
    low.assign(dims.size(), 0);
    bool used = true;
    for (auto [j, bit] : llvm::enumerate(banks)) {
      bool set = bank >> j & 1;
      if (bit.source)
        low[bit.source->mode] |= int64_t(set) << bit.source->bit;
      else
        used &= set == bit.constant;
    }
    for (auto [d, dim] : llvm::enumerate(dims))
      if (lastChunks >> d & 1)
        used &= ((dim.chunks() - 1) << dim.lowBits) + low[d] < dim.size;
    if (used)
      mask[bank / 64] |= uint64_t(1) << bank % 64;
  }
  return mask;
}

bool Footprint::forEachRow(
    llvm::function_ref<bool(int64_t, RowMask)> visit) const {
  llvm::DenseMap<uint32_t, std::vector<uint64_t>> masks;
  llvm::SmallVector<int64_t, 8> chunk(dims.size(), 0);
  while (true) {
    int64_t row = 0;
    uint32_t lastChunks = 0;
    for (auto [d, dim] : llvm::enumerate(dims)) {
      row += chunk[d] * dim.rowStride;
      bool ragged = dim.size % (int64_t(1) << dim.lowBits);
      if (ragged && chunk[d] == dim.chunks() - 1)
        lastChunks |= uint32_t(1) << d;
    }
    auto [it, isNew] = masks.try_emplace(lastChunks);
    if (isNew)
      it->second = banksUsed(lastChunks);
    for (int64_t plane = 0; plane < planes; ++plane)
      if (!visit(baseRow + row * planes + plane, it->second))
        return false;
    unsigned d = 0;
    while (d < dims.size() && ++chunk[d] == dims[d].chunks())
      chunk[d++] = 0;
    if (d == dims.size())
      return true;
  }
}

bool WordSet::containsAll(const Footprint &footprint) const {
  return footprint.forEachRow([&](int64_t r, Footprint::RowMask mask) {
    const uint64_t *own = row(r);
    if (!own)
      return false;
    for (auto [i, word] : llvm::enumerate(mask))
      if (word & ~own[i])
        return false;
    return true;
  });
}

bool WordSet::containsNone(const Footprint &footprint) const {
  return footprint.forEachRow([&](int64_t r, Footprint::RowMask mask) {
    if (const uint64_t *own = row(r))
      for (auto [i, word] : llvm::enumerate(mask))
        if (word & own[i])
          return false;
    return true;
  });
}

void WordSet::insert(const Footprint &footprint) {
  footprint.forEachRow([&](int64_t r, Footprint::RowMask mask) {
    auto *own = const_cast<uint64_t *>(row(r));
    assert(own && "a row outside the set");
    for (auto [i, word] : llvm::enumerate(mask))
      own[i] |= word;
    return true;
  });
}
