//===- RandomSpecs.h - Random ragged contractions ---------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Machines, contractions and layouts at random, from one seed, for the
/// property tests of the mapper.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_UNITTESTS_MAPPING_RANDOMSPECS_H
#define FETTA_UNITTESTS_MAPPING_RANDOMSPECS_H

#include "fetta/Machine/Machine.h"
#include "fetta/Mapping/Mapping.h"

#include "gtest/gtest.h"

#include <algorithm>
#include <cstdlib>
#include <random>

namespace fetta::test {

/// FETTA_TEST_SEED repeats or varies a run.
class RandomSpecs : public ::testing::Test {
protected:
  RandomSpecs() : engine(readSeed()) {}

  static uint64_t readSeed() {
    const char *text = std::getenv("FETTA_TEST_SEED");
    uint64_t seed = text ? std::strtoull(text, nullptr, 10) : 20251;
    std::printf("seed %llu (FETTA_TEST_SEED)\n", (unsigned long long)seed);
    return seed;
  }

  int64_t uniform(int64_t low, int64_t high) {
    return low + int64_t(engine() % uint64_t(high - low + 1));
  }
  bool chance(int64_t percent) { return uniform(1, 100) <= percent; }

  Machine randomMachine() {
    static const unsigned shapes[][3] = {{2, 2, 2}, {4, 2, 2}, {6, 2, 2},
                                         {2, 1, 3}, {4, 1, 3}, {2, 3, 1},
                                         {4, 3, 1}, {0, 1, 1}, {1, 0, 2}};
    const unsigned *shape = shapes[uniform(0, std::size(shapes) - 1)];
    Machine machine;
    machine.ceBits = shape[0];
    machine.peRowBits = shape[1];
    machine.peColumnBits = shape[2];
    machine.rowsPerSlab = int64_t(1) << 40; // Some layouts are poor.
    return machine;
  }

  /// Sizes that are mostly no powers of two; at most `limit` multiply-adds.
  ContractionSpec randomSpec(int64_t limit, unsigned mostModes) {
    ContractionSpec spec;
    unsigned modes = unsigned(uniform(0, mostModes));
    for (unsigned m = 0; m < modes; ++m) {
      int64_t size = chance(15) ? 1 : uniform(1, chance(30) ? 40 : 13);
      if (size > limit)
        size = 1;
      limit /= size;
      spec.sizes.push_back(size);
      unsigned missing = unsigned(uniform(0, 3)); // 3: in all, a batch mode.
      for (unsigned id = 0; id < 3; ++id)
        if (id != missing)
          spec.modes[id].push_back(m);
    }
    for (auto &list : spec.modes)
      std::shuffle(list.begin(), list.end(), engine);
    if (chance(50))
      spec.resultType = ElementType::F32;
    if (chance(60))
      spec.dataflow = Dataflow(uniform(0, 2));
    return spec;
  }

  /// Few to many bank bits, any bank, chunks in any order.
  Layout randomLayout(llvm::ArrayRef<int64_t> sizes, const Machine &machine) {
    llvm::SmallVector<unsigned, 8> lowBits(sizes.size(), 0);
    llvm::SmallVector<BankBit, 8> banks;
    unsigned want = unsigned(uniform(0, machine.laneBits()));
    for (unsigned i = 0; i < want && !sizes.empty(); ++i) {
      unsigned d = unsigned(uniform(0, int64_t(sizes.size()) - 1));
      if (lowBits[d] <= llvm::Log2_64_Ceil(uint64_t(sizes[d])))
        banks.push_back({ModeBit{d, lowBits[d]++}, false});
    }
    while (banks.size() < machine.laneBits())
      banks.push_back({std::nullopt, chance(30)});
    std::shuffle(banks.begin(), banks.end(), engine);
    llvm::SmallVector<unsigned, 8> order;
    for (unsigned d = 0; d < sizes.size(); ++d)
      order.push_back(d);
    std::shuffle(order.begin(), order.end(), engine);
    return Layout::packed(sizes, banks, order);
  }
  Layout randomLayout(const ContractionSpec &spec, unsigned id,
                      const Machine &machine) {
    llvm::SmallVector<int64_t, 8> sizes;
    for (unsigned m : spec.modes[id])
      sizes.push_back(spec.sizes[m]);
    return randomLayout(sizes, machine);
  }

  static std::string show(const ContractionSpec &spec, const Nest &nest) {
    std::string text = "sizes";
    for (int64_t size : spec.sizes)
      text += " " + std::to_string(size);
    return text + "\n" + describe(nest, {});
  }

  std::mt19937_64 engine;
};

} // namespace fetta::test

#endif // FETTA_UNITTESTS_MAPPING_RANDOMSPECS_H
