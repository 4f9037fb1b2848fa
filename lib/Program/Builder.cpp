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
  program.code.reserve(instructions);
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
    program.code.push_back(LoadRoute{net, slot, route});
  }
  it->lastUse = ++useCounter;
  return uint16_t(it - inUse.begin());
}

void ProgramBuilder::addContract(Nest nest, std::array<uint32_t, 3> tensors,
                                 std::array<uint32_t, 3> routes, uint32_t op,
                                 Tokens tokens, uint32_t tensorSums) {
  Contract contract;
  for (unsigned net = 0; net < 3; ++net)
    contract.slots[net] = slotFor(Net(net), routes[net]);
  contract.nest = std::move(nest);
  contract.tensors = tensors;
  contract.tensorSums = tensorSums;
  contract.op = op;
  contract.tokens = tokens;
  program.code.push_back(std::move(contract));
}

void ProgramBuilder::addDma(Dma dma) {
  program.code.emplace_back(std::move(dma));
}

void ProgramBuilder::addSync(Sync sync) { program.code.emplace_back(sync); }

/// Moves every LoadRoute ahead as far as its slot is not in use, in the order
/// of loads of its network: the queue issues in order, so a load that stands
/// right before its contraction could overlap the one before that only.
static void hoistRouteLoads(std::vector<Instruction> &code) {
  // Instructions are large: their numbers move, with what decides.
  struct Entry {
    uint32_t number;
    bool isLoad = false, isContract = false;
    Net net = Net::Stream;              ///< Of a load.
    std::array<uint32_t, 3> slots = {}; ///< Of each network; of a load all one.
  };
  std::vector<Entry> hoisted;
  hoisted.reserve(code.size());
  for (auto [number, instruction] : llvm::enumerate(code)) {
    Entry entry;
    entry.number = uint32_t(number);
    if (const auto *load = std::get_if<LoadRoute>(&instruction)) {
      entry.isLoad = true;
      entry.net = load->net;
      entry.slots.fill(load->slot);
    } else if (const auto *contract = std::get_if<Contract>(&instruction)) {
      entry.isContract = true;
      for (unsigned net = 0; net < 3; ++net)
        entry.slots[net] = contract->slots[net];
    }
    auto place = hoisted.end();
    auto net = size_t(entry.net);
    auto blocks = [&](const Entry &before) {
      return before.isLoad
                 ? before.net == entry.net
                 : before.isContract && before.slots[net] == entry.slots[net];
    };
    while (entry.isLoad && place != hoisted.begin() &&
           !blocks(*std::prev(place)))
      --place;
    // Behind the loads of other networks that stand there already.
    while (entry.isLoad && place != hoisted.end() && place->isLoad)
      ++place;
    hoisted.insert(place, entry);
  }
  std::vector<Instruction> sorted;
  sorted.reserve(code.size() + 1);
  for (const Entry &entry : hoisted)
    sorted.push_back(std::move(code[entry.number]));
  code = std::move(sorted);
}

Program ProgramBuilder::finish() && {
  hoistRouteLoads(program.code);
  program.code.push_back(Halt());
  return std::move(program);
}
