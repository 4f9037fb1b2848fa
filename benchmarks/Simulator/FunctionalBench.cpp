//===- FunctionalBench.cpp - Multiply-adds per second ---------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Times runProgram on one core, by tables and lane by lane, next to a matrix
// product in plain loops. Arguments that are no options of Google Benchmark
// name programs (.fbin), which get random inputs.
//
//===----------------------------------------------------------------------===//

#include "TestPrograms.h"
#include "fetta/Mapping/Mapping.h"
#include "fetta/Simulator/Functional.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/raw_ostream.h"

#include <benchmark/benchmark.h>

using namespace fetta;
using namespace fetta::test;

namespace {

void setRate(benchmark::State &state, int64_t multiplyAdds) {
  state.counters["MAC/s"] = benchmark::Counter(
      double(multiplyAdds), benchmark::Counter::kIsIterationInvariantRate);
}

void runValues(benchmark::State &state, const Program &program,
               ValuePath path) {
  TensorMemory memory(program.machine);
  std::mt19937_64 random(1);
  for (const TensorEntry &tensor : program.tensors)
    if (isPreloaded(tensor.role))
      must(memory.store(
          tensor, randomValues(random, size_t(tensor.layout.elements()))));
  int64_t multiplyAdds = 0;
  for (auto _ : state) {
    auto counters = must(runProgram(program, memory, nullptr,
                                    std::numeric_limits<int64_t>::max(), path));
    multiplyAdds = 0;
    for (const Counters &c : counters)
      multiplyAdds += c.multiplyAdds;
  }
  setRate(state, multiplyAdds);
}

/// A matrix product as the mapper maps it.
RandomContraction matrixProduct(const Machine &machine, int64_t m, int64_t n,
                                int64_t k) {
  ContractionSpec spec;
  spec.sizes = {m, n, k};
  spec.modes = {{{0, 2}, {2, 1}, {0, 1}}};
  MappedContraction mapped = must(mapContraction(spec, machine));
  for (OperandId id : {OperandA, OperandB, OperandC})
    mapped.nest.operands[id].slab = id;
  RandomContraction contraction;
  contraction.sizes = spec.sizes;
  contraction.modes = spec.modes;
  contraction.layouts = mapped.layouts;
  contraction.offsets.emplace_back(3, 0);
  contraction.nests = {std::move(mapped.nest)};
  return contraction;
}

/// The same product in three plain loops over floats, innermost along rows of
/// B, which compilers vectorise: what the numbers alone cost on this core.
void plainLoops(benchmark::State &state, int64_t m, int64_t n, int64_t k) {
  std::mt19937_64 random(1);
  auto a = randomValues(random, size_t(m * k));
  auto b = randomValues(random, size_t(k * n));
  for (auto _ : state) {
    std::vector<float> c(size_t(m * n), 0.0f);
    for (int64_t i = 0; i < m; ++i)
      for (int64_t j = 0; j < k; ++j) {
        float x = a[size_t(i * k + j)];
        const float *row = &b[size_t(j * n)];
        float *sums = &c[size_t(i * n)];
        for (int64_t l = 0; l < n; ++l)
          sums[l] += x * row[l];
      }
    benchmark::DoNotOptimize(c.data());
  }
  setRate(state, m * n * k);
}

void add(const std::string &name, const Program &program) {
  for (auto [suffix, path] : {std::pair{"/tables", ValuePath::Tables},
                              std::pair{"/lanes", ValuePath::Lanes}})
    benchmark::RegisterBenchmark(
        (name + suffix).c_str(),
        [&program, path = path](benchmark::State &state) {
          runValues(state, program, path);
        })
        ->Unit(benchmark::kMillisecond);
}

} // namespace

int main(int argc, char **argv) {
  benchmark::Initialize(&argc, argv);
  Machine machine = loadMachine("fetta-edge");
  std::vector<std::unique_ptr<Program>> programs;
  auto keep = [&](Program program) -> const Program & {
    programs.push_back(std::make_unique<Program>(std::move(program)));
    return *programs.back();
  };

  add("matrix-512",
      keep(programOf(matrixProduct(machine, 512, 512, 512), machine)));
  benchmark::RegisterBenchmark(
      "matrix-512/plain-loops",
      [](benchmark::State &state) { plainLoops(state, 512, 512, 512); })
      ->Unit(benchmark::kMillisecond);
  add("matrix-500", // Edges in every mode.
      keep(programOf(matrixProduct(machine, 500, 498, 501), machine)));
  for (int i = 1; i < argc; ++i) {
    auto file = llvm::MemoryBuffer::getFile(argv[i]);
    if (!file) {
      llvm::errs() << "cannot read '" << argv[i]
                   << "': " << file.getError().message() << '\n';
      return 1;
    }
    llvm::Expected<Program> program = decodeProgram(
        llvm::arrayRefFromStringRef<uint8_t>((*file)->getBuffer()), nullptr);
    if (!program) {
      llvm::errs() << argv[i] << ": " << llvm::toString(program.takeError())
                   << '\n';
      return 1;
    }
    program = expandRepeats(std::move(*program));
    if (!program) {
      llvm::errs() << argv[i] << ": " << llvm::toString(program.takeError())
                   << '\n';
      return 1;
    }
    add(argv[i], keep(std::move(*program)));
  }
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
