//===- TimingBench.cpp - Events per second of the timing model ------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Times timeProgram on one core. An event is a step that the model takes: a
// part of a block of beats, a stationary load, the drain of a tile or a scope,
// a reload, a route load, a transfer, a row in a staging buffer. Arguments that
// are no options of Google Benchmark name programs (.fbin).
//
//===----------------------------------------------------------------------===//

#include "TestPrograms.h"
#include "fetta/Mapping/Mapping.h"
#include "fetta/Simulator/Timing.h"

#include "llvm/Support/MemoryBuffer.h"

#include <benchmark/benchmark.h>

using namespace fetta;
using namespace fetta::test;

namespace {

/// Slices of a batch one after the other, each a chain of dependent products as
/// wide as those of a tensor-train layer: [m, 96] times [96, 12], [m, 12] times
/// [12, 96] and so on, `wide` of them with m = 1,024 and the others with m
/// = 16. Its first operand comes from DRAM into one of two buffers, its last
/// result goes there.
class Slices {
public:
  explicit Slices(Machine machine)
      : machine(std::move(machine)), builder(this->machine) {}

  Program run(int slices, int wide, int narrow) {
    for (int64_t m : {1024, 16})
      for (int64_t k : {96, 12})
        products.push_back(map(m, k));
    for (int slice = 0; slice < slices; ++slice)
      addSlice(slice, wide, narrow);
    return std::move(builder).finish();
  }

private:
  struct Product {
    int64_t m, k, n;
    MappedContraction mapped;
    std::array<uint32_t, 3> routes;
  };

  Product map(int64_t m, int64_t k) {
    Product product{m, k, 108 - k, {}, {}};
    ContractionSpec spec;
    spec.sizes = {m, k, product.n};
    spec.modes = {llvm::SmallVector<unsigned, 8>{0, 1}, {1, 2}, {0, 2}};
    // What a product writes the next one of its size reads.
    if (k == 12)
      spec.layouts[OperandA] = products.back().mapped.layouts[OperandC];
    product.mapped = must(mapContraction(spec, machine));
    auto words = routesOf(product.mapped.nest, machine);
    for (unsigned net = 0; net < 3; ++net)
      product.routes[net] = builder.addRoute(std::move(words[net]));
    return product;
  }

  uint32_t tensor(const Layout &layout, int64_t slab, int64_t row) {
    TensorEntry entry;
    entry.name = "t" + std::to_string(count++);
    for (const DimLayout &dim : layout.dims)
      entry.shape.push_back(dim.size);
    entry.layout = layout;
    entry.slab = slab;
    entry.baseRow = row;
    return builder.addTensor(entry);
  }

  Dma transfer(uint32_t tensor, const Layout &layout, bool store) {
    DramRegion region;
    region.name = "r" + std::to_string(count++);
    for (const DimLayout &dim : layout.dims)
      region.shape.push_back(dim.size);
    region.byteAddress = address;
    address += region.bytes();
    Dma dma;
    dma.store = store;
    dma.region = builder.addRegion(region);
    dma.tensor = tensor;
    dma.strides = {layout.dims[1].size, 1};
    return dma;
  }

  void addSlice(int slice, int wide, int narrow) {
    uint32_t previous = 0;
    for (int i = 0; i < wide + narrow; ++i) {
      const Product &p = products[size_t((i < wide ? 0 : 2) + i % 2)];
      bool first = i == 0 || i == wide;
      // Two buffers of 512 rows in each of the slabs.
      int64_t row = 512 * (i / 4 % 2);
      int64_t in = i % 3, out = (i + 1) % 3;
      Tokens tokens;
      std::array<uint32_t, 3> tensors;
      if (first) {
        in = 3;
        tensors[0] = tensor(p.mapped.layouts[0], 3, 512 * (slice % 2));
        if (i == 0) {
          Dma load = transfer(tensors[0], p.mapped.layouts[0], false);
          if (slice >= 2)
            load.tokens.waits[0] = {1, 1};
          load.tokens.signals[0] = {0, 1};
          tokens.waits[0] = {0, 1};
          builder.addDma(load);
        }
      } else {
        tensors[0] = previous;
      }
      tensors[1] = tensor(p.mapped.layouts[1], (i + 2) % 3, 1500);
      tensors[2] = tensor(p.mapped.layouts[2], out, row);
      Nest nest = p.mapped.nest;
      const std::array<int64_t, 3> slabs = {in, (i + 2) % 3, out};
      const std::array<int64_t, 3> rows = {first ? 512 * (slice % 2) : lastRow,
                                           1500, row};
      for (unsigned id = 0; id < 3; ++id) {
        nest.operands[id].slab = slabs[id];
        nest.operands[id].baseRow = rows[id];
      }
      bool last = i + 1 == wide + narrow;
      if (last)
        tokens.signals = {Token{1, 1}, Token{2, 1}};
      uint32_t op = builder.addOp({"contract", "", "", {}});
      builder.addContract(nest, tensors, p.routes, op, tokens);
      if (last) {
        Dma store = transfer(tensors[2], p.mapped.layouts[2], true);
        store.tokens.waits[0] = {2, 1};
        builder.addDma(store);
      }
      previous = tensors[2];
      lastRow = row;
    }
  }

  Machine machine;
  ProgramBuilder builder;
  std::vector<Product> products;
  int64_t address = 0, lastRow = 0;
  int count = 0;
};

void timeOf(benchmark::State &state, const Program &program) {
  ProgramTiming timing;
  for (auto _ : state)
    timing = timeProgram(program);
  auto rate = [&](int64_t count) {
    return benchmark::Counter(double(count),
                              benchmark::Counter::kIsIterationInvariantRate);
  };
  state.counters["events/s"] = rate(timing.events);
  state.counters["beats/s"] = rate(timing.of("contract")[CycleClass::Beat]);
  state.counters["cycles/s"] = rate(timing.cycles);
  state.counters["cycles"] = double(timing.cycles);
}

} // namespace

int main(int argc, char **argv) {
  benchmark::Initialize(&argc, argv);
  // A training step of 4,096 tokens in 32 slices has as many contractions and
  // beats; a machine of few slabs' rows has slices of short products.
  Program slices = Slices(loadMachine("fetta-edge")).run(32, 7, 11);
  Program shortOnes = Slices(loadMachine("fetta-edge")).run(32, 0, 64);
  benchmark::RegisterBenchmark("slices of 1,024 rows", timeOf, slices)
      ->Unit(benchmark::kMillisecond);
  benchmark::RegisterBenchmark("slices of 16 rows", timeOf, shortOnes)
      ->Unit(benchmark::kMillisecond);
  std::vector<Program> programs;
  for (int i = 1; i < argc; ++i) {
    auto file = llvm::MemoryBuffer::getFile(argv[i]);
    if (!file) {
      llvm::errs() << "cannot read '" << argv[i] << "'\n";
      return 1;
    }
    llvm::StringRef bytes = (*file)->getBuffer();
    Program program = must(expandRepeats(
        must(decodeProgram({bytes.bytes_begin(), bytes.size()}))));
    benchmark::RegisterBenchmark(argv[i], timeOf, program)
        ->Unit(benchmark::kMillisecond);
  }
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
