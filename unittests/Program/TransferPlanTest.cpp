//===- TransferPlanTest.cpp - Walks in blocks -----------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Plans against a walk element by element, and blocks against all there are.
//
//===----------------------------------------------------------------------===//

#include "fetta/Program/TransferPlan.h"

#include "llvm/ADT/STLExtras.h"

#include "gtest/gtest.h"

#include <functional>
#include <list>
#include <random>

using namespace fetta;

namespace {

/// A transfer with what it is of.
struct Drawn {
  Layout layout;
  llvm::SmallVector<int64_t, 6> strides, blocks;
  TransferShape shape;
};

uint64_t below(std::mt19937_64 &random, uint64_t limit) {
  return random() % limit;
}

/// Bank bits of a machine with 16 lanes, given out at random.
void draw(std::mt19937_64 &random, Drawn &drawn, int64_t largest,
          bool anyOrder = true) {
  size_t dims = 1 + below(random, 4);
  llvm::SmallVector<int64_t, 6> sizes;
  llvm::SmallVector<unsigned, 6> lowBits(dims, 0), order;
  for (size_t d = 0; d < dims; ++d) {
    sizes.push_back(1 + int64_t(below(random, uint64_t(largest))));
    order.push_back(unsigned(d));
  }
  llvm::SmallVector<BankBit, 4> banks(4);
  for (BankBit &bank : banks) {
    auto d = unsigned(below(random, dims));
    if (sizes[d] > int64_t(1) << lowBits[d])
      bank.source = ModeBit{d, lowBits[d]++};
  }
  std::shuffle(order.begin(), order.end(), random);
  drawn.layout = Layout::packed(sizes, banks, order);
  // Dense, or with elements between, in any order of dimensions.
  drawn.strides.assign(dims, 0);
  if (!anyOrder || below(random, 2))
    std::sort(order.begin(), order.end());
  int64_t stride = below(random, 5) ? 1 : 2;
  for (unsigned d : llvm::reverse(order)) {
    drawn.strides[d] = sizes[d] > 1 ? stride : 0;
    stride *= sizes[d] + int64_t(below(random, 2)) * int64_t(below(random, 3));
  }
  int64_t rest = drawn.layout.elements();
  size_t count = below(random, dims + 1);
  drawn.blocks.clear();
  for (size_t d = 0; d < count; ++d) {
    drawn.blocks.push_back(
        1 + int64_t(below(random, uint64_t(d + 1 < count ? sizes[d] : rest))));
    rest /= sizes[d];
  }
  drawn.shape.layout = &drawn.layout;
  drawn.shape.elementBytes = below(random, 3) ? 2 : 4;
  drawn.shape.firstByte = drawn.shape.elementBytes * int64_t(below(random, 40));
  drawn.shape.strides = drawn.strides;
  drawn.shape.blocks = drawn.blocks;
  drawn.shape.store = below(random, 2);
}

/// From docs/Queues.md, section 2: the elements sorted by their blocks.
TransferPlan slowPlan(const Drawn &drawn, const Machine &machine) {
  const auto &dims = drawn.layout.dims;
  struct Element {
    std::vector<int64_t> key;
    int64_t row, address;
  };
  std::vector<Element> elements;
  std::map<int64_t, int64_t> left;
  for (int64_t e = 0; e < drawn.layout.elements(); ++e) {
    std::vector<int64_t> index(dims.size());
    int64_t rest = e, address = drawn.shape.firstByte;
    for (size_t d = dims.size(); d-- > 0; rest /= dims[d].size)
      index[d] = rest % dims[d].size;
    for (size_t d = 0; d < dims.size(); ++d)
      address += index[d] * drawn.strides[d] * drawn.shape.elementBytes;
    std::vector<int64_t> inside = index;
    if (!drawn.blocks.empty()) {
      inside.resize(drawn.blocks.size());
      for (size_t d = inside.size(); d < dims.size(); ++d)
        inside.back() = inside.back() * dims[d].size + index[d];
    }
    std::vector<int64_t> key;
    for (size_t b = 0; b < drawn.blocks.size(); ++b)
      key.push_back(inside[b] / drawn.blocks[b]);
    llvm::append_range(key, inside);
    int64_t row = drawn.layout.rowOf(index);
    elements.push_back({key, row, address});
    ++left[row];
  }
  llvm::stable_sort(elements, [](const Element &a, const Element &b) {
    return a.key < b.key;
  });
  TransferPlan plan;
  std::list<std::pair<int64_t, size_t>> buffer; // Row, stay; latest first.
  std::map<int64_t, bool> came;
  int64_t bursts = 0, previous = -1, burst = machine.dramBurstBytes;
  for (const Element &element : elements) {
    // No element is larger than a burst, and all are aligned.
    int64_t own = element.address / burst;
    if (previous < 0 ||
        previous + drawn.shape.elementBytes != element.address ||
        previous / burst != own)
      ++bursts;
    previous = element.address;
    auto at = llvm::find_if(
        buffer, [&](auto &entry) { return entry.first == element.row; });
    if (at == buffer.end()) {
      if (int64_t(buffer.size()) == machine.stagingRows)
        buffer.pop_back();
      buffer.push_front({element.row, plan.rows.size()});
      plan.rows.push_back({element.row, (bursts - drawn.shape.store) * burst, 0,
                           came[element.row]});
      came[element.row] = true;
    } else {
      buffer.splice(buffer.begin(), buffer, at);
    }
    plan.rows[buffer.front().second].to = bursts * burst;
    if (--left[element.row] == 0)
      buffer.pop_front();
  }
  plan.bytes = bursts * burst;
  return plan;
}

Machine machineWith(int64_t stagingRows, int64_t burst) {
  Machine machine;
  machine.stagingRows = stagingRows;
  machine.dramBurstBytes = burst;
  machine.dramBytesPerSecond = 25600000000;
  machine.clockHz = 1000000000;
  return machine;
}

TEST(TransferPlan, WalksAsTheDocumentSays) {
  for (uint64_t seed = 51000; seed < 51400; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    Drawn drawn;
    draw(random, drawn, 12);
    Machine machine =
        machineWith(int64_t(1) << below(random, 5), 16 << below(random, 3));
    TransferPlan plan = planTransfer(drawn.shape, machine);
    TransferPlan expected = slowPlan(drawn, machine);
    EXPECT_EQ(plan.bytes, expected.bytes);
    ASSERT_EQ(plan.rows.size(), expected.rows.size());
    for (auto [a, b] : llvm::zip_equal(plan.rows, expected.rows)) {
      EXPECT_EQ(a.row, b.row);
      EXPECT_EQ(a.from, b.from);
      EXPECT_EQ(a.to, b.to);
      EXPECT_EQ(a.returns, b.returns);
    }
    ASSERT_EQ(plan.ends.size(), plan.rows.size());
    for (size_t i = 1; i < plan.ends.size(); ++i)
      EXPECT_LE(plan.rows[plan.ends[i - 1]].to, plan.rows[plan.ends[i]].to);
  }
}

/// Cycles of the link, or of the slab if that takes longer.
int64_t costOf(const TransferShape &shape, llvm::ArrayRef<int64_t> blocks,
               const Machine &machine) {
  TransferShape walk = shape;
  walk.blocks = blocks;
  TransferPlan plan = planTransfer(walk, machine);
  int64_t accesses = 0;
  for (const StagedRow &row : plan.rows)
    accesses +=
        (shape.elementBytes / 2) * (row.returns && !shape.store ? 2 : 1);
  return std::max(plan.bytes * 5 / 128, accesses);
}

/// Never worse than row-major where that evicts rows, and on average within 5 %
/// of the best of all blocks whose sizes are powers of two or whole. (Where it
/// evicts none, blocks may cost more to leave the next ones room, which this
/// count does not see.)
TEST(TransferPlan, ChosenBlocksAgainstAll) {
  double sum = 0;
  int64_t better = 0, cases = 120;
  for (uint64_t seed = 52000; seed < 52000 + uint64_t(cases); ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    Drawn drawn;
    draw(random, drawn, 9, /*anyOrder=*/false);
    Machine machine = machineWith(8, 16);
    auto chosen = chooseBlocks(drawn.shape, machine);
    ASSERT_FALSE(llvm::errorToBool(verifyBlocks(chosen, drawn.layout.dims)));
    int64_t cost = costOf(drawn.shape, chosen, machine);
    int64_t rowMajor = costOf(drawn.shape, {}, machine);
    TransferShape walk = drawn.shape;
    walk.blocks = {};
    if (llvm::any_of(planTransfer(walk, machine).rows,
                     [](const StagedRow &row) { return row.returns; })) {
      EXPECT_LE(cost, rowMajor);
      better += cost < rowMajor;
    }
    int64_t best = rowMajor;
    llvm::SmallVector<int64_t, 6> blocks;
    std::function<void(int64_t)> all = [&](int64_t rest) {
      size_t d = blocks.size();
      for (int64_t size = 1; size < 2 * rest; size *= 2) {
        blocks.push_back(std::min(size, rest));
        best = std::min(best, costOf(drawn.shape, blocks, machine));
        blocks.pop_back();
      }
      if (d + 1 >= drawn.layout.dims.size())
        return;
      int64_t here = drawn.layout.dims[d].size;
      for (int64_t size = 1; size < 2 * here; size *= 2) {
        blocks.push_back(std::min(size, here));
        all(rest / here);
        blocks.pop_back();
      }
    };
    all(drawn.layout.elements());
    sum += double(cost) / double(best);
  }
  EXPECT_LE(sum / double(cases), 1.05);
  EXPECT_GE(better, cases / 10);
}

/// fetta-edge: 256 words in a row, 64 rows, bursts of 32 elements.
TEST(TransferPlan, TokensOnEveryBankBit) {
  Machine machine = machineWith(64, 64);
  llvm::SmallVector<BankBit, 8> banks;
  for (unsigned bit = 0; bit < 8; ++bit)
    banks.push_back({ModeBit{0, bit}, false});
  Layout layout = Layout::packed({512, 8, 8, 12}, banks, {0, 1, 2, 3});
  int64_t strides[] = {768, 96, 12, 1};
  TransferShape shape;
  shape.layout = &layout;
  shape.strides = strides;
  auto blocks = chooseBlocks(shape, machine);
  EXPECT_EQ(blocks, (llvm::SmallVector<int64_t, 6>{256, 32}));
  shape.blocks = blocks;
  TransferPlan plan = planTransfer(shape, machine);
  EXPECT_EQ(plan.bytes, 512 * 768 * 2);
  EXPECT_EQ(plan.rows.size(), size_t(2 * 768));
  // Row-major, each of the 768 rows of 256 tokens leaves before it comes again;
  // but with the last token rows leave complete, so that the 63 that are there
  // when the first comes stay.
  shape.blocks = {};
  EXPECT_EQ(planTransfer(shape, machine).rows.size(),
            size_t(512 * 768 - 2 * 63));
}

/// A slice of a layer with 57,600 inputs. 45 rows are open at once: chunks of
/// the third dimension with all that is behind them are whole bursts.
TEST(TransferPlan, ChunksInTheMiddle) {
  Machine machine = machineWith(64, 64);
  llvm::SmallVector<BankBit, 8> banks;
  for (auto [dim, bits] : {std::pair(0u, 3u), {2u, 2u}, {3u, 2u}, {4u, 1u}})
    for (unsigned bit = 0; bit < bits; ++bit)
      banks.push_back({ModeBit{dim, bit}, false});
  Layout layout = Layout::packed({8, 8, 20, 20, 18}, banks, {0, 1, 2, 3, 4});
  int64_t strides[] = {57600, 7200, 360, 18, 1};
  TransferShape shape;
  shape.layout = &layout;
  shape.strides = strides;
  shape.store = true;
  auto blocks = chooseBlocks(shape, machine);
  EXPECT_EQ(blocks, (llvm::SmallVector<int64_t, 6>{8, 1440}));
  shape.blocks = blocks;
  TransferPlan plan = planTransfer(shape, machine);
  EXPECT_EQ(plan.bytes, 8 * 57600 * 2);
  EXPECT_EQ(plan.rows.size(), size_t(8 * 5 * 5 * 9));
}

/// Where few rows are open the order of the addresses is as good.
TEST(TransferPlan, RowMajorWhereItFits) {
  Machine machine = machineWith(64, 64);
  llvm::SmallVector<BankBit, 8> banks;
  for (unsigned bit = 0; bit < 8; ++bit)
    banks.push_back({ModeBit{bit < 4 ? 0u : 1u, bit % 4}, false});
  Layout layout = Layout::packed({512, 256}, banks, {0, 1});
  int64_t strides[] = {256, 1};
  TransferShape shape;
  shape.layout = &layout;
  shape.strides = strides;
  EXPECT_TRUE(chooseBlocks(shape, machine).empty());
}

} // namespace
