//===- DramMemory.h - Arrays in DRAM ----------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// The regions of a program's DRAM as arrays of floats, with a shadow bit per
/// element that says whether it was written. Where regions lie and what a
/// transfer costs is no matter of values.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_SIMULATOR_DRAMMEMORY_H
#define FETTA_SIMULATOR_DRAMMEMORY_H

#include "fetta/Program/Program.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/Error.h"

#include <optional>
#include <vector>

namespace fetta {

class DramMemory {
public:
  /// All elements count as never written. Memory is taken when a region is
  /// first used.
  explicit DramMemory(const Program &program);

  size_t regions() const { return arrays.size(); }
  /// Fills a region; `values` are row-major in its shape. BF16 regions take
  /// values rounded to nearest even. An error names the region if the number of
  /// values is wrong.
  llvm::Error store(uint32_t region, llvm::ArrayRef<float> values);
  /// All elements of a region; one that was never written is an error.
  llvm::Expected<std::vector<float>> load(uint32_t region) const;

  /// Elements of a region; fails where its shape means nothing or asks for more
  /// memory than a program can be checked for.
  llvm::Expected<int64_t> elements(uint32_t region) const;
  /// Sets one element, which must exist, to a value that its type holds.
  void put(uint32_t region, int64_t element, float value);
  /// An element that exists; nothing if it was never written.
  std::optional<float> get(uint32_t region, int64_t element) const;

private:
  struct Array {
    std::vector<float> values;
    std::vector<bool> written;
  };
  void allocate(uint32_t region, int64_t count);

  std::vector<DramRegion> entries;
  std::vector<Array> arrays;
};

} // namespace fetta

#endif // FETTA_SIMULATOR_DRAMMEMORY_H
