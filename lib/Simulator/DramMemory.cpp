//===- DramMemory.cpp - Arrays in DRAM ------------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Simulator/DramMemory.h"

#include "fetta/Support/BFloat16.h"
#include "fetta/Support/Error.h"

#include "llvm/Support/MathExtras.h"

using namespace fetta;

DramMemory::DramMemory(const Program &program)
    : entries(program.regions), arrays(program.regions.size()) {}

llvm::Expected<int64_t> DramMemory::elements(uint32_t region) const {
  int64_t product = 1;
  for (int64_t size : entries[region].shape)
    if (size < 1 || llvm::MulOverflow(product, size, product) ||
        product > MaxDramElements)
      return makeError("region '{0}' has an impossible shape or more than {1} "
                       "elements",
                       entries[region].name, MaxDramElements);
  return product;
}

void DramMemory::allocate(uint32_t region, int64_t count) {
  arrays[region].values.resize(size_t(count));
  arrays[region].written.resize(size_t(count));
}

llvm::Error DramMemory::store(uint32_t region, llvm::ArrayRef<float> values) {
  llvm::Expected<int64_t> count = elements(region);
  if (!count)
    return count.takeError();
  if (int64_t(values.size()) != *count)
    return makeError("region '{0}' has {1} elements, not {2}",
                     entries[region].name, *count, values.size());
  bool round = entries[region].elementType == ElementType::BF16;
  for (int64_t i = 0; i < *count; ++i)
    put(region, i, round ? roundToBF16(values[size_t(i)]) : values[size_t(i)]);
  return llvm::Error::success();
}

llvm::Expected<std::vector<float>> DramMemory::load(uint32_t region) const {
  llvm::Expected<int64_t> count = elements(region);
  if (!count)
    return count.takeError();
  const Array &array = arrays[region];
  for (int64_t i = 0; i < *count; ++i)
    if (size_t(i) >= array.written.size() || !array.written[size_t(i)])
      return makeError("element {0} of region '{1}' (row-major, of {2}) was "
                       "never written",
                       i, entries[region].name, *count);
  return array.values;
}

void DramMemory::put(uint32_t region, int64_t element, float value) {
  if (arrays[region].values.empty())
    allocate(region, entries[region].elements());
  arrays[region].values[size_t(element)] = value;
  arrays[region].written[size_t(element)] = true;
}

std::optional<float> DramMemory::get(uint32_t region, int64_t element) const {
  const Array &array = arrays[region];
  if (array.values.empty() || !array.written[size_t(element)])
    return std::nullopt;
  return array.values[size_t(element)];
}
