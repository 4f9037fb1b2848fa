//===- Verify.cpp - Checks a whole program --------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "VerifyRoutes.h"
#include "WordSet.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/FormatVariadic.h"

using namespace fetta;
using llvm::Error;
using llvm::StringRef;

/// Words of tensor memory, 512 MiB: what the sets below are made for. Bounds
/// what a small file can make the loader allocate.
static constexpr int64_t MaxMemoryWords = int64_t(1) << 28;

static constexpr const char *operandNames[] = {"A", "B", "C"};
static constexpr const char *netNames[] = {"stream", "hold", "reduce"};

namespace {

template <typename... Args>
Error refuse(LoadCode code, const char *section, const char *format,
             Args &&...args) {
  return llvm::make_error<LoadError>(
      code, section, 0,
      llvm::formatv(format, std::forward<Args>(args)...).str());
}

class Verifier {
public:
  explicit Verifier(const Program &program)
      : program(program), machine(program.machine), routes(program) {}
  Error run();

private:
  Error checkMachine();
  Error checkTensor(size_t index);
  Error checkTensors();
  Error checkRoutes();
  Error checkSemantics();
  Error checkContract(size_t index, const Contract &contract);
  Error checkOperand(size_t index, const Contract &contract, OperandId id);
  Error checkSynchronisation();
  Error checkInitialisation();

  WordSet wholeSlab() const {
    return WordSet(machine.lanes(), 0, machine.rowsPerSlab);
  }

  const Program &program;
  const Machine &machine;
  RouteChecker routes;
  llvm::StringSet<> names;
  std::vector<WordSet> results; ///< Per slab: written by contractions.
  /// Per network and slot: the route in it.
  std::array<std::vector<std::optional<uint32_t>>, 3> slots;
};

} // namespace

//===----------------------------------------------------------------------===//
// Tables
//===----------------------------------------------------------------------===//

Error Verifier::checkMachine() {
  if (Error error = machine.check())
    return refuse(LoadCode::MachineText, "machine", "{0}",
                  llvm::toString(std::move(error)));
  int64_t words;
  if (llvm::MulOverflow(machine.slabs, machine.rowsPerSlab, words) ||
      llvm::MulOverflow(words, machine.lanes(), words) ||
      words > MaxMemoryWords)
    return refuse(LoadCode::MemoryLimit, "machine",
                  "{0} slabs of {1} rows of {2} words; programs are checked "
                  "for at most {3} words of tensor memory",
                  machine.slabs, machine.rowsPerSlab, machine.lanes(),
                  MaxMemoryWords);
  return Error::success();
}

/// Names become files next to each other.
static bool isFileName(StringRef name) {
  return !name.empty() && name != "." && name != ".." &&
         llvm::none_of(name, [](unsigned char c) {
           return c < 0x20 || c == 0x7f || c == '/' || c == '\\';
         });
}

Error Verifier::checkTensor(size_t index) {
  const TensorEntry &t = program.tensors[index];
  auto refused = [&](LoadCode code, const llvm::Twine &what) {
    return refuse(code, "tensors", "tensor {0} '{1}': {2}", index, t.name,
                  what.str());
  };
  if (t.role != TensorRole::Temporary) {
    if (!isFileName(t.name))
      return refused(LoadCode::TensorName, "its name is no file name");
    if (!names.insert(t.name).second)
      return refused(LoadCode::TensorName, "another tensor has its name");
  }
  if (t.layout.dims.size() > 32)
    return refused(LoadCode::TensorLayout, "more than 32 dimensions");
  if (Error error = t.layout.verify(machine.laneBits()))
    return refused(LoadCode::TensorLayout, llvm::toString(std::move(error)));
  int64_t elements = 1;
  for (int64_t size : t.shape)
    if (size < 1 || llvm::MulOverflow(elements, size, elements))
      return refused(LoadCode::TensorLayout, "impossible shape");
  if (elements != t.layout.elements())
    return refused(LoadCode::TensorLayout,
                   llvm::Twine(elements) + " elements, its layout has " +
                       llvm::Twine(t.layout.elements()));
  int64_t rows = t.layout.rows();
  if (t.slab < 0 || t.slab >= machine.slabs || t.baseRow < 0 ||
      rows > machine.rowsPerSlab || t.physicalRows() > machine.rowsPerSlab ||
      t.baseRow > machine.rowsPerSlab - t.physicalRows())
    return refused(LoadCode::TensorPlace,
                   llvm::Twine(rows) + " rows of layout from row " +
                       llvm::Twine(t.baseRow) + " of slab " +
                       llvm::Twine(t.slab) + "; the machine has " +
                       llvm::Twine(machine.slabs) + " slabs of " +
                       llvm::Twine(machine.rowsPerSlab) + " rows");
  return Error::success();
}

