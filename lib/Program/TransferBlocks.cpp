//===- TransferBlocks.cpp - In which blocks a transfer walks --------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TransferWalk.h"

#include "llvm/ADT/STLExtras.h"

#include <set>

using namespace fetta;

FlatElements::FlatElements(llvm::ArrayRef<DimLayout> dims,
                           llvm::ArrayRef<int64_t> strides, PieceOf pieceOf)
    : row(1, 0), at(1, 0) {
  for (auto [dim, stride] : llvm::zip_equal(dims, strides)) {
    std::vector<int64_t> nextRow, nextAt;
    nextRow.reserve(row.size() * size_t(dim.size));
    nextAt.reserve(row.size() * size_t(dim.size));
    for (size_t outer = 0; outer < row.size(); ++outer)
      for (int64_t i = 0; i < dim.size; ++i) {
        nextRow.push_back(row[outer] + (i >> dim.lowBits) * dim.rowStride);
        nextAt.push_back(at[outer] + i * stride);
      }
    row = std::move(nextRow);
    at = std::move(nextAt);
  }
  pieceEnd.resize(row.size());
  for (size_t i = row.size(); i-- > 0;)
    pieceEnd[i] = i + 1 < row.size() && at[i + 1] == at[i] + 1 &&
                          (pieceOf == PieceOf::Run || row[i + 1] == row[i])
                      ? pieceEnd[i + 1]
                      : int64_t(i) + 1;
}

namespace {

/// Looks for blocks cut by cut.
class BlockSearch {
public:
  BlockSearch(const TransferShape &transfer, const Machine &machine)
      : transfer(transfer), machine(machine), dims(transfer.layout->dims) {
    for (const DimLayout &dim : dims)
      rows *= dim.chunks();
    elementsPerBurst =
        std::max<int64_t>(1, machine.dramBurstBytes / transfer.elementBytes);
    int64_t planes = transfer.elementBytes == 4 ? 2 : 1,
            bytes = transfer.layout->elements() * transfer.elementBytes;
    leastCycles = std::max(
        cyclesOf((bytes + machine.dramBurstBytes - 1) / machine.dramBurstBytes),
        rows * planes);
  }

  llvm::SmallVector<int64_t, 6> run();

private:
  using Blocks = llvm::SmallVector<int64_t, 6>;
  /// Cycles of the link for so many bursts.
  int64_t cyclesOf(int64_t bursts) const {
    return int64_t(double(bursts * machine.dramBurstBytes) *
                   double(machine.clockHz) /
                   double(machine.dramBytesPerSecond));
  }
  /// Nothing is better than what was found: every byte is in a burst, and every
  /// row passes once.
  bool isDone() const { return bestCycles <= leastCycles; }
  /// Cycles of the link, or some that are not below the best found. `flat`: the
  /// flat part of the walk, if known.
  int64_t linkCycles(llvm::ArrayRef<int64_t> blocks,
                     const FlatElements *flat) const;
  void consider(const Blocks &blocks, const FlatElements *flat,
                int64_t openRows, int64_t blockCount);
  void considerEvicting(const Blocks &blocks);
  void considerRowMajor();
  void considerCut(size_t cut);

  TransferShape transfer;
  const Machine &machine;
  llvm::ArrayRef<DimLayout> dims;
  int64_t rows = 1, elementsPerBurst, leastCycles;
  Blocks best;
  int64_t bestCycles = std::numeric_limits<int64_t>::max();
  /// Those that do not fit the staging buffer.
  std::vector<Blocks> evicting;
};

} // namespace

/// Rows that are open at once in a walk over flat elements in blocks, where
/// each block is passed several times before the next.
static int64_t openRows(const FlatElements &flat, int64_t rows, int64_t block,
                        int64_t limit) {
  std::vector<int64_t> last(size_t(rows), -1);
  for (int64_t i = 0, b = 0; i < flat.size(); ++b)
    for (int64_t end = std::min(i + block, flat.size()); i < end; ++i)
      last[size_t(flat.row[size_t(i)])] = b;
  int64_t open = 0, most = 0;
  std::vector<bool> seen(size_t(rows), false);
  for (int64_t begin = 0; begin < flat.size(); begin += block) {
    int64_t end = std::min(begin + block, flat.size()), closed = 0;
    for (int64_t i = begin; i < end; ++i) {
      auto row = size_t(flat.row[size_t(i)]);
      if (!seen[row]) {
        seen[row] = true;
        ++open;
      }
    }
    most = std::max(most, open);
    if (most > limit)
      return most;
    for (int64_t i = begin; i < end; ++i) {
      int64_t &at = last[size_t(flat.row[size_t(i)])];
      if (at == begin / block) {
        at = -1;
        ++closed;
      }
    }
    open -= closed;
  }
  return most;
}

int64_t BlockSearch::linkCycles(llvm::ArrayRef<int64_t> blocks,
                                const FlatElements *flat) const {
  TransferShape shape = transfer;
  shape.blocks = blocks;
  std::optional<FlatElements> own;
  if (!flat)
    flat = &own.emplace(flatPart(shape, PieceOf::Run));
  int64_t burst = machine.dramBurstBytes, bursts = 0;
  int64_t lastBurst = -1, runEnd = -1;
  // Divisions would be most of the work.
  unsigned shift = llvm::isPowerOf2_64(uint64_t(burst))
                       ? unsigned(llvm::countr_zero(uint64_t(burst)))
                       : 0;
  auto burstOf = [&](int64_t byte) {
    return shift ? byte >> shift : byte / burst;
  };
  // The first number of bursts that takes as long as the best found.
  int64_t enough = INT64_MAX;
  if (bestCycles < INT64_MAX) {
    enough = int64_t(double(bestCycles) * double(machine.dramBytesPerSecond) /
                     double(machine.clockHz) / double(burst));
    while (cyclesOf(enough) < bestCycles)
      ++enough;
  }
  walkBlocks(shape, *flat, [&](int64_t, int64_t at, int64_t count) {
    int64_t begin = transfer.firstByte + at * transfer.elementBytes;
    int64_t end = begin + count * transfer.elementBytes;
    int64_t first = burstOf(begin);
    bool open = begin == runEnd && first == lastBurst;
    lastBurst = burstOf(end - 1);
    bursts += lastBurst - first + !open;
    runEnd = end;
    return bursts < enough;
  });
  return cyclesOf(bursts);
}

