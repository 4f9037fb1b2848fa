//===- RandomQueuedProgram.cpp - Programs for all queues ------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RandomQueuedProgram.h"

#include "QueuedStream.h"
#include "fetta/Mapping/Mapping.h"

#include "llvm/ADT/STLExtras.h"

#include <numeric>

using namespace fetta;
using namespace fetta::test;

namespace {

/// Instructions in their order, and the rows that they need meanwhile.
struct Job {
  std::vector<StreamItem> items;
  std::vector<uint32_t> tensors; ///< Temporary: placed when the job starts.
  std::vector<uint32_t> fills;   ///< Regions complete when the job is over.
  size_t next = 0;
};

class Generator {
public:
  Generator(const Machine &machine, const QueuedProgramOptions &options)
      : machine(machine), options(options), random(options.seed),
        stream(machine, random) {}

  QueuedProgram draw();

private:
  uint64_t below(uint64_t n) { return random() % n; }
  bool chance(unsigned percent) { return below(100) < percent; }

  uint32_t addTensor(const std::string &name, const Layout &layout,
                     ElementType type, TensorRole role, int64_t slab);
  uint32_t addRegion(std::string name, llvm::ArrayRef<int64_t> shape,
                     ElementType type, TensorRole role);
  /// A region that holds `slices` arrays like the tensor, perhaps with its
  /// dimensions in another order and elements between them.
  struct Place {
    uint32_t region;
    std::vector<int64_t> offsets; ///< Per slice.
    llvm::SmallVector<int64_t, 6> strides;
  };
  llvm::SmallVector<int64_t, 6> drawBlocks(const Layout &layout);
  Place drawPlace(uint32_t tensor, TensorRole role, unsigned slices);
  std::optional<Place> placeInOldRegion(uint32_t tensor);
  void transfer(Job &job, bool store, uint32_t tensor, const Place &place,
                unsigned slice);
  void contract(Job &job, const Nest &nest, std::array<uint32_t, 3> tensors,
                const std::array<llvm::SmallVector<unsigned, 8>, 3> &modes,
                llvm::ArrayRef<int64_t> offsets, uint32_t sums = 0);
  std::optional<Job> drawContractions();
  Job drawChain();

  bool place(uint32_t tensor);
  bool start(Job &job);
  void emit(Job &job);

  Machine machine;
  QueuedProgramOptions options;
  std::mt19937_64 random;
  QueuedStream stream;
  unsigned names = 0;
  int64_t nextAddress = 0;
  using Rows = std::array<int64_t, 3>; ///< Slab, first row, number.
  std::vector<Rows> taken;             ///< In use now.
  std::vector<Rows> used;              ///< At any time.
  static bool isFree(const std::vector<Rows> &others, int64_t slab, int64_t row,
                     int64_t rows);
  /// Regions that jobs filled, to be read by later ones.
  std::vector<uint32_t> filled;
};

} // namespace

//===----------------------------------------------------------------------===//
// Tensors and regions
//===----------------------------------------------------------------------===//

uint32_t Generator::addTensor(const std::string &name, const Layout &layout,
                              ElementType type, TensorRole role, int64_t slab) {
  TensorEntry entry;
  entry.name = name + std::to_string(names++);
  for (const DimLayout &dim : layout.dims)
    entry.shape.push_back(dim.size);
  entry.elementType = type;
  entry.role = role;
  entry.layout = layout;
  entry.slab = slab;
  stream.tensors.push_back(std::move(entry));
  return uint32_t(stream.tensors.size() - 1);
}

uint32_t Generator::addRegion(std::string name, llvm::ArrayRef<int64_t> shape,
                              ElementType type, TensorRole role) {
  DramRegion region;
  region.name = std::move(name);
  region.shape.assign(shape.begin(), shape.end());
  region.elementType = type;
  region.role = role;
  // Not always at the start of a burst.
  region.byteAddress = nextAddress + 4 * int64_t(below(24));
  nextAddress = (region.byteAddress + region.bytes() + 3) / 4 * 4;
  stream.regions.push_back(std::move(region));
  return uint32_t(stream.regions.size() - 1);
}

