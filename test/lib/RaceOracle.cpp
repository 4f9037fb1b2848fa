//===- RaceOracle.cpp - Tokens and races by brute force -------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RaceOracle.h"

#include "llvm/ADT/STLExtras.h"

#include <set>

using namespace fetta;
using namespace fetta::test;

bool fetta::test::tokensPlay(const Program &program) {
  std::array<int, SemaphoreCount> count = {}, producer, consumer;
  producer.fill(-1);
  consumer.fill(-1);
  for (const Instruction &instruction : program.code) {
    Tokens tokens = tokensOf(instruction);
    int queue = int(queueOf(instruction));
    for (const auto *list : {&tokens.waits, &tokens.signals})
      if ((*list)[0].count && (*list)[1].count &&
          (*list)[0].semaphore == (*list)[1].semaphore)
        return false;
    auto owned = [&](int &own) {
      bool free = own < 0 || own == queue;
      own = queue;
      return free;
    };
    for (const Token &t : tokens.waits)
      if (t.count && (!owned(consumer[t.semaphore]) ||
                      (count[t.semaphore] -= t.count) < 0))
        return false;
    for (const Token &t : tokens.signals) {
      if (t.count && !owned(producer[t.semaphore]))
        return false;
      count[t.semaphore] += t.count;
    }
  }
  for (unsigned s = 0; s < SemaphoreCount; ++s)
    if (count[s] || (producer[s] >= 0 && producer[s] == consumer[s]))
      return false;
  return true;
}

std::vector<std::vector<bool>>
fetta::test::reachability(const Program &program) {
  size_t n = program.code.size();
  std::vector<std::vector<bool>> before(n, std::vector<bool>(n));
  std::array<std::vector<size_t>, SemaphoreCount> given, taken;
  for (size_t i = 0; i < n; ++i) {
    for (size_t j = 0; j < i; ++j)
      before[j][i] = queueOf(program.code[i]) == queueOf(program.code[j]);
    Tokens tokens = tokensOf(program.code[i]);
    for (const Token &t : tokens.waits)
      taken[t.semaphore].insert(taken[t.semaphore].end(), t.count, i);
    for (const Token &t : tokens.signals)
      given[t.semaphore].insert(given[t.semaphore].end(), t.count, i);
  }
  for (unsigned s = 0; s < SemaphoreCount; ++s)
    for (auto [u, v] : llvm::zip(given[s], taken[s]))
      before[u][v] = true;
  for (size_t k = 0; k < n; ++k)
    for (size_t u = 0; u < n; ++u)
      if (before[u][k])
        for (size_t v = 0; v < n; ++v)
          before[u][v] = before[u][v] || before[k][v];
  return before;
}

namespace {

/// Words of tensor memory and, with slab -1 - region, elements.
using Words = std::set<std::array<int64_t, 3>>;
struct Touched {
  Words reads, writes;
};

void addWords(Words &words, const Layout &layout, ElementType type,
              int64_t slab, int64_t baseRow, const Dma *dma = nullptr) {
  std::vector<int64_t> index(layout.dims.size(), 0);
  for (int64_t left = layout.elements(); left; --left) {
    if (dma) {
      int64_t at = dma->offset;
      for (size_t d = 0; d < index.size(); ++d)
        at += index[d] * dma->strides[d];
      words.insert({-1 - int64_t(dma->region), at, 0});
    } else {
      int64_t planes = type == ElementType::F32 ? 2 : 1;
      for (int64_t plane = 0; plane < planes; ++plane)
        words.insert({slab, baseRow + planes * layout.rowOf(index) + plane,
                      layout.bankOf(index)});
    }
    for (size_t d = index.size(); d-- > 0;) {
      if (++index[d] < layout.dims[d].size)
        break;
      index[d] = 0;
    }
  }
}

Touched touchedBy(const Program &program, const Instruction &instruction) {
  Touched touched;
  if (const auto *contract = std::get_if<Contract>(&instruction)) {
    const Nest &nest = contract->nest;
    for (OperandId id : {OperandA, OperandB, OperandC}) {
      const Operand &operand = nest.operands[id];
      Layout layout;
      for (const auto &dim : operand.modes)
        layout.dims.push_back(dim.value_or(DimLayout()));
      layout.banks.assign(operand.banks.begin(), operand.banks.end());
      if (id != OperandC)
        addWords(touched.reads, layout, operand.elementType, operand.slab,
                 operand.baseRow);
      else if (nest.accumulate && operand.elementType == ElementType::F32)
        addWords(touched.reads, layout, ElementType::F32, operand.slab,
                 operand.baseRow);
      else if (nest.accumulate)
        addWords(touched.reads, layout, ElementType::F32, nest.sums.slab,
                 nest.sums.baseRow);
      if (id == OperandC && nest.drainAtEnd)
        addWords(touched.writes, layout, operand.elementType, operand.slab,
                 operand.baseRow);
    }
  } else if (const auto *dma = std::get_if<Dma>(&instruction)) {
    const TensorEntry &t = program.tensors[dma->tensor];
    addWords(dma->store ? touched.reads : touched.writes, t.layout,
             t.elementType, t.slab, t.baseRow);
    addWords(dma->store ? touched.writes : touched.reads, t.layout,
             t.elementType, 0, 0, dma);
  }
  return touched;
}

bool meet(const Words &a, const Words &b) {
  return llvm::any_of(a, [&](const auto &word) { return b.count(word); });
}

} // namespace

bool fetta::test::hasRace(const Program &program,
                          const std::vector<std::vector<bool>> &before) {
  std::vector<Touched> touched;
  for (const Instruction &instruction : program.code)
    touched.push_back(touchedBy(program, instruction));
  for (size_t u = 0; u < touched.size(); ++u)
    for (size_t v = u + 1; v < touched.size(); ++v)
      if (!before[u][v] && (meet(touched[u].writes, touched[v].reads) ||
                            meet(touched[u].writes, touched[v].writes) ||
                            meet(touched[u].reads, touched[v].writes)))
        return true;
  return false;
}
