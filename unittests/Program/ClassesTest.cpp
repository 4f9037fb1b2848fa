//===- ClassesTest.cpp - What the verifier looks at once for many ---------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "MemoryState.h"
#include "NestClasses.h"
#include "NestProgram.h"
#include "RandomProgram.h"

#include "llvm/ADT/STLExtras.h"

#include "gtest/gtest.h"

using namespace fetta;

namespace {

//===----------------------------------------------------------------------===//
// Nests
//===----------------------------------------------------------------------===//

/// Changes one number of a nest a little.
void change(Nest &nest, std::mt19937 &rng) {
  auto pick = [&](size_t count) { return size_t(rng() % count); };
  auto nudge = [&](auto &value) {
    using T = std::decay_t<decltype(value)>;
    value = T(rng() % 3 == 0 ? int64_t(rng() % 40)
                             : int64_t(value) + (rng() % 2 ? 1 : -1));
  };
  auto bit = [&](std::optional<ModeBit> &value) {
    if (!value || rng() % 4 == 0)
      value = rng() % 2 ? std::optional(ModeBit{0, 0}) : std::nullopt;
    else
      nudge(rng() % 2 ? value->mode : value->bit);
  };
  size_t modes = nest.sizes.size();
  Operand &operand = nest.operands[pick(3)];
  switch (rng() % 18) {
  case 0:
    return nudge(nest.sizes[pick(modes)]);
  case 1:
    return nudge(nest.accumulatorStrides[pick(modes)]);
  case 2:
    return nudge(nest.accumulatorBase);
  case 3:
    return nudge(nest.scopeLevel);
  case 4:
    nest.clearAtStart = !nest.clearAtStart;
    return;
  case 5:
    nest.drainAtEnd = !nest.drainAtEnd;
    return;
  case 6:
    nest.accumulate = !nest.accumulate;
    return;
  case 7:
    nest.dataflow = Dataflow(rng() % 3);
    return;
  case 8:
    if (!nest.loops.empty()) {
      Loop &loop = nest.loops[pick(nest.loops.size())];
      if (rng() % 3 == 0)
        return nudge(loop.mode);
      nudge(rng() % 2 ? loop.count : loop.weight);
    }
    return;
  case 9:
    return bit(nest.lanes.ce[pick(nest.lanes.ce.size())]);
  case 10:
    return bit(nest.lanes.row[pick(nest.lanes.row.size())]);
  case 11:
    return bit(nest.lanes.column[pick(nest.lanes.column.size())]);
  case 12: {
    std::optional<DimLayout> &dim = operand.modes[pick(modes)];
    if (!dim || rng() % 8 == 0)
      dim = dim ? std::nullopt : std::optional(DimLayout());
    else if (rng() % 3 == 0)
      nudge(dim->lowBits);
    else
      nudge(rng() % 2 ? dim->size : dim->rowStride);
    return;
  }
  case 13: {
    BankBit &bank = operand.banks[pick(operand.banks.size())];
    if (rng() % 2)
      bit(bank.source);
    else
      bank.constant = !bank.constant;
    return;
  }
  case 14:
    operand.elementType = ElementType(1 - unsigned(operand.elementType));
    return;
  case 15:
    return nudge(operand.serialLanes);
  case 16:
    return nudge(rng() % 2 ? operand.slab : operand.baseRow);
  default:
    operand.baseRow += int64_t(rng() % 600) - 300;
    nest.sums.baseRow += int64_t(rng() % 600) - 300;
  }
}

using Word = std::pair<int64_t, int64_t>; // Row and bank.

/// Words of a footprint, row by row.
std::vector<Word> wordsOf(const Footprint &footprint, int64_t baseRow,
                          BankSets &sets, int64_t lanes) {
  std::vector<uint32_t> single;
  for (int64_t bank = 0; bank < lanes; ++bank)
    single.push_back(sets.intern({uint64_t(1) << bank}));
  std::vector<Word> words;
  for (auto [row, banks] : footprint.rows)
    for (int64_t bank = 0; bank < lanes; ++bank)
      if (sets.both(banks, single[size_t(bank)]))
        words.push_back({baseRow + row, bank});
  return words;
}

// Whatever was seen before, each nest is judged as if it were alone.
TEST(NestClasses, JudgeEachNestAlone) {
  Machine machine = test::smallMachine();
  unsigned legal = 0, refused = 0;
  for (uint64_t seed = 0; seed < 40; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 rng(static_cast<uint32_t>(seed));
    test::RandomNestOptions options;
    options.seed = seed;
    options.missingBits = seed % 3;
    options.splitReduction = seed % 4 == 0;
    Footprints footprints;
    NestClasses classes(machine, footprints);
    std::vector<Nest> seen;
    for (const Nest &nest : test::randomContraction(machine, options).nests) {
      ASSERT_TRUE(bool(classes.classOf(nest)));
      seen.push_back(nest);
    }
    for (unsigned round = 0; round < 200; ++round) {
      Nest nest = seen[rng() % seen.size()];
      for (unsigned changes = 1 + rng() % 2; changes > 0; --changes)
        change(nest, rng);
      llvm::Error alone = verifyNest(nest, machine);
      llvm::Expected<uint32_t> number = classes.classOf(nest);
      ASSERT_EQ(bool(number), !alone);
      if (!number) {
        ++refused;
        EXPECT_EQ(llvm::toString(number.takeError()),
                  llvm::toString(std::move(alone)));
        continue;
      }
      ++legal;
      Footprints own;
      auto wordsIn = [&](Footprints &all, uint32_t footprint) {
        return wordsOf(all[footprint], 0, all.bankSets(), machine.lanes());
      };
      for (OperandId id : {OperandA, OperandB, OperandC})
        EXPECT_EQ(wordsIn(footprints, classes[*number].footprints[id]),
                  wordsIn(own, own.of(nest.operands[id])));
      if (nest.accumulate) {
        EXPECT_EQ(wordsIn(footprints, classes[*number].sums),
                  wordsIn(own, own.of(nest.partialSums())));
      }
      seen.push_back(nest);
    }
  }
  EXPECT_GT(legal, 500u);
  EXPECT_GT(refused, 500u);
}

//===----------------------------------------------------------------------===//
// Words
//===----------------------------------------------------------------------===//

TensorEntry randomTensor(std::mt19937 &rng) {
  // Two dimensions, some of their low bits on the two bank bits.
  TensorEntry tensor;
  int64_t sizes[] = {1 + int64_t(rng() % 5), 1 + int64_t(rng() % 5)};
  std::vector<BankBit> banks(2);
  std::array<unsigned, 2> low = {0, 0};
  for (BankBit &bank : banks) {
    unsigned dim = rng() % 3;
    bank.constant = rng() % 2;
    if (dim < 2 && int64_t(1) << low[dim] < sizes[dim]) {
      bank.constant = false;
      bank.source = ModeBit{dim, low[dim]++};
    }
  }
  unsigned first = rng() % 2;
  tensor.layout = Layout::packed(sizes, banks, {first, 1 - first});
  tensor.shape = {sizes[0], sizes[1]};
  return tensor;
}

// Random reads and writes against the story of every single word.
TEST(WordStories, AsWordByWord) {
  Machine machine = test::tinyProgram().machine;
  const int64_t lanes = machine.lanes(), rows = 64;
  ASSERT_EQ(lanes, 4);
  machine.rowsPerSlab = rows;
  unsigned reads = 0, missed = 0;
  for (uint32_t seed = 0; seed < 60; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 rng(seed);
    Footprints footprints;
    BankSets &sets = footprints.bankSets();
    std::optional<WordStories> memory(std::in_place, machine, footprints);
    std::map<Word, Story> expected;
    std::vector<uint32_t> shapes;
    for (unsigned i = 0; i < 6; ++i)
      shapes.push_back(footprints.of(randomTensor(rng)));
    for (uint32_t now = 1; now < 250; ++now) {
      uint32_t shape = shapes[rng() % shapes.size()];
      int64_t baseRow = int64_t(rng() % 4) * 3;
      uint32_t tensor = rng() % 3;
      unsigned queue = rng() % QueueCount;
      std::vector<Word> words =
          wordsOf(footprints[shape], baseRow, sets, lanes);
      std::vector<Story> met;
      auto onStory = [&](const Story &story, int64_t, uint32_t) {
        met.push_back(story);
        return llvm::Error::success();
      };
      std::optional<int64_t> missingRow, expectedRow;
      std::vector<Story> toMeet;
      auto meet = [&](const Story &story) {
        if (!llvm::is_contained(toMeet, story))
          toMeet.push_back(story);
      };
      if (rng() % 3 == 0) {
        Story story;
        story.tensor = tensor;
        story.writer = now;
        story.drained = rng() % 2;
        for (Word word : words)
          if (auto it = expected.find(word); it != expected.end())
            meet(it->second);
        llvm::cantFail(memory->write({shape, 0, baseRow}, story, onStory));
        for (Word word : words)
          expected[word] = story;
      } else {
        for (Word word : words) {
          auto it = expected.find(word);
          if (it != expected.end() && it->second.tensor == tensor)
            meet(it->second);
          else if (!expectedRow)
            expectedRow = word.first;
        }
        auto onMissing = [&](int64_t row, uint32_t) {
          missingRow = row;
          return llvm::createStringError("missing");
        };
        // What is refused is not gone on with.
        WordStories kept = *memory;
        llvm::Error error = memory->read({shape, 0, baseRow}, tensor, queue,
                                         now, onStory, onMissing);
        ASSERT_EQ(missingRow, expectedRow);
        ASSERT_EQ(bool(error), missingRow.has_value());
        if (error) {
          ++missed;
          llvm::consumeError(std::move(error));
          memory.emplace(std::move(kept));
          continue;
        }
        ++reads;
        for (Word word : words)
          expected[word].readers[queue] = now + 1;
      }
      // Groups may be finer than stories; each story is met.
      for (const Story &story : toMeet)
        EXPECT_TRUE(llvm::is_contained(met, story));
      for (const Story &story : met)
        EXPECT_TRUE(llvm::is_contained(toMeet, story));
      for (int64_t row = 0; row < rows; ++row)
        for (int64_t bank = 0; bank < lanes; ++bank) {
          std::vector<uint64_t> one = {uint64_t(1) << bank};
          std::vector<Story> found;
          for (const WordStories::Part &part : memory->at(0, row))
            if (sets.both(part.banks, sets.intern(one)))
              found.push_back(memory->story(part.group));
          auto it = expected.find({row, bank});
          ASSERT_EQ(found.size(), it == expected.end() ? 0u : 1u);
          if (!found.empty()) {
            ASSERT_TRUE(found.front() == it->second);
          }
        }
    }
  }
  EXPECT_GT(reads, 300u);
  EXPECT_GT(missed, 300u);
}

TEST(ElementStories, AsElementByElement) {
  for (uint32_t seed = 0; seed < 40; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 rng(seed);
    ElementStories stories;
    std::map<int64_t, Story> expected;
    for (uint32_t now = 1; now < 200; ++now) {
      int64_t begin = int64_t(rng() % 60), end = begin + 1 + int64_t(rng() % 8);
      auto written = [&](int64_t element) { return expected.count(element); };
      if (rng() % 2) {
        Story story;
        // Runs of one instruction may touch.
        story.writer = now / 4;
        bool isFirst = true;
        for (int64_t e = begin; e < end; ++e)
          isFirst &= !written(e);
        ASSERT_EQ(stories.writeFirst(begin, end, story), isFirst);
        if (!isFirst)
          stories.write(begin, end, story);
        for (int64_t e = begin; e < end; ++e)
          expected[e] = story;
      } else {
        stories.visit(begin, end,
                      [&](Story &story) { story.readers[1] = now + 1; });
        for (int64_t e = begin; e < end; ++e)
          if (written(e))
            expected[e].readers[1] = now + 1;
      }
      for (int64_t e = 0; e < 80; ++e) {
        std::vector<Story> found;
        int64_t covered = stories.look(
            e, e + 1, [&](const Story &story) { found.push_back(story); });
        ASSERT_EQ(covered, written(e) ? e + 1 : e);
        ASSERT_EQ(found.size(), written(e));
        if (written(e)) {
          ASSERT_TRUE(found.front() == expected[e]);
        }
      }
    }
  }
}

} // namespace
