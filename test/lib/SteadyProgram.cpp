//===- SteadyProgram.cpp - Programs that repeat a body --------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SteadyProgram.h"

#include "TestPrograms.h"
#include "fetta/Mapping/Mapping.h"

using namespace fetta;
using namespace fetta::test;

namespace {

// Semaphores. Tokens of XFree and YFree say that the slab may be written.
enum : uint8_t { XThere = 1, XFree, YThere, YFree, SumsThere };

Tokens tokensOf(Token wait, Token second, Token signal) {
  Tokens tokens;
  tokens.waits = {wait, second};
  tokens.signals[0] = signal;
  return tokens;
}

class Slices {
public:
  Slices(const Machine &machine, const SteadyOptions &options)
      : options(options), builder(machine) {
    std::mt19937_64 random(options.seed);
    ContractionSpec spec;
    for (unsigned mode = 0; mode < 3; ++mode)
      spec.sizes.push_back(int64_t(1 + random() % 9));
    spec.modes = {llvm::SmallVector<unsigned, 8>{0, 1}, {1, 2}, {0, 2}};
    if (random() % 2)
      spec.dataflow = Dataflow(random() % 3);
    MappedContraction product = must(mapContraction(spec, machine));
    spec.resultType = ElementType::F32;
    spec.accumulates = true;
    spec.layouts[OperandA] = product.layouts[OperandA];
    spec.layouts[OperandB] = product.layouts[OperandB];
    MappedContraction sums = must(mapContraction(spec, machine));
    nests = {product.nest, sums.nest};
    for (Nest &nest : nests) {
      nest.operands[OperandA].slab = 0;
      nest.operands[OperandB].slab = 1;
      nest.operands[OperandC].slab = &nest == &nests[0] ? 2 : 3;
      auto words = routesOf(nest, machine);
      for (unsigned net = 0; net < 3; ++net)
        routes[&nest - nests.data()][net] =
            builder.addRoute(std::move(words[net]));
    }
    layouts = {product.layouts[0], product.layouts[1], product.layouts[2],
               sums.layouts[2]};
    int64_t slices = 1 + int64_t(options.iterations);
    region("x", slices, 0, TensorRole::Input);
    region("w", 1, 1, TensorRole::Param);
    region("y", slices - 1, 2, TensorRole::Result);
    region("s", 1, 3, TensorRole::Result);
    for (unsigned id = 0; id < 4; ++id)
      tensor(id);
    op = builder.addOp({"product", "m k, k n -> m n", "", Phase::Forward});
  }

  Program run() {
    transfer(1, 0, 0, {}, {XThere, 1});
    transfer(0, 0, 0, {}, {XThere, 1});
    contract(1, tokensOf({XThere, 2}, {}, {XFree, 1}), false);
    builder.addSync({Queue::Store, tokensOf({}, {}, {YFree, 1})});
    if (options.form == SteadyOptions::Rolled) {
      builder.beginRepeat(options.iterations);
      slice(0, true);
      builder.endRepeat();
    } else {
      for (int64_t n = 0; n < options.iterations; ++n)
        slice(n, false);
    }
    builder.addSync({Queue::Load, tokensOf({XFree, 1}, {}, {})});
    builder.addSync(
        {Queue::Contract, tokensOf({YFree, 1}, {}, {SumsThere, 1})});
    transfer(3, 0, 0, {SumsThere, 1}, {});
    return std::move(builder).finish();
  }

private:
  void region(const char *name, int64_t slices, unsigned id, TensorRole role) {
    DramRegion r;
    r.name = name;
    r.shape.push_back(slices);
    for (const DimLayout &dim : layouts[id].dims)
      r.shape.push_back(dim.size);
    r.elementType = id == 3 ? ElementType::F32 : ElementType::BF16;
    r.role = role;
    r.byteAddress = address;
    address += (r.bytes() + 63) / 64 * 64;
    builder.addRegion(std::move(r));
  }

  void tensor(unsigned id) {
    TensorEntry t;
    t.name = "t" + std::to_string(id);
    for (const DimLayout &dim : layouts[id].dims)
      t.shape.push_back(dim.size);
    t.elementType = id == 3 ? ElementType::F32 : ElementType::BF16;
    t.layout = layouts[id];
    t.slab = id;
    tensors[id] = builder.addTensor(std::move(t));
  }

  /// Between tensor and region `id`.
  void transfer(unsigned id, int64_t offset, int64_t advance, Token wait,
                Token signal) {
    Dma dma;
    dma.store = id >= 2;
    dma.region = id;
    dma.tensor = tensors[id];
    dma.offset = offset;
    dma.advance = advance;
    const auto &dims = layouts[id].dims;
    int64_t stride = 1;
    dma.strides.resize(dims.size());
    for (size_t d = dims.size(); d-- > 0; stride *= dims[d].size)
      dma.strides[d] = dims[d].size == 1 ? 0 : stride;
    dma.tokens = tokensOf(wait, {}, signal);
    builder.addDma(std::move(dma));
  }

  void contract(unsigned which, Tokens tokens, bool accumulate) {
    Nest nest = nests[which];
    nest.accumulate = accumulate;
    builder.addContract(std::move(nest),
                        {tensors[0], tensors[1], tensors[2 + which]},
                        routes[which], op, tokens);
  }

  /// Number n of those that the repeat runs.
  void slice(int64_t n, bool advances) {
    if (options.form == SteadyOptions::OwnTensors) {
      tensor(0);
      tensor(2);
    }
    int64_t x = layouts[0].elements(), y = layouts[2].elements();
    transfer(0, x * (n + 1), advances ? x : 0, {XFree, 1}, {XThere, 1});
    contract(0, tokensOf({XThere, 1}, {YFree, 1}, {YThere, 1}), false);
    contract(1, tokensOf({}, {}, {XFree, 1}), true);
    transfer(2, y * n, advances ? y : 0, {YThere, 1}, {YFree, 1});
  }

  SteadyOptions options;
  ProgramBuilder builder;
  std::array<Nest, 2> nests; ///< Y, S.
  std::array<std::array<uint32_t, 3>, 2> routes;
  std::array<Layout, 4> layouts;   ///< Of X, W, Y, S.
  std::array<uint32_t, 4> tensors; ///< The latest.
  int64_t address = 0;
  uint32_t op = 0;
};

} // namespace

Program fetta::test::steadyProgram(const Machine &machine,
                                   const SteadyOptions &options) {
  return Slices(machine, options).run();
}