Error Verifier::checkTensors() {
  std::vector<WordSet> used(size_t(machine.slabs), wholeSlab());
  for (auto [i, t] : llvm::enumerate(program.tensors)) {
    if (Error error = checkTensor(i))
      return error;
    Footprint words(t);
    if (!used[t.slab].containsNone(words))
      return refuse(LoadCode::TensorOverlap, "tensors",
                    "tensor {0} '{1}' shares words of slab {2} with one before "
                    "it",
                    i, t.name, t.slab);
    used[t.slab].insert(words);
  }
  return Error::success();
}

Error Verifier::checkRoutes() {
  for (auto [i, route] : llvm::enumerate(program.routes))
    if (std::string problem = routeProblem(route, machine); !problem.empty())
      return refuse(LoadCode::RouteWiring, "routes", "route {0}: {1}", i,
                    problem);
  return Error::success();
}

//===----------------------------------------------------------------------===//
// Semantics
//===----------------------------------------------------------------------===//

Error Verifier::checkOperand(size_t index, const Contract &contract,
                             OperandId id) {
  const Operand &operand = contract.nest.operands[id];
  const TensorEntry &t = program.tensors[contract.tensors[id]];
  if (operand.elementType != t.elementType || operand.slab != t.slab)
    return refuse(LoadCode::OperandType, "code",
                  "instruction {0}: operand {1} has another element type or "
                  "slab than its tensor '{2}'",
                  index, operandNames[id], t.name);
  int64_t planes = t.elementType == ElementType::F32 ? 2 : 1;
  Footprint words(operand);
  // Made anew for each operand: tensors may share rows, so that all sets
  // together could be larger than the memory.
  WordSet tensorWords(machine.lanes(), t.baseRow, t.physicalRows());
  tensorWords.insert(Footprint(t));
  if ((operand.baseRow - t.baseRow) % planes || !tensorWords.containsAll(words))
    return refuse(LoadCode::OperandWindow, "code",
                  "instruction {0}: operand {1} reaches outside its tensor "
                  "'{2}', which takes {3} rows from row {4} of slab {5}",
                  index, operandNames[id], t.name, t.physicalRows(), t.baseRow,
                  t.slab);
  if (id == OperandC) {
    if (isPreloaded(t.role))
      return refuse(LoadCode::ResultRole, "code",
                    "instruction {0} writes '{1}', which the host places "
                    "before the run",
                    index, t.name);
    if (contract.nest.drainAtEnd) {
      if (!results[t.slab].containsNone(words))
        return refuse(LoadCode::WrittenTwice, "code",
                      "instruction {0} writes words of '{1}' that an "
                      "instruction before it wrote",
                      index, t.name);
      results[t.slab].insert(words);
    }
  }
  auto net = unsigned(netOf(contract.nest.dataflow, id));
  std::optional<uint32_t> route = slots[net][contract.slots[net]];
  if (!route)
    return refuse(LoadCode::SlotEmpty, "code",
                  "instruction {0} uses slot {1} of the {2} network, into "
                  "which nothing was loaded",
                  index, contract.slots[net], netNames[net]);
  std::string problem = routes.problem(*route, contract.nest, id);
  if (!problem.empty())
    return refuse(LoadCode::RouteMap, "code",
                  "instruction {0}: route {1} in slot {2} of the {3} network "
                  "does not fit operand {4}: {5}",
                  index, *route, contract.slots[net], netNames[net],
                  operandNames[id], problem);
  return Error::success();
}

Error Verifier::checkContract(size_t index, const Contract &contract) {
  for (unsigned net = 0; net < 3; ++net)
    if (contract.slots[net] >= machine.routeSlots)
      return refuse(LoadCode::Reference, "code",
                    "instruction {0}: slot {1} of {2}", index,
                    contract.slots[net], machine.routeSlots);
  for (uint32_t tensor : contract.tensors)
    if (tensor >= program.tensors.size())
      return refuse(LoadCode::Reference, "code",
                    "instruction {0}: tensor {1} of {2}", index, tensor,
                    program.tensors.size());
  if (contract.op >= program.ops.size())
    return refuse(LoadCode::Reference, "code",
                  "instruction {0}: operation {1} of {2}", index, contract.op,
                  program.ops.size());
  if (Error error = verifyNest(contract.nest, machine))
    return refuse(LoadCode::NestRule, "code", "instruction {0}: {1}", index,
                  llvm::toString(std::move(error)));
  for (OperandId id : {OperandA, OperandB, OperandC})
    if (Error error = checkOperand(index, contract, id))
      return error;
  return Error::success();
}