Generator::Place Generator::drawPlace(uint32_t tensor, TensorRole role,
                                      unsigned slices) {
  const TensorEntry entry = stream.tensors[tensor];
  const auto &dims = entry.layout.dims;
  llvm::SmallVector<unsigned, 6> order(dims.size());
  std::iota(order.begin(), order.end(), 0u);
  if (chance(40))
    for (size_t i = order.size(); i > 1; --i)
      std::swap(order[i - 1], order[below(i)]);
  bool padded = !isCollected(role) && chance(50);
  llvm::SmallVector<int64_t, 6> shape = {int64_t(slices)};
  for (unsigned d : order)
    shape.push_back(dims[d].size + (padded ? int64_t(below(3)) : 0));
  Place place;
  place.strides.resize(dims.size());
  int64_t stride = 1, start = 0;
  for (size_t i = order.size(); i-- > 0;) {
    const DimLayout &dim = dims[order[i]];
    place.strides[order[i]] = dim.size > 1 ? stride : 0;
    start += stride * int64_t(below(uint64_t(shape[i + 1] - dim.size + 1)));
    stride *= shape[i + 1];
  }
  for (unsigned s = 0; s < slices; ++s)
    place.offsets.push_back(start + s * stride);
  place.region =
      addRegion("r" + std::to_string(names++), shape, entry.elementType, role);
  return place;
}

/// A region that an earlier job filled, or the gradient of one that is a
/// result.
std::optional<Generator::Place> Generator::placeInOldRegion(uint32_t tensor) {
  const TensorEntry entry = stream.tensors[tensor];
  llvm::SmallVector<uint32_t, 8> fitting;
  for (uint32_t r : filled)
    if (stream.regions[r].elementType == entry.elementType &&
        stream.regions[r].elements() >= entry.layout.elements())
      fitting.push_back(r);
  if (fitting.empty())
    return std::nullopt;
  uint32_t r = fitting[below(fitting.size())];
  const DramRegion region = stream.regions[r];
  Place place;
  place.region = r;
  if (region.role == TensorRole::Result && chance(70)) {
    auto same = [&](const DramRegion &o) {
      return o.name == "d_" + region.name && o.role == TensorRole::Input;
    };
    auto it = llvm::find_if(stream.regions, same);
    place.region = it != stream.regions.end()
                       ? uint32_t(it - stream.regions.begin())
                       : addRegion("d_" + region.name, region.shape,
                                   region.elementType, TensorRole::Input);
  }
  place.strides.resize(entry.layout.dims.size());
  int64_t stride = 1;
  for (size_t d = place.strides.size(); d-- > 0;) {
    const DimLayout &dim = entry.layout.dims[d];
    place.strides[d] = dim.size > 1 ? stride : 0;
    stride *= dim.size;
  }
  place.offsets.push_back(
      int64_t(below(uint64_t(region.elements() - stride + 1))));
  return place;
}

/// Any blocks, for every second transfer none.
llvm::SmallVector<int64_t, 6> Generator::drawBlocks(const Layout &layout) {
  llvm::SmallVector<int64_t, 6> blocks;
  size_t count = chance(50) ? 0 : size_t(below(layout.dims.size() + 1));
  int64_t rest = layout.elements();
  for (size_t d = 0; d < count; ++d) {
    int64_t size = d + 1 < count ? layout.dims[d].size : rest;
    blocks.push_back(1 + int64_t(below(uint64_t(size))));
    rest /= layout.dims[d].size;
  }
  return blocks;
}

//===----------------------------------------------------------------------===//
// Jobs
//===----------------------------------------------------------------------===//

void Generator::transfer(Job &job, bool store, uint32_t tensor,
                         const Place &place, unsigned slice) {
  Dma dma;
  dma.store = store;
  dma.region = place.region;
  dma.tensor = tensor;
  dma.offset = place.offsets[slice];
  dma.strides = place.strides;
  dma.blocks = drawBlocks(stream.tensors[tensor].layout);
  StreamItem item;
  item.instruction = std::move(dma);
  job.items.push_back(std::move(item));
}

void Generator::contract(
    Job &job, const Nest &nest, std::array<uint32_t, 3> tensors,
    const std::array<llvm::SmallVector<unsigned, 8>, 3> &modes,
    llvm::ArrayRef<int64_t> offsets, uint32_t sums) {
  StreamItem item;
  Contract contract;
  contract.nest = nest;
  contract.tensors = tensors;
  if (nest.roundsSums())
    contract.tensorSums = sums;
  item.instruction = std::move(contract);
  item.modes = modes;
  item.offsets.assign(offsets.begin(), offsets.end());
  job.items.push_back(std::move(item));
}

