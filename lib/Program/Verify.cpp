//===- Verify.cpp - Checks a whole program --------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Refuse.h"
#include "Repeats.h"
#include "VerifyMemory.h"
#include "VerifyRoutes.h"
#include "VerifyScopes.h"

#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"

#include <tuple>

using namespace fetta;
using llvm::Error;
using llvm::StringRef;

/// Words (512 MiB) and rows of tensor memory and ranges of a transfer that the
/// sets below are made for. Bound what a small file can make the loader
/// allocate.
static constexpr int64_t MaxMemoryWords = int64_t(1) << 28;
static constexpr int64_t MaxMemoryRows = int64_t(1) << 20;
static constexpr int64_t MaxRuns = int64_t(1) << 18;
/// Byte addresses of DRAM, so that sums of them do not overflow.
static constexpr int64_t MaxAddress = int64_t(1) << 48;

static constexpr const char *operandNames[] = {"A", "B", "C"};
static constexpr const char *netNames[] = {"stream", "hold", "reduce"};

namespace {

class Verifier {
public:
  explicit Verifier(const Program &program)
      : program(program), machine(program.machine), routes(program),
        classes(program.machine, footprints) {}
  Error run();

private:
  Error checkMachine();
  Error checkTensor(size_t index);
  Error checkTensors();
  Error checkName(const char *section, const char *kind, size_t index,
                  StringRef name, TensorRole role);
  Error checkRegions();
  Error checkRoutes();
  Error checkSemantics();
  Error checkContract(size_t index, const Contract &contract);
  Error checkOperand(size_t index, const Contract &contract, OperandId id,
                     uint32_t nestClass);
  /// What an operand sees of its tensor.
  struct Window {
    ElementType elementType;
    int64_t slab, baseRow;
    uint32_t footprint;
  };
  Error checkWindow(size_t index, const Window &window, uint32_t tensor,
                    const char *name);
  Error checkSums(size_t index, const Contract &contract,
                  const NestClass &known);
  Error checkDma(size_t index, const Dma &dma);
  Error checkMemory();

  const Program &program;
  const Machine &machine;
  RouteChecker routes;
  llvm::StringSet<> names;
  Footprints footprints;
  NestClasses classes;
  std::vector<uint32_t> classOf;     ///< By instruction; of contractions.
  std::vector<uint32_t> tensorWords; ///< Footprints of tensors.
  /// Windows that were found inside their tensors: footprints of the tensor and
  /// of the operand, distance of their base rows.
  llvm::DenseSet<std::tuple<uint32_t, uint32_t, int64_t>> windows;
  /// Routes that do what an operand needs: route, class of the nest, operand.
  llvm::DenseSet<std::tuple<uint32_t, uint32_t, unsigned>> routed;
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
      words > MaxMemoryWords ||
      machine.slabs * machine.rowsPerSlab > MaxMemoryRows)
    return refuse(LoadCode::MemoryLimit, "machine",
                  "{0} slabs of {1} rows of {2} words; programs are checked "
                  "for at most {3} words and {4} rows of tensor memory",
                  machine.slabs, machine.rowsPerSlab, machine.lanes(),
                  MaxMemoryWords, MaxMemoryRows);
  return Error::success();
}

/// Names become files next to each other.
static bool isFileName(StringRef name) {
  return !name.empty() && name != "." && name != ".." &&
         llvm::none_of(name, [](unsigned char c) {
           return c < 0x20 || c == 0x7f || c == '/' || c == '\\';
         });
}

Error Verifier::checkName(const char *section, const char *kind, size_t index,
                          StringRef name, TensorRole role) {
  if (role == TensorRole::Temporary)
    return Error::success();
  LoadCode code =
      StringRef(kind) == "region" ? LoadCode::RegionName : LoadCode::TensorName;
  if (!isFileName(name))
    return refuse(code, section, "{0} {1} '{2}': its name is no file name",
                  kind, index, name);
  if (!names.insert(name).second)
    return refuse(code, section,
                  "{0} {1} '{2}': another tensor or region has its name", kind,
                  index, name);
  return Error::success();
}

