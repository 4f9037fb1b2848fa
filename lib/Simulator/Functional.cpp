//===- Functional.cpp - Values of a program -------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Simulator/Functional.h"

#include "ContractRunner.h"
#include "DmaRunner.h"
#include "Executable.h"
#include "fetta/Program/InstructionCoding.h"
#include "fetta/Support/Error.h"

#include "llvm/ADT/StringMap.h"

using namespace fetta;

namespace {

constexpr uint32_t emptySlot = ~uint32_t(0);

llvm::Error checkRoute(const Program &program, Net net, const Route &route) {
  NetKind kind =
      net == Net::Reduce ? NetKind::Reduction : NetKind::Distribution;
  const Wiring &wiring = route.wiring;
  if (wiring.kind != kind || wiring.bits != program.machine.laneBits() ||
      wiring.topology != program.machine.networks ||
      route.codes.size() != size_t(wiring.stages()) * wiring.switches())
    return makeError("a route does not fit the network whose slot it is "
                     "loaded into");
  return llvm::Error::success();
}

/// Beats of all contractions up to the Halt; one that could not be run is
/// refused when its turn comes.
int64_t allBeats(const Program &program) {
  int64_t sum = 0;
  for (const Instruction &instruction : program.code)
    if (const auto *contract = std::get_if<Contract>(&instruction))
      sum += beats(contract->nest);
  return sum;
}

/// Counters of contractions, by what they depend on.
class CountedContractions {
public:
  /// Null if the contraction begins or ends within a scope, so that its
  /// counters depend on others. A default entry for one that was not counted
  /// yet.
  std::optional<Counters> *find(Contract contract,
                                const std::array<uint32_t, 3> &routes) {
    if (!contract.nest.clearAtStart || !contract.nest.drainAtEnd)
      return nullptr;
    for (Operand &operand : contract.nest.operands) {
      operand.baseRow = 0;
      operand.slab = 0;
    }
    contract.slots = {};
    contract.tensors = {};
    contract.op = 0;
    contract.tokens = {};
    llvm::Expected<std::vector<uint8_t>> bytes =
        isa::encodeCode(Instruction(std::move(contract)));
    if (!bytes) {
      llvm::consumeError(bytes.takeError());
      return nullptr;
    }
    std::string key(bytes->begin(), bytes->end());
    key.append(reinterpret_cast<const char *>(routes.data()), sizeof(routes));
    return &found[key];
  }

private:
  llvm::StringMap<std::optional<Counters>> found;
};

} // namespace

/// The loop of runProgram and of countProgram, which gives `counted`.
static llvm::Expected<std::vector<Counters>>
execute(const Program &program, TensorMemory &memory, DramMemory *dram,
        const ExecutionOptions &options, CountedContractions *counted) {
  std::vector<Counters> counters(program.code.size());
  int64_t beatsDone = 0, beatsOfAll = options.progress ? allBeats(program) : 0;
  std::array<std::vector<uint32_t>, 3> slots;
  for (auto &net : slots)
    net.assign(size_t(program.machine.routeSlots), emptySlot);
  ResolvedRoutes resolved(program.routes);
  Accumulators accumulators(program.machine);

  std::array<uint32_t, 3> active;
  active.fill(emptySlot);
  for (size_t step = 0; step < program.code.size(); ++step) {
    size_t i = options.order.empty() ? step : options.order[step];
    const Instruction &instruction = program.code[i];
    llvm::Expected<std::vector<uint8_t>> bytes = isa::encodeCode(instruction);
    if (!bytes)
      return bytes.takeError();
    counters[i].instructionBytes = int64_t(bytes->size());
    if (std::holds_alternative<Halt>(instruction))
      break;
    if (std::holds_alternative<Repeat>(instruction))
      return makeError("instruction {0} is a repeat: programs run with their "
                       "repeats written out (expandRepeats)",
                       i);
    if (const auto *load = std::get_if<LoadRoute>(&instruction)) {
      auto &net = slots[unsigned(load->net)];
      if (load->slot >= net.size() || load->route >= program.routes.size())
        return makeError("instruction {0} loads route {1} into slot {2}: "
                         "there are {3} routes and {4} slots",
                         i, load->route, load->slot, program.routes.size(),
                         net.size());
      const Route &route = program.routes[load->route];
      if (llvm::Error error = checkRoute(program, load->net, route))
        return addErrorContext("instruction " + std::to_string(i),
                               std::move(error));
      net[load->slot] = load->route;
      counters[i].routeBytes = routeBytes(route);
      continue;
    }
    if (std::holds_alternative<Sync>(instruction))
      continue;
    if (std::holds_alternative<Dma>(instruction)) {
      if (dram)
        if (llvm::Error error = runDma(program, i, memory, *dram))
          return error;
      continue;
    }
    if (llvm::Error error = checkExecutable(program, i, options.maxBeats))
      return error;
    const auto &contract = std::get<Contract>(instruction);
    std::array<uint32_t, 3> routes;
    for (unsigned net = 0; net < 3; ++net) {
      uint16_t slot = contract.slots[net];
      routes[net] = slot < slots[net].size() ? slots[net][slot] : emptySlot;
      if (routes[net] == emptySlot)
        return makeError("instruction {0} uses slot {1} of network {2}, into "
                         "which no route was loaded",
                         i, slot, net);
    }
    for (unsigned net = 0; net < 3; ++net)
      if (active[net] != routes[net])
        counters[i].activeRouteBytes += routeBytes(program.routes[routes[net]]);
    active = routes;
    if (options.progress)
      options.progress(beatsDone, beatsOfAll);
    beatsDone += options.progress ? beats(contract.nest) : 0;
    std::optional<Counters> *known =
        counted ? counted->find(contract, routes) : nullptr;
    if (known && *known) {
      counters[i] += **known;
      accumulators.clear();
      continue;
    }
    Counters own;
    ContractRunner runner(program, i, routes, resolved, memory, accumulators,
                          own, options.observer, options.path);
    if (llvm::Error error = runner.run())
      return error;
    if (known)
      *known = own;
    counters[i] += own;
  }
  return counters;
}

llvm::Expected<std::vector<Counters>>
fetta::runProgram(const Program &program, TensorMemory &memory,
                  DramMemory &dram, const ExecutionOptions &options) {
  return execute(program, memory, &dram, options, nullptr);
}

llvm::Expected<std::vector<Counters>>
fetta::countProgram(const Program &program, const ExecutionOptions &options) {
  ExecutionOptions counting = options;
  counting.path = ValuePath::Count;
  counting.observer = nullptr;
  TensorMemory memory(program.machine);
  CountedContractions counted;
  return execute(program, memory, nullptr, counting, &counted);
}

llvm::Expected<std::vector<Counters>>
fetta::runProgram(const Program &program, TensorMemory &memory,
                  const DrainObserver &observer, int64_t maxBeats,
                  ValuePath path) {
  DramMemory dram(program);
  ExecutionOptions options;
  options.observer = observer;
  options.maxBeats = maxBeats;
  options.path = path;
  return runProgram(program, memory, dram, options);
}

int64_t fetta::routeBytes(const Route &route) {
  int64_t bits = 2 * int64_t(route.codes.size()) +
                 int64_t(route.masks.size()) * route.wiring.bits;
  return int64_t(llvm::divideCeil(uint64_t(bits), 8));
}