Error Verifier::checkSemantics() {
  for (auto &slotsOfNet : slots)
    slotsOfNet.assign(size_t(std::min<int64_t>(machine.routeSlots, 1 << 16)),
                      std::nullopt);
  results.assign(size_t(machine.slabs), wholeSlab());
  for (auto [i, instruction] : llvm::enumerate(program.code)) {
    if (const auto *load = std::get_if<LoadRoute>(&instruction)) {
      if (load->slot >= machine.routeSlots ||
          load->route >= program.routes.size())
        return refuse(LoadCode::Reference, "code",
                      "instruction {0} loads route {1} of {2} into slot {3} of "
                      "{4}",
                      i, load->route, program.routes.size(), load->slot,
                      machine.routeSlots);
      slots[unsigned(load->net)][load->slot] = load->route;
    } else if (const auto *contract = std::get_if<Contract>(&instruction)) {
      if (Error error = checkContract(i, *contract))
        return error;
    }
  }
  return Error::success();
}

//===----------------------------------------------------------------------===//
// Synchronisation and initialisation
//===----------------------------------------------------------------------===//

/// Whether `next` goes on with the sums that `open` left in the accumulators.
static bool continues(const Contract &open, const Contract &next) {
  const Nest &a = open.nest, &b = next.nest;
  return open.tensors[OperandC] == next.tensors[OperandC] &&
         a.c().modes == b.c().modes && a.c().banks == b.c().banks &&
         a.c().baseRow == b.c().baseRow &&
         a.accumulatorBase == b.accumulatorBase &&
         a.accumulatorStrides == b.accumulatorStrides;
}

Error Verifier::checkSynchronisation() {
  const Contract *open = nullptr;
  size_t opened = 0;
  for (auto [i, instruction] : llvm::enumerate(program.code)) {
    if (std::holds_alternative<Halt>(instruction) &&
        i + 1 != program.code.size())
      return refuse(LoadCode::Halt, "code",
                    "instruction {0} is a halt, but {1} follow it", i,
                    program.code.size() - i - 1);
    const auto *contract = std::get_if<Contract>(&instruction);
    if (!contract)
      continue;
    if (contract->nest.clearAtStart == (open != nullptr))
      return refuse(LoadCode::OpenScope, "code",
                    open ? "instruction {0} clears the sums that instruction "
                           "{1} left open"
                         : "instruction {0} adds to sums, but none are open",
                    i, opened);
    if (open && !continues(*open, *contract))
      return refuse(LoadCode::OpenScope, "code",
                    "instruction {0} goes on with another result or other "
                    "accumulator rows than instruction {1} left open",
                    i, opened);
    open = contract->nest.drainAtEnd ? nullptr : contract;
    opened = i;
  }
  if (open)
    return refuse(LoadCode::OpenScope, "code",
                  "the sums of instruction {0} are never drained", opened);
  if (program.code.empty() ||
      !std::holds_alternative<Halt>(program.code.back()))
    return refuse(LoadCode::Halt, "code", "the code does not end with a halt");
  return Error::success();
}

Error Verifier::checkInitialisation() {
  std::vector<WordSet> written(size_t(machine.slabs), wholeSlab());
  for (const TensorEntry &t : program.tensors)
    if (isPreloaded(t.role))
      written[t.slab].insert(Footprint(t));
  for (auto [i, instruction] : llvm::enumerate(program.code)) {
    const auto *contract = std::get_if<Contract>(&instruction);
    if (!contract)
      continue;
    for (OperandId id : {OperandA, OperandB})
      if (const Operand &operand = contract->nest.operands[id];
          !written[operand.slab].containsAll(Footprint(operand)))
        return refuse(LoadCode::ReadBeforeWrite, "code",
                      "instruction {0} reads words of '{1}' that nothing wrote "
                      "before",
                      i, program.tensors[contract->tensors[id]].name);
    const Operand &result = contract->nest.c();
    if (contract->nest.drainAtEnd)
      written[result.slab].insert(Footprint(result));
  }
  for (auto [i, t] : llvm::enumerate(program.tensors))
    if (isCollected(t.role) && !written[t.slab].containsAll(Footprint(t)))
      return refuse(LoadCode::NotWritten, "tensors",
                    "tensor {0} '{1}' is collected, but not all of it is "
                    "written",
                    i, t.name);
  return Error::success();
}

Error Verifier::run() {
  if (Error error = checkMachine())
    return error;
  if (Error error = checkTensors())
    return error;
  if (Error error = checkRoutes())
    return error;
  if (Error error = checkSemantics())
    return error;
  if (Error error = checkSynchronisation())
    return error;
  return checkInitialisation();
}

Error fetta::verifyProgram(const Program &program) {
  return Verifier(program).run();
}
