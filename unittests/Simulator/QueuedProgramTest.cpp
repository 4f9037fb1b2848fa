//===- QueuedProgramTest.cpp - Values of programs for all queues ----------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Random programs against a reference that knows tensors and regions as plain
// arrays, in the order of the stream; and in other legal orders.
//
//===----------------------------------------------------------------------===//

#include "RandomQueuedProgram.h"
#include "fetta/Program/Order.h"
#include "fetta/Simulator/Functional.h"
#include "fetta/Support/BFloat16.h"

#include "llvm/ADT/STLExtras.h"

#include "gtest/gtest.h"

using namespace fetta;
using namespace fetta::test;

namespace {

/// Arrays of the tensors and of the regions that exist.
struct Arrays {
  std::vector<std::vector<float>> tensors, regions;
};

Arrays inputs(const Program &program, uint64_t seed) {
  std::mt19937_64 random(seed);
  Arrays arrays;
  for (const TensorEntry &t : program.tensors)
    arrays.tensors.push_back(randomValues(random, size_t(t.layout.elements())));
  for (const DramRegion &r : program.regions)
    arrays.regions.push_back(randomValues(random, size_t(r.elements())));
  return arrays;
}

ModeArray arrayOver(const TensorEntry &tensor, llvm::ArrayRef<unsigned> modes,
                    const std::vector<float> &values) {
  ModeArray array;
  array.modes.assign(modes.begin(), modes.end());
  for (const DimLayout &dim : tensor.layout.dims)
    array.sizes.push_back(dim.size);
  array.values = values;
  return array;
}

void referenceTransfer(const Dma &dma, const TensorEntry &tensor,
                       std::vector<float> &values, std::vector<float> &region) {
  std::vector<int64_t> index(tensor.layout.dims.size(), 0);
  for (float &value : values) {
    int64_t at = dma.offset;
    for (size_t d = 0; d < index.size(); ++d)
      at += index[d] * dma.strides[d];
    (dma.store ? region.at(size_t(at)) : value) =
        dma.store ? value : region.at(size_t(at));
    for (size_t d = index.size(); d-- > 0;) {
      if (++index[d] < tensor.layout.dims[d].size)
        break;
      index[d] = 0;
    }
  }
}

/// What tensors and regions hold in the end.
Arrays reference(const QueuedProgram &queued, Arrays arrays) {
  const Program &program = queued.program;
  std::optional<ReferenceSums> sums;
  auto next = queued.contractions.begin();
  for (size_t i = 0; i < program.code.size(); ++i) {
    if (const auto *dma = std::get_if<Dma>(&program.code[i]))
      referenceTransfer(*dma, program.tensors[dma->tensor],
                        arrays.tensors[dma->tensor],
                        arrays.regions[dma->region]);
    const auto *contract = std::get_if<Contract>(&program.code[i]);
    if (!contract)
      continue;
    EXPECT_EQ(next->instruction, i);
    auto array = [&](OperandId id) {
      uint32_t t = contract->tensors[id];
      return arrayOver(program.tensors[t], next->modes[id], arrays.tensors[t]);
    };
    std::vector<float> &result = arrays.tensors[contract->tensors[OperandC]];
    if (contract->nest.clearAtStart) {
      sums.emplace(array(OperandC));
      if (contract->nest.accumulate) {
        sums->array.values = arrays.tensors[sumsTensor(*contract)];
        sums->started.assign(result.size(), true);
      }
    }
    referenceContract(contract->nest,
                      {next->offsets.begin(), next->offsets.end()},
                      array(OperandA), array(OperandB), *sums);
    if (contract->nest.drainAtEnd)
      result = referenceDrain(*sums, contract->nest.c().elementType);
    ++next;
  }
  return arrays;
}

/// Counting leaves out the values and nothing else.
void expectCounted(const Program &program, llvm::ArrayRef<Counters> counters) {
  unsigned calls = 0;
  int64_t before = -1, beats = 0;
  ExecutionOptions options;
  options.progress = [&](int64_t done, int64_t all) {
    EXPECT_LT(before, done);
    EXPECT_LT(done, all);
    before = done;
    beats = all;
    ++calls;
  };
  std::vector<Counters> counted = must(countProgram(program, options));
  ASSERT_EQ(counted.size(), counters.size());
  int64_t beatsOfAll = 0;
  for (size_t i = 0; i < counters.size(); ++i) {
    beatsOfAll += counters[i].beats;
    calls -= counters[i].beats > 0;
#define FETTA_COUNTER(name, text)                                              \
  EXPECT_EQ(counted[i].name, counters[i].name) << "instruction " << i;
    FETTA_COUNTERS(FETTA_COUNTER)
#undef FETTA_COUNTER
  }
  EXPECT_EQ(beats, beatsOfAll);
  EXPECT_EQ(calls, 0u);
}

/// What the host collects, after a run in some order with NaN in all memory
/// that nobody wrote.
llvm::Expected<Arrays> run(const Program &program, const Arrays &arrays,
                           llvm::ArrayRef<uint32_t> order, ValuePath path) {
  TensorMemory memory(program.machine);
  DramMemory dram(program);
  for (auto [t, tensor] : llvm::enumerate(program.tensors))
    if (isPreloaded(tensor.role))
      must(memory.store(tensor, arrays.tensors[t]));
  for (auto [r, region] : llvm::enumerate(program.regions))
    if (isPreloaded(region.role))
      must(dram.store(uint32_t(r), arrays.regions[r]));
  memory.poison(0xFFA5);
  ExecutionOptions options;
  options.order = order;
  options.path = path;
  auto counters = runProgram(program, memory, dram, options);
  if (!counters)
    return counters.takeError();
  if (order.empty())
    expectCounted(program, *counters);
  Arrays results;
  for (const TensorEntry &tensor : program.tensors)
    results.tensors.push_back(isCollected(tensor.role)
                                  ? must(memory.load(tensor))
                                  : std::vector<float>());
  for (auto [r, region] : llvm::enumerate(program.regions))
    results.regions.push_back(isCollected(region.role)
                                  ? must(dram.load(uint32_t(r)))
                                  : std::vector<float>());
  return results;
}

void expectEqual(llvm::ArrayRef<float> got, llvm::ArrayRef<float> wanted,
                 const std::string &name) {
  ASSERT_EQ(got.size(), wanted.size()) << name;
  for (size_t i = 0; i < got.size(); ++i)
    ASSERT_EQ(floatToBits(got[i]), floatToBits(wanted[i]))
        << name << ", element " << i << ": " << got[i] << " instead of "
        << wanted[i];
}

TEST(QueuedPrograms, ValuesInEveryLegalOrder) {
  unsigned accumulating = 0, rounding = 0, transposed = 0, relays = 0,
           reused = 0;
  for (uint64_t seed = 500; seed < 560; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Machine machine = smallMachine(2 + seed % 2, 1 + seed / 2 % 2, 1);
    QueuedProgramOptions options;
    options.seed = seed;
    QueuedProgram queued = randomQueuedProgram(machine, options);
    Program program = throughBinary(queued.program);
    Arrays arrays = inputs(program, seed);
    Arrays wanted = reference(queued, arrays);
    for (uint64_t shuffle = 0; shuffle < 4; ++shuffle) {
      SCOPED_TRACE("shuffle " + std::to_string(shuffle));
      std::vector<uint32_t> order;
      if (shuffle)
        order = shuffledOrder(program, seed * 10 + shuffle);
      auto got = run(program, arrays, order,
                     shuffle % 2 ? ValuePath::Lanes : ValuePath::Tables);
      ASSERT_TRUE(bool(got)) << llvm::toString(got.takeError());
      for (size_t t = 0; t < program.tensors.size(); ++t)
        if (isCollected(program.tensors[t].role))
          expectEqual(got->tensors[t], wanted.tensors[t],
                      program.tensors[t].name);
      for (size_t r = 0; r < program.regions.size(); ++r)
        if (isCollected(program.regions[r].role))
          expectEqual(got->regions[r], wanted.regions[r],
                      program.regions[r].name);
      if (HasFatalFailure())
        return;
    }
    for (const Instruction &instruction : program.code) {
      if (const auto *contract = std::get_if<Contract>(&instruction)) {
        accumulating += contract->nest.accumulate;
        rounding += contract->nest.roundsSums();
      }
      if (const auto *dma = std::get_if<Dma>(&instruction))
        transposed += !llvm::is_sorted(llvm::reverse(dma->strides));
      relays += std::holds_alternative<Sync>(instruction);
    }
    for (const TensorEntry &a : program.tensors)
      for (const TensorEntry &b : program.tensors)
        reused += &a < &b && a.slab == b.slab &&
                  a.baseRow < b.baseRow + b.physicalRows() &&
                  b.baseRow < a.baseRow + a.physicalRows();
  }
  // The draws have what they are made for.
  EXPECT_GT(accumulating, 20u);
  EXPECT_GT(rounding, 10u);
  EXPECT_GT(transposed, 100u);
  EXPECT_GT(relays, 50u);
  EXPECT_GT(reused, 200u);
}

} // namespace