/// Slices of one random contraction: their results apart or in one sum.
std::optional<Job> Generator::drawContractions() {
  RandomNestOptions nestOptions;
  nestOptions.seed = random();
  nestOptions.missingBits = unsigned(below(3));
  nestOptions.splitReduction = chance(25);
  nestOptions.maxMultiplyAdds = options.maxMultiplyAdds;
  for (int64_t &slab : nestOptions.slabs)
    slab = int64_t(below(uint64_t(machine.slabs)));
  RandomContraction drawn = randomContraction(machine, nestOptions);
  serialiseForNetworks(drawn, machine);

  bool sum = drawn.resultType == ElementType::F32;
  for (const Nest &nest : drawn.nests) {
    Nest copy = nest;
    copy.accumulate = nest.clearAtStart;
    sum &= !llvm::errorToBool(verifyNest(copy, machine));
  }
  sum &= chance(70);
  unsigned slices = 1 + unsigned(below(3));
  Job job;
  std::array<uint32_t, 3> tensors;
  std::array<std::optional<Place>, 3> places;
  bool first = false; // The sum starts from an array in DRAM.
  // The last part of a sum rounds it into a tensor of its own.
  std::optional<uint32_t> rounded;
  for (OperandId id : {OperandA, OperandB, OperandC}) {
    bool atHost = chance(id == OperandC ? 15 : 20);
    atHost &= id != OperandC || slices == 1 || sum;
    TensorRole role = !atHost          ? TensorRole::Temporary
                      : id == OperandC ? TensorRole::Gradient
                                       : TensorRole::Param;
    ElementType type = id == OperandC ? drawn.resultType : ElementType::BF16;
    tensors[id] = addTensor(std::string("ABC").substr(id, 1), drawn.layouts[id],
                            type, role, nestOptions.slabs[id]);
    if (atHost) {
      if (!place(tensors[id]))
        return std::nullopt;
      continue;
    }
    job.tensors.push_back(tensors[id]);
    if (id != OperandC) {
      if (chance(40))
        places[id] = placeInOldRegion(tensors[id]);
      if (!places[id])
        places[id] = drawPlace(tensors[id], TensorRole::Input,
                               id == OperandA ? slices : 1);
      continue;
    }
    first = sum && chance(30);
    if (sum && (slices > 1 || first) && chance(50)) {
      int64_t slab = chance(30) ? nestOptions.slabs[id]
                                : int64_t(below(uint64_t(machine.slabs)));
      rounded = addTensor("R", drawn.layouts[id], ElementType::BF16,
                          TensorRole::Temporary, slab);
      job.tensors.push_back(*rounded);
    }
    places[id] =
        drawPlace(rounded.value_or(tensors[id]),
                  chance(60) ? TensorRole::Result : TensorRole::Temporary,
                  sum ? 1 : slices);
  }
  uint32_t stored = rounded.value_or(tensors[OperandC]);
  if (first)
    transfer(job, false, tensors[OperandC],
             drawPlace(tensors[OperandC], TensorRole::State, 1), 0);
  for (unsigned s = 0; s < slices; ++s) {
    for (OperandId id : {OperandA, OperandB})
      if (places[id] && (s == 0 || places[id]->offsets.size() > s))
        transfer(job, false, tensors[id], *places[id], s);
    for (auto [nest, offsets] : llvm::zip(drawn.nests, drawn.offsets)) {
      Nest copy = nest;
      copy.accumulate = sum && copy.clearAtStart && (s > 0 || first);
      for (OperandId id : {OperandA, OperandB, OperandC})
        copy.operands[id].baseRow -= drawn.baseRows[id];
      if (!rounded || s + 1 < slices) {
        contract(job, copy, tensors, drawn.modes, offsets);
        continue;
      }
      Operand &c = copy.operands[OperandC];
      c.elementType = ElementType::BF16;
      c.slab = stream.tensors[*rounded].slab;
      if (copy.accumulate)
        copy.sums = {nestOptions.slabs[OperandC], c.baseRow};
      c.baseRow /= 2; // One plane for two.
      contract(job, copy, {tensors[OperandA], tensors[OperandB], *rounded},
               drawn.modes, offsets, tensors[OperandC]);
    }
    if (places[OperandC] && (!sum || s + 1 == slices))
      transfer(job, true, stored, *places[OperandC], sum ? 0 : s);
  }
  if (places[OperandC] &&
      (isCollected(stream.regions[places[OperandC]->region].role) ||
       slices == 1)) {
    const DramRegion &region = stream.regions[places[OperandC]->region];
    int64_t elements =
        stream.tensors[stored].layout.elements() * (sum ? 1 : slices);
    if (region.elements() == elements)
      job.fills.push_back(places[OperandC]->region);
  }
  return job;
}