/// Blocks without evictions: every row once. What of the next block finds no
/// place beside this one holds the link up.
void BlockSearch::consider(const Blocks &blocks, const FlatElements *flat,
                           int64_t openRows, int64_t blockCount) {
  if (isDone())
    return;
  int64_t planes = transfer.elementBytes == 4 ? 2 : 1;
  int64_t crowd = std::max<int64_t>(0, 2 * openRows - machine.stagingRows);
  int64_t cycles = std::max(
      linkCycles(blocks, flat) + crowd * planes * blockCount, rows * planes);
  if (cycles < bestCycles) {
    bestCycles = cycles;
    best = blocks;
  }
}

void BlockSearch::considerEvicting(const Blocks &blocks) {
  if (isDone())
    return;
  int64_t link = linkCycles(blocks, nullptr);
  if (link >= bestCycles)
    return;
  TransferShape shape = transfer;
  shape.blocks = blocks;
  TransferPlan plan = planTransfer(shape, machine);
  int64_t planes = transfer.elementBytes == 4 ? 2 : 1, accesses = 0;
  for (const StagedRow &row : plan.rows)
    accesses += planes * (row.returns && !transfer.store ? 2 : 1);
  // An access that need not be may hold up the link, or the array.
  int64_t cycles = std::max(link + accesses - rows * planes, accesses);
  if (cycles < bestCycles) {
    bestCycles = cycles;
    best = blocks;
  }
}

/// Rows stay open from the first dimension on that shares rows between its
/// indices: all those of the dimensions behind it.
void BlockSearch::considerRowMajor() {
  int64_t open = 1, blockCount = 1;
  bool shares = false;
  for (const DimLayout &dim : dims) {
    if (shares)
      open *= dim.chunks();
    else
      blockCount *= dim.chunks();
    shares |= dim.lowBits > 0 && dim.size > 1;
  }
  if (open <= machine.stagingRows)
    consider({}, nullptr, open, blockCount);
  else
    evicting.push_back({});
}

/// Outside of the cut one chunk of each dimension, inside the longest runs that
/// leave the rows room: whole bursts, or whole dimensions.
void BlockSearch::considerCut(size_t cut) {
  if (isDone())
    return;
  Blocks blocks;
  int64_t indices = 1, outerBlocks = 1;
  for (const DimLayout &dim : dims.take_front(cut)) {
    blocks.push_back(std::min(int64_t(1) << dim.lowBits, dim.size));
    indices *= blocks.back();
    outerBlocks *= dim.chunks();
  }
  if (indices == 1)
    return; // The same as row-major.
  FlatElements flat(dims.drop_front(cut), transfer.strides.drop_front(cut),
                    PieceOf::Run);
  // Whole bursts by doubling; and whole dimensions, or their chunks.
  std::set<int64_t> sizes[2];
  auto add = [&](int64_t size) {
    if (size >= elementsPerBurst || size == flat.size())
      sizes[size % elementsPerBurst != 0].insert(size);
  };
  for (int64_t size = elementsPerBurst; size < flat.size(); size *= 2)
    add(size);
  int64_t behind = 1;
  for (const DimLayout &dim : llvm::reverse(dims.drop_front(cut))) {
    add(behind * std::min(int64_t(1) << dim.lowBits, dim.size));
    add(behind *= dim.size);
  }
  bool found = false;
  for (const std::set<int64_t> &family : sizes) {
    bool fits = false, leavesRoom = false;
    for (int64_t size : llvm::reverse(family)) {
      int64_t open =
          openRows(flat, transfer.layout->rows(), size, machine.stagingRows);
      leavesRoom = 2 * open <= machine.stagingRows;
      if (open > machine.stagingRows || (fits && !leavesRoom))
        continue;
      blocks.push_back(size);
      consider(blocks, &flat, open,
               outerBlocks * ((flat.size() + size - 1) / size));
      blocks.pop_back();
      found = fits = true;
      if (leavesRoom)
        break;
    }
  }
  if (!found) {
    blocks.push_back(std::min(elementsPerBurst, flat.size()));
    evicting.push_back(blocks);
  }
}

llvm::SmallVector<int64_t, 6> BlockSearch::run() {
  considerRowMajor();
  for (size_t cut = 1; cut < dims.size(); ++cut)
    considerCut(cut);
  bool fits = bestCycles < std::numeric_limits<int64_t>::max();
  // Where something fits, cuts that do not are beside the point; the order of
  // the addresses may still be the one with the fewest bursts.
  for (const Blocks &blocks : evicting)
    if (!fits || blocks.empty())
      considerEvicting(blocks);
  return best;
}

llvm::SmallVector<int64_t, 6> fetta::chooseBlocks(const TransferShape &transfer,
                                                  const Machine &machine) {
  return BlockSearch(transfer, machine).run();
}
