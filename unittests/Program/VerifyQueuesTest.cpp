//===- VerifyQueuesTest.cpp - Queues, transfers and reuse of memory -------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "VerifyQueues.h"

using namespace fetta;
using namespace fetta::test;

namespace {

TEST(VerifyRegions, Codes) {
  EXPECT_PASSES();
  EXPECT_REFUSED(RegionName, p.regions[0].name = "");
  EXPECT_REFUSED(RegionName, p.regions[0].name = "x/y");
  EXPECT_REFUSED(RegionName, p.regions[0].name = "b");
  EXPECT_REFUSED(RegionName, p.tensors.push_back(p.tensors[0]);
                 p.tensors.back().role = TensorRole::Input;
                 p.tensors.back().slab = 3);
  EXPECT_REFUSED(RegionShape, p.regions[0].shape = {-3, -2});
  EXPECT_REFUSED(RegionShape, p.regions[0].shape = {3, 0});
  EXPECT_REFUSED(RegionShape, p.regions[0].shape = {1 << 20, 1 << 20, 1 << 30});
  EXPECT_REFUSED(RegionShape, p.regions[0].shape = {MaxDramElements - 9});
  EXPECT_REFUSED(RegionPlace, p.regions[0].byteAddress = 201);
  EXPECT_REFUSED(RegionPlace, p.regions[0].byteAddress = -2);
  EXPECT_REFUSED(RegionPlace, p.regions[0].byteAddress = int64_t(1) << 49);
  EXPECT_REFUSED(RegionPlace, p.regions[0].byteAddress = 64 - 2);
  EXPECT_PASSES(p.regions[0].byteAddress = 64 - 12);
}

TEST(VerifyTransfers, Codes) {
  EXPECT_REFUSED(Reference, dma(p, LoadA).region = 3);
  EXPECT_REFUSED(Reference, dma(p, LoadA).tensor = 3);
  EXPECT_REFUSED(DmaType, p.regions[0].elementType = ElementType::F32);
  EXPECT_REFUSED(DmaRole, p.regions[2].role = TensorRole::State);
  EXPECT_REFUSED(DmaRole, p.tensors[0].role = TensorRole::Input;
                 p.regions[0].name = "other");
  EXPECT_REFUSED(DmaStrides, dma(p, LoadA).strides = {1});
  EXPECT_REFUSED(DmaStrides, dma(p, LoadA).strides = {-1, 1});
  EXPECT_REFUSED(DmaStrides, dma(p, StoreC).strides = {1, 1});
  EXPECT_REFUSED(DmaStrides, dma(p, StoreC).strides = {0, 1});
  EXPECT_REFUSED(DmaRange, dma(p, LoadA).offset = -1);
  EXPECT_REFUSED(DmaRange, dma(p, LoadA).offset = 1);
  EXPECT_REFUSED(DmaRange, dma(p, LoadA).strides = {3, 1});
  EXPECT_REFUSED(DmaRange, dma(p, LoadA).strides = {INT64_MAX / 2, 1});
  // The transposed array, a row again and again.
  EXPECT_PASSES(dma(p, LoadA).strides = {1, 3});
  EXPECT_PASSES(dma(p, LoadA).strides = {0, 1});
  // A tensor of 3 x 2: blocks of either dimension, or of all six elements.
  EXPECT_REFUSED(DmaBlocks, dma(p, LoadA).blocks = {0});
  EXPECT_REFUSED(DmaBlocks, dma(p, LoadA).blocks = {7});
  EXPECT_REFUSED(DmaBlocks, dma(p, LoadA).blocks = {4, 1});
  EXPECT_REFUSED(DmaBlocks, dma(p, StoreC).blocks = {-1, 1});
  EXPECT_REFUSED(DmaBlocks, dma(p, LoadA).blocks = {3, 3});
  EXPECT_REFUSED(DmaBlocks, dma(p, LoadA).blocks = {1, 1, 1});
  EXPECT_PASSES(dma(p, LoadA).blocks = {6});
  EXPECT_PASSES(dma(p, LoadA).blocks = {3, 1});
  EXPECT_PASSES(dma(p, LoadA).blocks = {2, 2});
  // A dimension of size 1 has nothing to step over.
  EXPECT_REFUSED(DmaStrides, p.tensors[0].layout.dims.push_back({1, 0, 0});
                 dma(p, LoadA).strides = {2, 1, 1});
  EXPECT_PASSES(p.tensors[0].layout.dims.push_back({1, 0, 0});
                dma(p, LoadA).strides = {2, 1, 0});
  // 2^19 ranges of one element.
  EXPECT_REFUSED(DmaStrides, p.machine.rowsPerSlab = 1 << 18;
                 p.tensors[0].layout.dims = {{1 << 18, 0, 1}, {2, 1, 0}};
                 p.tensors[0].shape = {1 << 19}; p.regions[0].shape = {1 << 20};
                 p.regions[0].byteAddress = 1 << 10;
                 dma(p, LoadA).strides = {4, 2});
}

TEST(VerifyTokens, Semaphores) {
  // Two producers, two consumers, one queue as both, named twice, too large.
  EXPECT_REFUSED(SemaphoreUse, contract(p).tokens.signals[0].semaphore = 4);
  EXPECT_REFUSED(SemaphoreUse, dma(p, StoreC).tokens.waits[0].semaphore = 4);
  EXPECT_REFUSED(SemaphoreUse, dma(p, LoadB).tokens.waits[0] = {4, 1});
  EXPECT_REFUSED(SemaphoreUse, contract(p).tokens.waits = {{{4, 1}, {4, 1}}});
  EXPECT_REFUSED(SemaphoreUse, dma(p, LoadA).tokens.signals[1] = {4, 1});
  EXPECT_REFUSED(SemaphoreUse, dma(p, LoadA).tokens.signals[1] = {32, 1});
  EXPECT_REFUSED(SemaphoreUse, dma(p, LoadA).tokens.signals[1] = {3, 8});
  EXPECT_REFUSED(SemaphoreUse, insert(p, 0, sync(Queue(4), {{{{3, 1}}}, {}})));
}

TEST(VerifyTokens, Deadlock) {
  std::string message;
  EXPECT_EQ(after([](Program &p) { contract(p).tokens.waits[0].count = 3; },
                  &message),
            unsigned(LoadCode::Deadlock));
  EXPECT_EQ(message,
            "instruction 5 (contract, contract queue) waits for 3 token(s) of "
            "semaphore 4, of which 2 are there: nothing signals it; it would "
            "wait for ever");
  // In a circle.
  EXPECT_EQ(after(
                [](Program &p) {
                  dma(p, LoadA).tokens.waits[0] = {20, 1};
                  dma(p, StoreC).tokens.signals[0] = {20, 1};
                },
                &message),
            unsigned(LoadCode::Deadlock));
  EXPECT_NE(message.find("instruction 0 (dma-load, load queue) waits for 1 "
                         "token(s) of semaphore 20"),
            std::string::npos);
  EXPECT_NE(message.find("the next signal is that of instruction 6 (dma-store, "
                         "store queue), behind it in the stream"),
            std::string::npos)
      << message;
  // The stream itself must be a legal order.
  EXPECT_REFUSED(Deadlock, std::swap(p.code[Multiply], p.code[StoreC]));
}

TEST(VerifyTokens, LeftOver) {
  EXPECT_REFUSED(TokensLeft, dma(p, LoadB).tokens.signals[0].count = 2);
  EXPECT_REFUSED(TokensLeft, dma(p, StoreC).tokens.signals[0] = {20, 1});
}

/// The vector queue gives tokens, which the store queue takes at once.
void addTokens(Program &p, unsigned signals) {
  for (unsigned i = 0; i < signals; ++i) {
    insert(p, p.code.size() - 1, sync(Queue::Vector, {{}, {{{1, 7}, {}}}}));
    insert(p, p.code.size() - 1, sync(Queue::Store, {{{{1, 7}, {}}}, {}}));
  }
}

TEST(VerifyTokens, Overflow) {
  // In the order of the stream the counter never exceeds 7; a slow store queue
  // lets it grow.
  EXPECT_PASSES(addTokens(p, 36));
  EXPECT_REFUSED(SemaphoreOverflow, addTokens(p, 37));
}

TEST(VerifyTokens, BackpressureBoundsTheCounter) {
  Program p = test::tinyDmaProgram();
  auto give = [&](unsigned n, Token wait) {
    for (unsigned i = 0; i < n; ++i)
      insert(p, p.code.size() - 1,
             sync(Queue::Vector, {{{i ? Token() : wait, {}}}, {{{1, 7}, {}}}}));
  };
  auto take = [&](unsigned n, Token signal) {
    for (unsigned i = 0; i < n; ++i)
      insert(p, p.code.size() - 1,
             sync(Queue::Store,
                  {{{{1, 7}, {}}}, {{i + 1 == n ? signal : Token(), {}}}}));
  };
  give(30, {});
  take(30, {2, 1});
  give(30, {2, 1});
  take(30, {});
  auto [code, message] = refusal(p);
  EXPECT_EQ(code, 0u) << message;
}

TEST(VerifyOrder, Words) {
  // Read after write, over the tokens of another load.
  EXPECT_REFUSED(Unordered, dma(p, LoadB).tokens = {};
                 contract(p).tokens.waits[0].count = 1);
  // One token is that of the first load: the second is in no order.
  EXPECT_REFUSED(Unordered, dma(p, LoadA).tokens.signals[0].count = 2;
                 dma(p, LoadB).tokens = {});
  // The token of the last one covers both: a queue completes in order.
  EXPECT_PASSES(dma(p, LoadA).tokens = {};
                dma(p, LoadB).tokens.signals[0].count = 2);
  std::string message;
  EXPECT_EQ(after(
                [](Program &p) {
                  contract(p).tokens.signals[0] = {};
                  dma(p, StoreC).tokens = {};
                },
                &message),
            unsigned(LoadCode::Unordered));
  EXPECT_EQ(message,
            "instruction 6 (dma-store, store queue) and instruction 5 "
            "(contract, contract queue), which writes word 0 of row 0 in slab "
            "2, are in no order: instruction 6 (dma-store, store queue) must "
            "wait for a token that instruction 5 (contract, contract queue) or "
            "a later instruction of its queue signals");
}

/// Loads b once more at the end, into the words that the contraction read.
void loadAgain(Program &p, Tokens tokens) {
  Dma again = dma(p, LoadB);
  again.tokens = tokens;
  insert(p, p.code.size() - 1, again);
}

TEST(VerifyOrder, WriteAfterRead) {
  EXPECT_REFUSED(Unordered, loadAgain(p, {}));
  EXPECT_PASSES(contract(p).tokens.signals[1] = {7, 1};
                loadAgain(p, {{{{7, 1}, {}}}, {}}));
  // By way of the store, which waits for the contraction.
  EXPECT_PASSES(dma(p, StoreC).tokens.signals[0] = {7, 1};
                loadAgain(p, {{{{7, 1}, {}}}, {}}));
}

TEST(VerifyOrder, Elements) {
  // c comes back from DRAM, for instance as a.
  auto reload = [](Program &p, bool waits) {
    Dma again = dma(p, LoadA);
    again.region = 2;
    again.tokens = {};
    if (waits) {
      dma(p, StoreC).tokens.signals[0] = {7, 1};
      again.tokens.waits[0] = {7, 1};
    } else {
      // Ordered after the contraction that reads a, not after the store.
      contract(p).tokens.signals[1] = {7, 1};
      again.tokens.waits[0] = {7, 1};
    }
    insert(p, p.code.size() - 1, again);
  };
  EXPECT_EQ(after([&](Program &p) { reload(p, true); }), 0u);
  EXPECT_EQ(after([&](Program &p) { reload(p, false); }),
            unsigned(LoadCode::Unordered));
}

TEST(VerifyMemory, WrittenAndRead) {
  EXPECT_REFUSED(ReadBeforeWrite, p.code.erase(p.code.begin());
                 contract(p, 4).tokens.waits[0].count = 1);
  // b in the words of a.
  EXPECT_REFUSED(OtherTensor, {
    p.tensors.push_back(p.tensors[0]);
    Dma over = dma(p, LoadA);
    over.tensor = 3;
    over.tokens = {};
    insert(p, 1, over);
  });
  // Before a is loaded nobody minds.
  EXPECT_PASSES({
    p.tensors.push_back(p.tensors[0]);
    Dma over = dma(p, LoadA);
    over.tensor = 3;
    over.tokens = {};
    insert(p, 0, over);
  });
  EXPECT_REFUSED(RegionReadBeforeWrite,
                 p.regions[0].role = TensorRole::Temporary);
  EXPECT_REFUSED(RegionNotWritten, p.regions[2].shape = {7});
  EXPECT_REFUSED(RegionNotWritten, p.regions.push_back(p.regions[2]);
                 p.regions.back().name = "e";
                 p.regions.back().byteAddress = 512);
  EXPECT_PASSES(p.regions.push_back(p.regions[2]);
                p.regions.back().role = TensorRole::Temporary;
                p.regions.back().byteAddress = 512);
  // The result of a contraction goes over its own operand.
  EXPECT_REFUSED(OverwritesOperand, {
    p.tensors[2].slab = 0;
    contract(p).nest.operands[OperandC].slab = 0;
  });
  // The contraction again, and nobody read the first result.
  EXPECT_REFUSED(WrittenTwice, {
    Contract again = contract(p);
    again.tokens = {};
    insert(p, Multiply, again);
    std::swap(contract(p, Multiply).tokens, contract(p, Multiply + 1).tokens);
    std::swap(contract(p, Multiply).tokens.signals,
              contract(p, Multiply + 1).tokens.signals);
  });
  // A collected tensor whose words are used again.
  EXPECT_REFUSED(NotWritten, {
    p.tensors[2].role = TensorRole::Gradient;
    p.regions[2].name = "e";
    Dma over = dma(p, LoadA);
    p.tensors.push_back(p.tensors[2]);
    p.tensors.back().role = TensorRole::Temporary;
    over.tensor = 3;
    dma(p, StoreC).tokens.signals[0] = {7, 1};
    over.tokens = {{{{7, 1}, {}}}, {}};
    insert(p, p.code.size() - 1, over);
  });
}

/// The result as FP32, and a second contraction that adds to it.
void addTo(Program &p, bool accumulate) {
  p.tensors[2].elementType = p.regions[2].elementType = ElementType::F32;
  p.regions[2].byteAddress = 256;
  contract(p).nest.operands[OperandC].elementType = ElementType::F32;
  Contract again = contract(p);
  again.nest.accumulate = accumulate;
  again.tokens.waits[0] = {};
  contract(p).tokens.signals[0] = {};
  insert(p, Multiply + 1, again);
}

/// A second contraction that goes on from FP32 sums and rounds them into a
/// tensor in slab 3, which is what is stored.
void roundInto(Program &p) {
  p.regions[2].byteAddress = 256;
  p.tensors.push_back(p.tensors[2]);
  p.tensors[2].elementType = ElementType::F32;
  p.tensors[3].slab = 3;
  Contract again = contract(p);
  contract(p).nest.operands[OperandC].elementType = ElementType::F32;
  contract(p).tokens.signals[0] = {};
  again.tokens.waits[0] = {};
  again.tensors[OperandC] = 3;
  again.nest.operands[OperandC].slab = 3;
  again.nest.accumulate = true;
  again.nest.sums = {p.tensors[2].slab, p.tensors[2].baseRow};
  again.tensorSums = 2;
  insert(p, Multiply + 1, again);
  dma(p, StoreC + 1).tensor = 3;
}

Contract &last(Program &p) { return contract(p, Multiply + 1); }

TEST(VerifyMemory, SumsThatEndInBF16) {
  EXPECT_PASSES(roundInto(p));
  EXPECT_REFUSED(Reference, roundInto(p); last(p).tensorSums = 4);
  EXPECT_REFUSED(OperandType, roundInto(p); last(p).tensorSums = 3);
  EXPECT_REFUSED(OperandType, roundInto(p); last(p).nest.sums.slab = 1);
  EXPECT_REFUSED(OperandWindow, roundInto(p); last(p).nest.sums.baseRow += 2);
  EXPECT_REFUSED(OperandWindow, roundInto(p); last(p).nest.sums.baseRow += 1);
  EXPECT_REFUSED(NestRule, roundInto(p); last(p).nest.sums.slab = 7);
  // Nothing wrote the sums.
  EXPECT_REFUSED(ReadBeforeWrite, roundInto(p);
                 p.tensors.push_back(p.tensors[2]); p.tensors.back().slab = 3;
                 p.tensors.back().baseRow = 8; last(p).nest.sums = {3, 8};
                 last(p).tensorSums = 4);
  EXPECT_REFUSED(OtherTensor, roundInto(p); p.tensors.push_back(p.tensors[2]);
                 last(p).tensorSums = 4);
  // The host's.
  EXPECT_REFUSED(ResultRole, roundInto(p); p.tensors.push_back(p.tensors[2]);
                 p.tensors.back().role = TensorRole::State;
                 p.tensors.back().name = "s"; p.tensors.back().slab = 3;
                 p.tensors.back().baseRow = 8; last(p).nest.sums = {3, 8};
                 last(p).tensorSums = 4);
  // A result in rows of the sums.
  EXPECT_REFUSED(OverwritesOperand, roundInto(p);
                 p.tensors[3].slab = p.tensors[2].slab;
                 last(p).nest.operands[OperandC].slab = p.tensors[2].slab);
}

TEST(VerifyMemory, Accumulation) {
  EXPECT_PASSES(addTo(p, true));
  EXPECT_REFUSED(WrittenTwice, addTo(p, false));
  EXPECT_REFUSED(ReadBeforeWrite, addTo(p, true);
                 contract(p).nest.accumulate = true);
  // An f32 result goes on in place, and nothing without a flag.
  EXPECT_REFUSED(Reserved, addTo(p, true); last(p).tensorSums = 1);
  EXPECT_REFUSED(Reserved, contract(p).nest.sums.baseRow = 1);
  // From partial sums in DRAM.
  auto fromDram = [](Program &p) {
    addTo(p, true);
    contract(p).nest.accumulate = true;
    p.regions.push_back(p.regions[2]);
    p.regions.back().name = "sums";
    p.regions.back().role = TensorRole::State;
    p.regions.back().byteAddress = 512;
    Dma load = dma(p, StoreC + 1);
    load.store = false;
    load.region = 3;
    load.tokens = {};
    insert(p, 0, load);
  };
  EXPECT_EQ(after(fromDram), 0u);
}

} // namespace
