//===- RandomChain.cpp - Random programs of dependent contractions --------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RandomChain.h"

#include "TestPrograms.h"
#include "fetta/Mapping/Mapping.h"

using namespace fetta;
using namespace fetta::test;

namespace {

class Chain {
public:
  Chain(const Machine &machine, const RandomChainOptions &options)
      : machine(machine), options(options), random(options.seed),
        builder(machine), used(size_t(machine.slabs), 0),
        tokens(1 + int64_t(below(40))) {}

  Program draw() {
    for (unsigned done = 0, tries = 0;
         done < options.contractions && tries < 50; ++tries)
      done += tryContraction(done);
    return std::move(builder).finish();
  }

private:
  /// A tensor whose first dimension, if it is no parameter, counts tokens.
  struct Tensor {
    uint32_t id;
    llvm::SmallVector<int64_t, 4> sizes;
    Layout layout;
    int64_t slab, row;
  };
  uint64_t below(uint64_t n) { return random() % n; }
  int64_t drawSize() { return 1 + int64_t(below(below(3) ? 8 : 24)); }
  bool tryContraction(unsigned number);
  /// Puts a tensor somewhere; nothing if no slab has room.
  std::optional<Tensor> place(llvm::ArrayRef<int64_t> sizes,
                              const Layout &layout, TensorRole role,
                              ElementType type);

  const Machine &machine;
  const RandomChainOptions &options;
  std::mt19937_64 random;
  ProgramBuilder builder;
  std::vector<int64_t> used; ///< Rows of each slab.
  int64_t tokens;
  std::vector<Tensor> data; ///< What has tokens.
  unsigned inputs = 0, results = 0;
};

} // namespace

std::optional<Chain::Tensor> Chain::place(llvm::ArrayRef<int64_t> sizes,
                                          const Layout &layout, TensorRole role,
                                          ElementType type) {
  TensorEntry entry;
  bool input = isPreloaded(role);
  entry.name = (input ? "x" : "y") + std::to_string(input ? inputs : results);
  entry.shape.assign(sizes.begin(), sizes.end());
  entry.elementType = type;
  entry.role = role;
  entry.layout = layout;
  entry.slab = int64_t(below(uint64_t(machine.slabs)));
  entry.baseRow = used[size_t(entry.slab)];
  if (entry.baseRow + entry.physicalRows() > machine.rowsPerSlab)
    return std::nullopt;
  used[size_t(entry.slab)] += entry.physicalRows();
  ++(input ? inputs : results);
  Tensor tensor{
      0, {sizes.begin(), sizes.end()}, layout, entry.slab, entry.baseRow};
  tensor.id = builder.addTensor(std::move(entry));
  return tensor;
}

bool Chain::tryContraction(unsigned number) {
  // Modes: tokens, those of the data that are left alone, the one that meets
  // another tensor, a new one.
  const Tensor *a =
      data.empty() || below(8) == 0
          ? nullptr
          : &data[data.size() - 1 - below(std::min<size_t>(data.size(), 3))];
  ContractionSpec spec;
  llvm::SmallVector<int64_t, 4> sizes = {tokens, drawSize(), drawSize()};
  if (a)
    sizes.assign(a->sizes.begin(), a->sizes.end());
  spec.sizes.assign(sizes.begin(), sizes.end());
  unsigned dims = sizes.size();
  for (unsigned d = 0; d < dims; ++d)
    spec.modes[OperandA].push_back(d);
  const Tensor *b = nullptr;
  bool gradient = a && data.size() > 1 && below(3) == 0;
  if (gradient) { // Over tokens, with other data.
    b = &data[below(data.size())];
    if (b == a)
      return false;
    spec.modes[OperandB].push_back(0);
    for (unsigned d = 1; d < b->sizes.size(); ++d) {
      spec.modes[OperandB].push_back(spec.sizes.size());
      spec.sizes.push_back(b->sizes[d]);
    }
    for (unsigned m = 1; m < spec.sizes.size(); ++m)
      spec.modes[OperandC].push_back(m);
    spec.resultType = ElementType::F32;
  } else {
    unsigned met = dims > 1 ? 1 + unsigned(below(dims - 1)) : 0;
    if (met == 0)
      return false;
    spec.sizes.push_back(drawSize());
    spec.modes[OperandB] = {met, dims};
    for (unsigned d = 0; d < dims; ++d)
      spec.modes[OperandC].push_back(d == met ? dims : d);
  }
  int64_t work = 1;
  for (int64_t size : spec.sizes)
    work *= size;
  if (work > options.maxMultiplyAdds)
    return false;
  if (a)
    spec.layouts[OperandA] = a->layout;
  if (b)
    spec.layouts[OperandB] = b->layout;
  MappedContraction mapped = must(mapContraction(spec, machine));
  std::array<std::optional<Tensor>, 3> tensors;
  for (OperandId id : {OperandA, OperandB, OperandC}) {
    const Tensor *known = id == OperandA ? a : id == OperandB ? b : nullptr;
    if (known) {
      tensors[id] = *known;
    } else {
      llvm::SmallVector<int64_t, 4> shape;
      for (unsigned mode : spec.modes[id])
        shape.push_back(spec.sizes[mode]);
      tensors[id] =
          place(shape, mapped.layouts[id],
                id == OperandC ? TensorRole::Result : TensorRole::Input,
                id == OperandC ? spec.resultType : ElementType::BF16);
    }
    if (!tensors[id])
      return false;
    mapped.nest.operands[id].slab = tensors[id]->slab;
    mapped.nest.operands[id].baseRow = tensors[id]->row;
  }
  std::array<uint32_t, 3> routes;
  auto words = routesOf(mapped.nest, machine);
  for (unsigned net = 0; net < 3; ++net)
    routes[net] = builder.addRoute(std::move(words[net]));
  uint32_t op =
      builder.addOp({"contract" + std::to_string(number), "", "",
                     gradient ? Phase::WeightGradient : Phase::Forward});
  builder.addContract(
      std::move(mapped.nest),
      {tensors[OperandA]->id, tensors[OperandB]->id, tensors[OperandC]->id},
      routes, op);
  if (!a)
    data.push_back(*tensors[OperandA]);
  if (!gradient)
    data.push_back(*tensors[OperandC]);
  return true;
}

Program fetta::test::randomChain(const Machine &machine,
                                 const RandomChainOptions &options) {
  return Chain(machine, options).draw();
}