/// ((X W0) W1) ... in tensor memory, mapped.
Job Generator::drawChain() {
  unsigned steps = 2 + unsigned(below(2));
  int64_t rows = 2 + int64_t(below(9));
  std::vector<int64_t> widths;
  for (unsigned s = 0; s <= steps; ++s)
    widths.push_back(2 + int64_t(below(7)));
  Job job;
  std::optional<uint32_t> previous;
  std::vector<std::pair<Nest, std::array<uint32_t, 3>>> nests;
  std::array<llvm::SmallVector<unsigned, 8>, 3> modes = {
      {{0, 1}, {1, 2}, {0, 2}}};
  for (unsigned s = 0; s < steps; ++s) {
    ContractionSpec spec;
    spec.sizes = {rows, widths[s], widths[s + 1]};
    spec.modes = modes;
    if (s + 1 == steps && chance(50))
      spec.resultType = ElementType::F32;
    if (previous)
      spec.layouts[OperandA] = stream.tensors[*previous].layout;
    MappedContraction mapped = must(mapContraction(spec, machine));
    std::array<uint32_t, 3> tensors;
    for (OperandId id : {OperandA, OperandB, OperandC}) {
      if (id == OperandA && previous) {
        tensors[id] = *previous;
        continue;
      }
      int64_t slab = int64_t(below(uint64_t(machine.slabs)));
      tensors[id] = addTensor("T", mapped.layouts[id],
                              mapped.nest.operands[id].elementType,
                              TensorRole::Temporary, slab);
      job.tensors.push_back(tensors[id]);
      if (id != OperandC)
        transfer(job, false, tensors[id],
                 drawPlace(tensors[id], TensorRole::Param, 1), 0);
    }
    for (OperandId id : {OperandA, OperandB, OperandC})
      mapped.nest.operands[id].slab = stream.tensors[tensors[id]].slab;
    nests.push_back({mapped.nest, tensors});
    previous = tensors[OperandC];
  }
  int64_t none[3] = {0, 0, 0};
  for (const auto &[nest, tensors] : nests)
    contract(job, nest, tensors, modes, none);
  Place result = drawPlace(*previous, TensorRole::Result, 1);
  transfer(job, true, *previous, result, 0);
  job.fills.push_back(result.region);
  return job;
}

//===----------------------------------------------------------------------===//
// Rows over time, and the stream
//===----------------------------------------------------------------------===//

bool Generator::isFree(const std::vector<Rows> &others, int64_t slab,
                       int64_t row, int64_t rows) {
  return llvm::none_of(others, [&](const Rows &o) {
    return o[0] == slab && o[1] < row + rows && row < o[1] + o[2];
  });
}

bool Generator::place(uint32_t tensor) {
  TensorEntry &entry = stream.tensors[tensor];
  int64_t rows = entry.physicalRows(), last = machine.rowsPerSlab - rows;
  if (last < 0)
    return false;
  // Low rows first, so that they are used again.
  int64_t row = chance(80) ? 0 : int64_t(below(uint64_t(last + 1)));
  // What the host places is there from the start.
  const std::vector<Rows> &others = isPreloaded(entry.role) ? used : taken;
  while (row <= last && !isFree(others, entry.slab, row, rows))
    ++row;
  if (row > last)
    return false;
  entry.baseRow = row;
  taken.push_back({entry.slab, row, rows});
  used.push_back({entry.slab, row, rows});
  return true;
}

bool Generator::start(Job &job) {
  auto before = taken;
  for (uint32_t tensor : job.tensors)
    if (!place(tensor)) {
      taken = before;
      return false;
    }
  return true;
}

void Generator::emit(Job &job) {
  stream.append(std::move(job.items[job.next++]));
  if (job.next < job.items.size())
    return;
  for (uint32_t tensor : job.tensors) {
    const TensorEntry &entry = stream.tensors[tensor];
    llvm::erase_if(taken, [&](const Rows &t) {
      return t[0] == entry.slab && t[1] == entry.baseRow;
    });
  }
  llvm::append_range(filled, job.fills);
}

QueuedProgram Generator::draw() {
  std::vector<Job> active;
  for (unsigned left = options.jobs; left || !active.empty();) {
    if (left && (active.empty() || (active.size() < 3 && chance(30)))) {
      // Read old regions now: what is drawn is emitted later.
      size_t tensors = stream.tensors.size(), regions = stream.regions.size();
      auto job =
          chance(30) ? std::optional<Job>(drawChain()) : drawContractions();
      if (job && start(*job)) {
        active.push_back(std::move(*job));
      } else { // Nobody will write what it would have.
        for (size_t t = tensors; t < stream.tensors.size(); ++t)
          stream.tensors[t].role = TensorRole::Temporary;
        for (size_t r = regions; r < stream.regions.size(); ++r)
          stream.regions[r].role = TensorRole::Temporary;
      }
      --left;
      continue;
    }
    // Contractions that share open sums stay together.
    size_t j = below(active.size());
    bool open = false;
    do {
      const auto *contract =
          std::get_if<Contract>(&active[j].items[active[j].next].instruction);
      open = contract && !contract->nest.drainAtEnd;
      emit(active[j]);
    } while (open);
    if (active[j].next == active[j].items.size())
      active.erase(active.begin() + ptrdiff_t(j));
  }
  return stream.finish();
}

QueuedProgram
fetta::test::randomQueuedProgram(const Machine &machine,
                                 const QueuedProgramOptions &options) {
  return Generator(machine, options).draw();
}