Error Verifier::checkTensor(size_t index) {
  const TensorEntry &t = program.tensors[index];
  auto refused = [&](LoadCode code, const llvm::Twine &what) {
    return refuse(code, "tensors", "tensor {0} '{1}': {2}", index, t.name,
                  what.str());
  };
  if (Error error = checkName("tensors", "tensor", index, t.name, t.role))
    return error;
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
  // Banks of each row that the host's tensors take.
  BankSets &sets = footprints.bankSets();
  std::vector<uint32_t> used(size_t(machine.slabs * machine.rowsPerSlab), 0);
  for (auto [i, t] : llvm::enumerate(program.tensors)) {
    if (Error error = checkTensor(i))
      return error;
    tensorWords.push_back(footprints.of(t));
    if (!isPreloaded(t.role))
      continue; // What shares words over time is checked with its accesses.
    for (auto [row, banks] : footprints[tensorWords[i]].rows) {
      uint32_t &own =
          used[size_t(t.slab * machine.rowsPerSlab + t.baseRow + row)];
      if (sets.both(own, banks))
        return refuse(LoadCode::TensorOverlap, "tensors",
                      "tensor {0} '{1}' shares words of slab {2} with another "
                      "that the host places",
                      i, t.name, t.slab);
      own = sets.either(own, banks);
    }
  }
  return Error::success();
}

