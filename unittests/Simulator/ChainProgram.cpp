//===- ChainProgram.cpp - Random programs of many contractions ------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ChainProgram.h"

#include "TestPrograms.h"
#include "fetta/Mapping/Mapping.h"

using namespace fetta;
using namespace fetta::test;

namespace {

class Chain {
public:
  Chain(const Machine &machine, const ChainOptions &options)
      : machine(machine), options(options), builder(machine),
        random(options.seed), nextRow(size_t(machine.slabs), 0) {}

  Program run() {
    for (unsigned i = 0; i < options.contractions; ++i)
      multiply(i);
    // Every result that nobody read is one for the host.
    for (Matrix &matrix : matrices)
      if (options.transfers && matrix.isResult)
        store(matrix);
    return std::move(builder).finish();
  }

private:
  struct Matrix {
    uint32_t tensor;
    int64_t rows, columns;
    Layout layout;
    int64_t slab;
    bool isResult = false;
  };
  int64_t draw(int64_t below) { return int64_t(random() % uint64_t(below)); }

  uint32_t place(const char *prefix, std::initializer_list<int64_t> shape,
                 const Layout &layout, int64_t slab, TensorRole role) {
    TensorEntry tensor;
    tensor.name = prefix + std::to_string(count++);
    tensor.shape.assign(shape.begin(), shape.end());
    tensor.layout = layout;
    tensor.slab = slab;
    tensor.baseRow = nextRow[size_t(slab)];
    tensor.role = role;
    nextRow[size_t(slab)] += tensor.physicalRows();
    baseRows.push_back(tensor.baseRow);
    return builder.addTensor(std::move(tensor));
  }

  /// Y[m, n] = A[m, k] B[k, n], A a matrix that is there or a new one.
  void multiply(unsigned step) {
    const Matrix *left = nullptr;
    if (!matrices.empty() && !options.independent && draw(4))
      left = &matrices[matrices.size() - 1 -
                       size_t(draw(
                           std::min<int64_t>(3, int64_t(matrices.size()))))];
    ContractionSpec spec;
    spec.modes = {llvm::SmallVector<unsigned, 8>{0, 1}, {1, 2}, {0, 2}};
    int64_t m = left ? left->rows : 1 + draw(options.maxSize);
    int64_t k = left ? left->columns : 1 + draw(options.maxSize);
    spec.sizes = {m, k, 1 + draw(options.maxSize)};
    if (left)
      spec.layouts[OperandA] = left->layout;
    if (draw(3) == 0)
      spec.dataflow = Dataflow(draw(3));
    MappedContraction mapped = must(mapContraction(spec, machine));
    Nest nest = mapped.nest;

    std::array<uint32_t, 3> tensors;
    std::array<int64_t, 3> slabs;
    for (unsigned id = 0; id < 3; ++id)
      slabs[id] =
          options.oneSlab
              ? 0
              : (step * (options.independent ? 3 : 1) + id) % machine.slabs;
    TensorRole fed =
        options.transfers ? TensorRole::Temporary : TensorRole::Input;
    Tokens tokens;
    if (left) {
      tensors[0] = left->tensor;
      slabs[0] = left->slab;
    } else {
      tensors[0] = place("A", {m, k}, mapped.layouts[0], slabs[0], fed);
      load(tensors[0], mapped.layouts[0], tokens.waits[0]);
    }
    tensors[1] =
        place("B", {k, spec.sizes[2]}, mapped.layouts[1], slabs[1], fed);
    load(tensors[1], mapped.layouts[1], tokens.waits[0]);
    tensors[2] =
        place("Y", {m, spec.sizes[2]}, mapped.layouts[2], slabs[2],
              options.transfers ? TensorRole::Temporary : TensorRole::Result);
    for (unsigned id = 0; id < 3; ++id) {
      nest.operands[id].slab = slabs[id];
      nest.operands[id].baseRow = baseRows[tensors[id]];
    }
    std::array<uint32_t, 3> routes;
    auto words = routesOf(nest, machine);
    for (unsigned net = 0; net < 3; ++net)
      routes[net] = builder.addRoute(std::move(words[net]));
    uint32_t op =
        builder.addOp({"contract" + std::to_string(step), "", "", {}});
    if (options.transfers)
      tokens.signals[0] = {1, 1};
    builder.addContract(nest, tensors, routes, op, tokens);
    matrices.push_back(
        {tensors[2], m, spec.sizes[2], mapped.layouts[2], slabs[2], true});
  }

  /// Adds a token of semaphore 0 to the wait; nothing where the host places.
  void load(uint32_t tensor, const Layout &layout, Token &wait) {
    if (!options.transfers)
      return;
    Dma dma = transfer(tensor, layout, TensorRole::Input);
    dma.tokens.signals[0] = {0, 1};
    builder.addDma(dma);
    ++wait.count;
  }

  /// In the order of the contractions, one token of semaphore 1 each.
  void store(const Matrix &matrix) {
    Dma dma = transfer(matrix.tensor, matrix.layout, TensorRole::Result);
    dma.store = true;
    dma.tokens.waits[0] = {1, 1};
    builder.addDma(dma);
  }

  Dma transfer(uint32_t tensor, const Layout &layout, TensorRole role) {
    DramRegion region;
    region.name = "R" + std::to_string(count++);
    for (const DimLayout &dim : layout.dims)
      region.shape.push_back(dim.size);
    region.role = role;
    region.byteAddress = address;
    address += (region.bytes() + 63) / 64 * 64;
    Dma dma;
    dma.tensor = tensor;
    dma.region = builder.addRegion(region);
    int64_t stride = 1;
    dma.strides.resize(layout.dims.size());
    for (size_t d = layout.dims.size(); d-- > 0;) {
      dma.strides[d] = layout.dims[d].size == 1 ? 0 : stride;
      stride *= layout.dims[d].size;
    }
    return dma;
  }

  const Machine &machine;
  ChainOptions options;
  ProgramBuilder builder;
  std::mt19937_64 random;
  std::vector<int64_t> nextRow;
  std::vector<int64_t> baseRows;
  std::vector<Matrix> matrices;
  int64_t address = 0;
  unsigned count = 0;
};

} // namespace

Program fetta::test::chainProgram(const Machine &machine,
                                  const ChainOptions &options) {
  Program program = Chain(machine, options).run();
  must(verifyProgram(program));
  return program;
}
