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

std::pair<uint16_t, bool> ProgramBuilder::use(Slots &slots, unsigned net,
                                              uint32_t route) {
  std::vector<Slot> &inUse = slots[net];
  auto it =
      llvm::find_if(inUse, [&](const Slot &s) { return s.route == route; });
  bool missing = it == inUse.end();
  if (missing) {
    if (int64_t(inUse.size()) < program.machine.routeSlots)
      it = inUse.insert(it, Slot());
    else
      it = llvm::min_element(inUse, [](const Slot &a, const Slot &b) {
        return a.lastUse < b.lastUse;
      });
    it->route = route;
  }
  it->lastUse = ++useCounter;
  return {uint16_t(it - inUse.begin()), missing};
}

void ProgramBuilder::addLoad(unsigned net, uint16_t slot, uint32_t route) {
  Entry entry{Entry::Load, uint32_t(loads.size()), Net(net), {}};
  entry.slots.fill(slot);
  entries.push_back(entry);
  loads.push_back(LoadRoute{Net(net), slot, route});
}

/// Adds a contraction behind the loads that it needs.
void ProgramBuilder::useSlots(Entry &contraction,
                              std::array<uint32_t, 3> routes) {
  for (unsigned net = 0; net < 3; ++net) {
    auto [slot, missing] = use(slots, net, routes[net]);
    if (missing)
      addLoad(net, slot, routes[net]);
    contraction.slots[net] = slot;
  }
  contracts[contraction.number].slots = contraction.slots;
  entries.push_back(contraction);
}

void ProgramBuilder::append(Pending contract, std::array<uint32_t, 3> routes) {
  Entry entry{Entry::Contraction, uint32_t(contracts.size()), Net::Stream, {}};
  contracts.push_back(contract);
  if (!openRepeat)
    return useSlots(entry, routes);
  // Its slots are known when the body is complete.
  entries.push_back(entry);
  bodyRoutes.push_back(routes);
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

void ProgramBuilder::beginRepeat(uint32_t count) {
  assert(!openRepeat && count >= 2 && "repeats do not nest");
  openRepeat = count;
  bodyBegin = entries.size();
  bodyRoutes.clear();
}

/// An iteration must find the slots as the one before left them. As loads take
/// the slot of the route that was used least recently, a second iteration
/// shows what it needs: the slots that it uses before it loads something else
/// into them. These are loaded before the first, and where the body did load
/// something else, again at its end.
void ProgramBuilder::endRepeat() {
  assert(openRepeat && entries.size() > bodyBegin && "a body is not empty");
  std::vector<Entry> body(entries.begin() + ptrdiff_t(bodyBegin),
                          entries.end());
  entries.resize(bodyBegin);
  const Slots before = slots;
  // Routes that are there stay.
  for (const std::array<uint32_t, 3> &routes : bodyRoutes)
    for (unsigned net = 0; net < 3; ++net)
      for (Slot &slot : slots[net])
        if (slot.route == routes[net])
          slot.lastUse = ++useCounter;
  auto iterate = [&](auto visit) {
    for (const std::array<uint32_t, 3> &routes : bodyRoutes)
      for (unsigned net = 0; net < 3; ++net) {
        auto [slot, missing] = use(slots, net, routes[net]);
        visit(net, slot, missing);
      }
  };
  iterate([](unsigned, uint16_t, bool) {});
  const Slots entry = slots;
  std::array<std::vector<bool>, 3> known;
  for (unsigned net = 0; net < 3; ++net)
    known[net].resize(entry[net].size());
  std::vector<std::pair<unsigned, uint16_t>> needed; // Networks and slots.
  iterate([&](unsigned net, uint16_t slot, bool missing) {
    if (!missing && !known[net][slot])
      needed.emplace_back(net, slot);
    known[net][slot] = true;
  });
  // Loads what is needed where it is not what `there` has.
  auto load = [&](const Slots &there) {
    for (auto [net, slot] : needed) {
      uint32_t route = entry[net][slot].route;
      if (slot >= there[net].size() || there[net][slot].route != route)
        addLoad(net, slot, route);
    }
  };
  load(before);
  entries.push_back({Entry::RepeatBegin, *openRepeat, {}, {}});
  slots = entry;
  auto routes = bodyRoutes.begin();
  for (Entry &instruction : body) {
    if (instruction.kind == Entry::Contraction)
      useSlots(instruction, *routes++);
    else
      entries.push_back(instruction);
  }
  load(slots);
  for (auto [net, slot] : needed)
    slots[net][slot].route = entry[net][slot].route;
  entries.push_back({Entry::RepeatEnd, 0, {}, {}});
  openRepeat.reset();
}

/// Moves every LoadRoute ahead as far as its slot is not in use, in the order
/// of loads of its network: the queue issues in order, so a load that stands
/// right before its contraction could overlap the one before that only. None
/// leaves or enters the body of a repeat.
std::vector<ProgramBuilder::Entry> ProgramBuilder::hoistRouteLoads() const {
  std::vector<Entry> hoisted;
  hoisted.reserve(entries.size());
  for (const Entry &entry : entries) {
    auto place = hoisted.end();
    auto net = size_t(entry.net);
    auto blocks = [&](const Entry &before) {
      switch (before.kind) {
      case Entry::Load:
        return before.net == entry.net;
      case Entry::Contraction:
        return before.slots[net] == entry.slots[net];
      case Entry::RepeatBegin:
      case Entry::RepeatEnd:
        return true;
      case Entry::Transfer:
      case Entry::Tokens:
        return false;
      }
      llvm_unreachable("every kind is listed");
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
  assert(!openRepeat && "a repeat has an end");
  program.code.reserve(entries.size() + 1);
  size_t repeat = 0; // The last one.
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
    case Entry::RepeatBegin:
      repeat = program.code.size();
      program.code.emplace_back(Repeat{0, entry.number});
      break;
    case Entry::RepeatEnd:
      std::get<Repeat>(program.code[repeat]).length =
          uint32_t(program.code.size() - repeat - 1);
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