Error Verifier::checkRegions() {
  int64_t all = 0;
  std::vector<std::pair<int64_t, size_t>> byAddress;
  for (auto [i, r] : llvm::enumerate(program.regions)) {
    if (Error error = checkName("regions", "region", i, r.name, r.role))
      return error;
    int64_t elements = 1;
    for (int64_t size : r.shape)
      if (size < 1 || llvm::MulOverflow(elements, size, elements) ||
          elements > MaxDramElements)
        elements = MaxDramElements + 1;
    all += std::min(elements, MaxDramElements + 1);
    if (all > MaxDramElements)
      return refuse(LoadCode::RegionShape, "regions",
                    "region {0} '{1}': sizes are positive, and all regions "
                    "together have at most {2} elements",
                    i, r.name, MaxDramElements);
    if (r.byteAddress < 0 || r.byteAddress > MaxAddress ||
        r.byteAddress % r.elementBytes())
      return refuse(LoadCode::RegionPlace, "regions",
                    "region {0} '{1}': address {2}; addresses are multiples of "
                    "the element's {3} bytes, from 0 to 2^48",
                    i, r.name, r.byteAddress, r.elementBytes());
    byAddress.push_back({r.byteAddress, i});
  }
  llvm::sort(byAddress);
  for (size_t n = 1; n < byAddress.size(); ++n) {
    const DramRegion &low = program.regions[byAddress[n - 1].second],
                     &high = program.regions[byAddress[n].second];
    if (low.byteAddress + low.bytes() > high.byteAddress)
      return refuse(LoadCode::RegionPlace, "regions",
                    "region {0} '{1}' from address {2} overlaps region {3} "
                    "'{4}', {5} bytes from address {6}",
                    byAddress[n].second, high.name, high.byteAddress,
                    byAddress[n - 1].second, low.name, low.bytes(),
                    low.byteAddress);
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

/// Whether an operand's words are words of its tensor, whatever shape either
/// gives its indices.
Error Verifier::checkWindow(size_t index, const Window &window, uint32_t tensor,
                            const char *name) {
  const TensorEntry &t = program.tensors[tensor];
  if (window.elementType != t.elementType || window.slab != t.slab)
    return refuse(LoadCode::OperandType, "code",
                  "instruction {0}: {1} has another element type or slab than "
                  "its tensor '{2}'",
                  index, name, t.name);
  // Slices see tensors of one layout in one way, wherever they lie.
  int64_t distance = window.baseRow - t.baseRow;
  std::tuple key(tensorWords[tensor], window.footprint, distance);
  if (windows.contains(key))
    return Error::success();
  int64_t planes = t.elementType == ElementType::F32 ? 2 : 1;
  if (distance % planes ||
      !footprints.contains(tensorWords[tensor], window.footprint, distance))
    return refuse(LoadCode::OperandWindow, "code",
                  "instruction {0}: {1} reaches outside its tensor '{2}', "
                  "which takes {3} rows from row {4} of slab {5}",
                  index, name, t.name, t.physicalRows(), t.baseRow, t.slab);
  windows.insert(key);
  return Error::success();
}

/// The FP32 tensor whose sums end in a BF16 result.
Error Verifier::checkSums(size_t index, const Contract &contract,
                          const NestClass &known) {
  if (!contract.nest.roundsSums()) {
    if (contract.nest.sums != SumsPlace() || contract.tensorSums)
      return refuse(LoadCode::Reserved, "code",
                    "instruction {0} names partial sums in a tensor of their "
                    "own; only those that end in a bf16 result lie there",
                    index);
    return Error::success();
  }
  if (contract.tensorSums >= program.tensors.size())
    return refuse(LoadCode::Reference, "code",
                  "instruction {0}: tensor {1} of {2}", index,
                  contract.tensorSums, program.tensors.size());
  const SumsPlace &sums = contract.nest.sums;
  const Operand &result = contract.nest.c();
  if (Error error = checkWindow(
          index, {ElementType::F32, sums.slab, sums.baseRow, known.sums},
          contract.tensorSums, "its partial sums"))
    return error;
  const TensorEntry &t = program.tensors[contract.tensorSums];
  if (isPreloaded(t.role))
    return refuse(LoadCode::ResultRole, "code",
                  "instruction {0} goes on from '{1}', which the host places "
                  "before the run",
                  index, t.name);
  // A row is reloaded while others drain.
  int64_t first = sums.baseRow,
          last = first + footprints[known.sums].height - 1;
  auto [from, to] = rowRange(result);
  if (sums.slab == result.slab && first <= to && from <= last)
    return refuse(LoadCode::OverwritesOperand, "code",
                  "instruction {0} writes rows {1} to {2} of slab {3} and goes "
                  "on from the partial sums in rows {4} to {5}; a bf16 result "
                  "lies in rows of its own",
                  index, from, to, result.slab, first, last);
  return Error::success();
}

Error Verifier::checkOperand(size_t index, const Contract &contract,
                             OperandId id, uint32_t nestClass) {
  static constexpr const char *names[] = {"operand A", "operand B",
                                          "operand C"};
  const TensorEntry &t = program.tensors[contract.tensors[id]];
  const Operand &operand = contract.nest.operands[id];
  if (Error error =
          checkWindow(index,
                      {operand.elementType, operand.slab, operand.baseRow,
                       classes[nestClass].footprints[id]},
                      contract.tensors[id], names[id]))
    return error;
  if (id == OperandC && isPreloaded(t.role))
    return refuse(LoadCode::ResultRole, "code",
                  "instruction {0} writes '{1}', which the host places "
                  "before the run",
                  index, t.name);
  auto net = unsigned(netOf(contract.nest.dataflow, id));
  std::optional<uint32_t> route = slots[net][contract.slots[net]];
  if (!route)
    return refuse(LoadCode::SlotEmpty, "code",
                  "instruction {0} uses slot {1} of the {2} network, into "
                  "which nothing was loaded",
                  index, contract.slots[net], netNames[net]);
  std::tuple key(*route, nestClass, unsigned(id));
  if (routed.contains(key))
    return Error::success();
  std::string problem = routes.problem(*route, contract.nest, id);
  if (!problem.empty())
    return refuse(LoadCode::RouteMap, "code",
                  "instruction {0}: route {1} in slot {2} of the {3} network "
                  "does not fit operand {4}: {5}",
                  index, *route, contract.slots[net], netNames[net],
                  operandNames[id], problem);
  routed.insert(key);
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
  llvm::Expected<uint32_t> nestClass = classes.classOf(contract.nest);
  if (!nestClass)
    return refuse(LoadCode::NestRule, "code", "instruction {0}: {1}", index,
                  llvm::toString(nestClass.takeError()));
  classOf[index] = *nestClass;
  for (OperandId id : {OperandA, OperandB, OperandC})
    if (Error error = checkOperand(index, contract, id, *nestClass))
      return error;
  return checkSums(index, contract, classes[*nestClass]);
}

Error Verifier::checkDma(size_t index, const Dma &dma) {
  if (dma.region >= program.regions.size() ||
      dma.tensor >= program.tensors.size())
    return refuse(LoadCode::Reference, "code",
                  "{0}: region {1} of {2}, tensor {3} of {4}",
                  describe(program, index), dma.region, program.regions.size(),
                  dma.tensor, program.tensors.size());
  const DramRegion &region = program.regions[dma.region];
  const TensorEntry &tensor = program.tensors[dma.tensor];
  auto refused = [&](LoadCode code, const llvm::Twine &what) {
    return refuse(code, "code", "{0}, tensor '{1}', region '{2}': {3}",
                  describe(program, index), tensor.name, region.name,
                  what.str());
  };
  if (tensor.elementType != region.elementType)
    return refused(LoadCode::DmaType, "their element types differ");
  if (dma.store ? isPreloaded(region.role) : isPreloaded(tensor.role))
    return refused(LoadCode::DmaRole,
                   dma.store ? "the host fills the region before the run"
                             : "the host places the tensor before the run");
  if (dma.strides.size() != tensor.layout.dims.size())
    return refused(LoadCode::DmaStrides,
                   llvm::Twine(dma.strides.size()) + " strides for " +
                       llvm::Twine(tensor.layout.dims.size()) +
                       " dimensions of the tensor's layout");
  if (Error error = verifyBlocks(dma.blocks, tensor.layout.dims))
    return refused(LoadCode::DmaBlocks, llvm::toString(std::move(error)));
  int64_t last = dma.offset;
  bool inside = last >= 0 && last < region.elements();
  for (auto [d, dim] : llvm::enumerate(tensor.layout.dims)) {
    int64_t stride = dma.strides[d], step;
    if (stride < 0 || (dim.size == 1 && stride != 0))
      return refused(LoadCode::DmaStrides,
                     "dimension " + llvm::Twine(d) + " of size " +
                         llvm::Twine(dim.size) + " has stride " +
                         llvm::Twine(stride) +
                         "; strides are not negative, and 0 for size 1");
    inside = inside && !llvm::MulOverflow(dim.size - 1, stride, step) &&
             !llvm::AddOverflow(last, step, last) && last < region.elements();
  }
  if (!inside)
    return refused(LoadCode::DmaRange,
                   "from element " + llvm::Twine(dma.offset) +
                       " on it reaches outside the region's " +
                       llvm::Twine(region.elements()) + " elements");
  ElementRuns runs(dma, tensor.layout);
  if (dma.store && !runs.disjoint)
    return refused(LoadCode::DmaStrides,
                   "it stores two elements in one place, or strides overlap: "
                   "sorted, each steps over all that the smaller ones reach");
  if (runs.count() > MaxRuns)
    return refused(LoadCode::DmaStrides,
                   llvm::Twine(runs.count()) +
                       " separate ranges of elements, at most " +
                       llvm::Twine(MaxRuns) + " can be checked");
  return Error::success();
}

Error Verifier::checkSemantics() {
  for (auto &slotsOfNet : slots)
    slotsOfNet.assign(size_t(std::min<int64_t>(machine.routeSlots, 1 << 16)),
                      std::nullopt);
  classOf.assign(program.code.size(), 0);
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
    } else if (const auto *dma = std::get_if<Dma>(&instruction)) {
      if (Error error = checkDma(i, *dma))
        return error;
    }
  }
  return Error::success();
}

//===----------------------------------------------------------------------===//
// Synchronisation and initialisation
//===----------------------------------------------------------------------===//

Error Verifier::checkMemory() {
  auto order = QueueOrder::replay(program);
  if (!order)
    return order.takeError();
  MemoryChecker checker(program, *order, footprints, classes, classOf,
                        tensorWords);
  for (uint32_t i = 0; i < program.code.size(); ++i)
    if (Error error = checker.check(i))
      return error;
  return checker.finish();
}

Error Verifier::run() {
  if (Error error = checkMachine())
    return error;
  if (Error error = checkTensors())
    return error;
  if (Error error = checkRegions())
    return error;
  if (Error error = checkRoutes())
    return error;
  if (Error error = checkSemantics())
    return error;
  if (Error error = verifyScopes(program))
    return error;
  return checkMemory();
}

Error fetta::verifyExpanded(const Program &program) {
  return Verifier(program).run();
}
