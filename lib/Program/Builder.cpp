//===- Builder.cpp - Builds programs, loads routes when needed ------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Program/Program.h"

#include "llvm/ADT/STLExtras.h"

using namespace fetta;

llvm::StringRef fetta::queueName(Queue queue) {
  static const char *const names[QueueCount] = {"contract", "load", "store",
                                                "vector"};
  return unsigned(queue) < QueueCount ? names[unsigned(queue)] : "no queue";
}

Queue fetta::queueOf(const Instruction &instruction) {
  if (const auto *dma = std::get_if<Dma>(&instruction))
    return dma->store ? Queue::Store : Queue::Load;
  if (const auto *sync = std::get_if<Sync>(&instruction))
    return sync->queue;
  return Queue::Contract;
}

Tokens fetta::tokensOf(const Instruction &instruction) {
  if (const auto *contract = std::get_if<Contract>(&instruction))
    return contract->tokens;
  if (const auto *dma = std::get_if<Dma>(&instruction))
    return dma->tokens;
  if (const auto *sync = std::get_if<Sync>(&instruction))
    return sync->tokens;
  return {};
}

ProgramBuilder::ProgramBuilder(Machine machine) {
  program.machine = std::move(machine);
}

void ProgramBuilder::reserve(size_t instructions) {
  entries.reserve(instructions);
  contracts.reserve(instructions);
  transfers.reserve(instructions);
  // Most instructions make a tensor.
  program.tensors.reserve(instructions);
  program.ops.reserve(instructions);
}

uint32_t ProgramBuilder::addTensor(TensorEntry tensor) {
  program.tensors.push_back(std::move(tensor));
  return uint32_t(program.tensors.size() - 1);
}

uint32_t ProgramBuilder::addRegion(DramRegion region) {
  program.regions.push_back(std::move(region));
  return uint32_t(program.regions.size() - 1);
}

uint32_t ProgramBuilder::addOp(OpEntry op) {
  program.ops.push_back(std::move(op));
  return uint32_t(program.ops.size() - 1);
}

uint32_t ProgramBuilder::addRoute(Route route) {
  auto it = llvm::find(program.routes, route);
  if (it == program.routes.end())
    it = program.routes.insert(it, std::move(route));
  return uint32_t(it - program.routes.begin());
}

uint16_t ProgramBuilder::slotFor(Net net, uint32_t route) {
  std::vector<Slot> &inUse = slots[unsigned(net)];
  auto it =
      llvm::find_if(inUse, [&](const Slot &s) { return s.route == route; });
  if (it == inUse.end()) {
    if (int64_t(inUse.size()) < program.machine.routeSlots)
      it = inUse.insert(it, Slot());
    else
      it = llvm::min_element(inUse, [](const Slot &a, const Slot &b) {
        return a.lastUse < b.lastUse;
      });
    it->route = route;
    auto slot = uint16_t(it - inUse.begin());
    Entry entry{Entry::Load, uint32_t(loads.size()), net, {}};
    entry.slots.fill(slot);
    entries.push_back(entry);
    loads.push_back(LoadRoute{net, slot, route});
  }
  it->lastUse = ++useCounter;
  return uint16_t(it - inUse.begin());
}

void ProgramBuilder::append(Pending contract, std::array<uint32_t, 3> routes) {
  for (unsigned net = 0; net < 3; ++net)
    contract.slots[net] = slotFor(Net(net), routes[net]);
  entries.push_back({Entry::Contraction, uint32_t(contracts.size()),
                     Net::Stream, contract.slots});
  contracts.push_back(contract);
}

void ProgramBuilder::addContract(Nest nest, std::array<uint32_t, 3> tensors,
                                 std::array<uint32_t, 3> routes, uint32_t op,
                                 Tokens tokens, uint32_t tensorSums) {
  append({nullptr,
          {},
          uint32_t(nests.size()),
          {},
          tensors,
          tensorSums,
          op,
          tokens},
         routes);
  nests.push_back(std::move(nest));
}

void ProgramBuilder::addContract(const Nest *nest, const NestPlaces &places,
                                 std::array<uint32_t, 3> tensors,
                                 std::array<uint32_t, 3> routes, uint32_t op,
                                 Tokens tokens, uint32_t tensorSums) {
  append({nest, places, 0, {}, tensors, tensorSums, op, tokens}, routes);
}

void ProgramBuilder::addDma(Dma dma) {
  entries.push_back({Entry::Transfer, uint32_t(transfers.size()), {}, {}});
  transfers.push_back(std::move(dma));
}

void ProgramBuilder::addSync(Sync sync) {
  entries.push_back({Entry::Tokens, uint32_t(syncs.size()), {}, {}});
  syncs.push_back(sync);
}

/// Moves every LoadRoute ahead as far as its slot is not in use, in the order
/// of loads of its network: the queue issues in order, so a load that stands
/// right before its contraction could overlap the one before that only.
std::vector<ProgramBuilder::Entry> ProgramBuilder::hoistRouteLoads() const {
  std::vector<Entry> hoisted;
  hoisted.reserve(entries.size());
  for (const Entry &entry : entries) {
    auto place = hoisted.end();
    auto net = size_t(entry.net);
    auto blocks = [&](const Entry &before) {
      return before.kind == Entry::Load
                 ? before.net == entry.net
                 : before.kind == Entry::Contraction &&
                       before.slots[net] == entry.slots[net];
    };
    bool isLoad = entry.kind == Entry::Load;
    while (isLoad && place != hoisted.begin() && !blocks(*std::prev(place)))
      --place;
    // Behind the loads of other networks that stand there already.
    while (isLoad && place != hoisted.end() && place->kind == Entry::Load)
      ++place;
    hoisted.insert(place, entry);
  }
  return hoisted;
}

Program ProgramBuilder::finish() && {
  program.code.reserve(entries.size() + 1);
  for (const Entry &entry : hoistRouteLoads()) {
    switch (entry.kind) {
    case Entry::Load:
      program.code.emplace_back(loads[entry.number]);
      break;
    case Entry::Transfer:
      program.code.emplace_back(std::move(transfers[entry.number]));
      break;
    case Entry::Tokens:
      program.code.emplace_back(syncs[entry.number]);
      break;
    case Entry::Contraction:
      // Made in its place: it is large.
      auto &contract = std::get<Contract>(
          program.code.emplace_back(std::in_place_type<Contract>));
      const Pending &pending = contracts[entry.number];
      if (pending.nest) {
        contract.nest = *pending.nest;
        for (unsigned id = 0; id < 3; ++id) {
          contract.nest.operands[id].slab = pending.places.operands[id].slab;
          contract.nest.operands[id].baseRow =
              pending.places.operands[id].baseRow;
        }
        contract.nest.sums = pending.places.sums;
      } else {
        contract.nest = std::move(nests[pending.own]);
      }
      contract.slots = pending.slots;
      contract.tensors = pending.tensors;
      contract.tensorSums = pending.tensorSums;
      contract.op = pending.op;
      contract.tokens = pending.tokens;
      break;
    }
  }
  program.code.push_back(Halt());
  return std::move(program);
}
