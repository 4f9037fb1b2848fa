//===- QueuedStream.cpp - Tokens for a stream of instructions -------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "QueuedStream.h"

#include "llvm/ADT/STLExtras.h"

using namespace fetta;
using namespace fetta::test;

void QueuedStream::append(StreamItem item) {
  if (auto *contract = std::get_if<Contract>(&item.instruction)) {
    for (OperandId id : {OperandA, OperandB, OperandC})
      contract->nest.operands[id].baseRow +=
          tensors[contract->tensors[id]].baseRow;
    if (contract->nest.roundsSums())
      contract->nest.sums.baseRow += tensors[contract->tensorSums].baseRow;
  }
  Entry entry;
  entry.queue = queueOf(item.instruction);
  entry.accesses = accessesOf(item);
  entry.item = std::move(item);
  entries.push_back(std::move(entry));
}

std::vector<QueuedStream::Access>
QueuedStream::accessesOf(const StreamItem &item) const {
  std::vector<Access> accesses;
  auto rows = [&](uint32_t tensor, bool write) {
    const TensorEntry &t = tensors[tensor];
    accesses.push_back(
        {t.slab, t.baseRow, t.baseRow + t.physicalRows(), write});
  };
  auto region = [&](size_t r, bool write) {
    accesses.push_back({-1, int64_t(r), int64_t(r) + 1, write});
  };
  if (const auto *contract = std::get_if<Contract>(&item.instruction)) {
    rows(contract->tensors[OperandA], false);
    rows(contract->tensors[OperandB], false);
    rows(contract->tensors[OperandC], true);
    if (contract->nest.roundsSums())
      rows(contract->tensorSums, false);
  } else if (const auto *dma = std::get_if<Dma>(&item.instruction)) {
    rows(dma->tensor, !dma->store);
    region(dma->region, dma->store);
    // A loss stands between a result and its gradient.
    if (!dma->store)
      for (size_t r = 0; r < regions.size(); ++r)
        if (regions[dma->region].name == "d_" + regions[r].name)
          region(r, false);
  }
  return accesses;
}

uint8_t QueuedStream::semaphore(unsigned key) {
  for (auto [known, number] : semaphores)
    if (known == key)
      return number;
  uint8_t number;
  do {
    number = uint8_t(random() % SemaphoreCount);
  } while (llvm::any_of(semaphores,
                        [&](const auto &s) { return s.second == number; }));
  semaphores.push_back({key, number});
  return number;
}

static bool add(std::array<Token, 2> &list, Token token) {
  for (Token &t : list)
    if (!t.count) {
      t = token;
      return true;
    }
  return false;
}

/// One more token from `from`, taken by `to`; some of them go through the
/// vector queue.
void QueuedStream::addEdge(size_t from, size_t to) {
  Entry &u = entries[from], &v = entries[to];
  unsigned pair = unsigned(u.queue) * QueueCount + unsigned(v.queue);
  auto count = [&] { return uint8_t(1 + random() % 4 / 3 * (random() % 7)); };
  if (random() % 8) {
    Token token = {semaphore(pair), count()};
    if (!add(u.tokens.signals, token) || !add(v.tokens.waits, token))
      llvm::report_fatal_error("an instruction has two other queues at most");
    return;
  }
  Token in = {semaphore(16 + pair), count()},
        out = {semaphore(32 + pair), count()};
  Sync relay;
  relay.queue = Queue::Vector;
  relay.tokens.waits[0] = in;
  relay.tokens.signals[0] = out;
  v.before.push_back(relay);
  if (!add(u.tokens.signals, in) || !add(v.tokens.waits, out))
    llvm::report_fatal_error("an instruction has two other queues at most");
}

void QueuedStream::addTokens() {
  // Per producing and consuming queue: the last entry waited for, plus one.
  std::array<std::array<size_t, QueueCount>, QueueCount> waited = {};
  for (size_t v = 0; v < entries.size(); ++v) {
    std::array<size_t, QueueCount> needed = {};
    for (size_t u = 0; u < v; ++u) {
      bool conflict = llvm::any_of(entries[u].accesses, [&](const Access &a) {
        return llvm::any_of(entries[v].accesses, [&](const Access &b) {
          return a.space == b.space && a.begin < b.end && b.begin < a.end &&
                 (a.write || b.write);
        });
      });
      if (conflict && entries[u].queue != entries[v].queue)
        needed[unsigned(entries[u].queue)] = u + 1;
    }
    for (unsigned q = 0; q < QueueCount; ++q) {
      size_t &last = waited[q][unsigned(entries[v].queue)];
      if (needed[q] <= last)
        continue;
      last = needed[q];
      addEdge(last - 1, v);
    }
  }
}

QueuedProgram QueuedStream::finish() {
  addTokens();
  ProgramBuilder builder(machine);
  for (const TensorEntry &tensor : tensors)
    builder.addTensor(tensor);
  for (const DramRegion &region : regions)
    builder.addRegion(region);
  QueuedProgram result;
  unsigned number = 0;
  for (Entry &entry : entries) {
    for (const Sync &relay : entry.before)
      builder.addSync(relay);
    if (auto *dma = std::get_if<Dma>(&entry.item.instruction)) {
      dma->tokens = entry.tokens;
      builder.addDma(std::move(*dma));
      continue;
    }
    auto &contract = std::get<Contract>(entry.item.instruction);
    std::array<uint32_t, 3> routes;
    auto words = routesOf(contract.nest, machine);
    for (unsigned net = 0; net < 3; ++net)
      routes[net] = builder.addRoute(std::move(words[net]));
    uint32_t op = builder.addOp(
        {"contract" + std::to_string(number), "", "", Phase(number % 3)});
    ++number;
    builder.addContract(std::move(contract.nest), contract.tensors, routes, op,
                        entry.tokens, contract.tensorSums);
    result.contractions.push_back(
        {0, std::move(entry.item.modes), std::move(entry.item.offsets)});
  }
  result.program = std::move(builder).finish();
  auto next = result.contractions.begin();
  for (auto [i, instruction] : llvm::enumerate(result.program.code))
    if (std::holds_alternative<Contract>(instruction))
      (next++)->instruction = i;
  return result;
}
