//===- TensorMemory.cpp - The slabs of tensor memory ----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Simulator/TensorMemory.h"

#include "fetta/Support/BFloat16.h"
#include "fetta/Support/Error.h"

using namespace fetta;

TensorMemory::TensorMemory(const Machine &machine)
    : slabs(machine.slabs), rows(machine.rowsPerSlab), lanes(machine.lanes()),
      words(size_t(slabs * rows * lanes)), shadow(words.size()) {}

void TensorMemory::poison(uint16_t bits) {
  for (size_t i = 0; i < words.size(); ++i)
    if (!shadow[i])
      words[i] = bits;
}

template <typename Visit>
llvm::Error TensorMemory::forEachElement(const TensorEntry &tensor,
                                         Visit visit) const {
  const Layout &layout = tensor.layout;
  if (!contains(tensor.slab, tensor.baseRow) ||
      !contains(tensor.slab, tensor.baseRow + tensor.physicalRows() - 1))
    return makeError("tensor '{0}' takes rows {1} to {2} of slab {3}, but "
                     "there are {4} slabs of {5} rows",
                     tensor.name, tensor.baseRow,
                     tensor.baseRow + tensor.physicalRows() - 1, tensor.slab,
                     slabs, rows);
  if (layout.banks.size() > 16 || (int64_t(1) << layout.banks.size()) > lanes)
    return makeError("tensor '{0}' names {1} bank bits, but a row has {2} "
                     "words",
                     tensor.name, layout.banks.size(), lanes);
  int64_t planes = tensor.elementType == ElementType::F32 ? 2 : 1;
  llvm::SmallVector<int64_t, 6> index(layout.dims.size(), 0);
  int64_t count = layout.elements();
  for (int64_t element = 0; element < count; ++element) {
    visit(size_t(element), tensor.baseRow + planes * layout.rowOf(index),
          layout.bankOf(index));
    for (size_t d = index.size(); d-- > 0;) {
      if (++index[d] < layout.dims[d].size)
        break;
      index[d] = 0;
    }
  }
  return llvm::Error::success();
}

llvm::Error TensorMemory::store(const TensorEntry &tensor,
                                llvm::ArrayRef<float> values) {
  if (int64_t(values.size()) != tensor.layout.elements())
    return makeError("tensor '{0}' has {1} elements, not {2}", tensor.name,
                     tensor.layout.elements(), values.size());
  return forEachElement(tensor, [&](size_t i, int64_t r, uint32_t bank) {
    auto put = [&](int64_t r, uint16_t bits) {
      row(tensor.slab, r)[bank] = bits;
      written(tensor.slab, r)[bank] = 1;
    };
    if (tensor.elementType == ElementType::BF16)
      return put(r, floatToBF16(values[i]));
    uint32_t bits = floatToBits(values[i]);
    put(r, uint16_t(bits >> 16));
    put(r + 1, uint16_t(bits));
  });
}

llvm::Expected<std::vector<float>>
TensorMemory::load(const TensorEntry &tensor) const {
  std::vector<float> values(size_t(tensor.layout.elements()));
  size_t missing = values.size();
  llvm::Error error =
      forEachElement(tensor, [&](size_t i, int64_t r, uint32_t bank) {
        bool there = written(tensor.slab, r)[bank];
        uint32_t bits = uint32_t(row(tensor.slab, r)[bank]) << 16;
        if (tensor.elementType == ElementType::F32) {
          there = there && written(tensor.slab, r + 1)[bank];
          bits |= row(tensor.slab, r + 1)[bank];
        }
        if (!there && missing == values.size())
          missing = i;
        values[i] = bitsToFloat(bits);
      });
  if (error)
    return error;
  if (missing != values.size())
    return makeError("element {0} of tensor '{1}' (row-major, of {2}) was "
                     "never written",
                     missing, tensor.name, values.size());
  return values;
}
