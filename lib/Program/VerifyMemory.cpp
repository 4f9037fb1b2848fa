//===- VerifyMemory.cpp - Does every read find its words? -----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The stream is one of the orders in which the program may run. Accesses of one
// queue keep their order; accesses of two queues to the same words, one of them
// a write, must be ordered by tokens. So what is true of the stream is true of
// every run.
//
//===----------------------------------------------------------------------===//

#include "VerifyMemory.h"

#include "Refuse.h"

#include "llvm/ADT/STLExtras.h"

using namespace fetta;
using llvm::Error;
using llvm::Twine;

MemoryChecker::MemoryChecker(const Program &program, const QueueOrder &order,
                             Footprints &footprints, const NestClasses &classes,
                             llvm::ArrayRef<uint32_t> classOf,
                             llvm::ArrayRef<uint32_t> tensorWords)
    : program(program), order(order), footprints(footprints), classes(classes),
      classOf(classOf), tensorWords(tensorWords),
      memory(program.machine, footprints), regions(program.regions.size()) {
  for (auto [t, tensor] : llvm::enumerate(program.tensors)) {
    if (!isPreloaded(tensor.role))
      continue;
    Story story;
    story.tensor = uint32_t(t);
    // The host's tensors share no words.
    llvm::cantFail(memory.write(
        wordsOf(uint32_t(t)), story,
        [](const Story &, int64_t, uint32_t) { return Error::success(); }));
  }
  findLosses();
}

WordStories::Words MemoryChecker::wordsOf(uint32_t tensor) {
  const TensorEntry &t = program.tensors[tensor];
  return {tensorWords[tensor], t.slab, t.baseRow};
}

//===----------------------------------------------------------------------===//
// Stories
//===----------------------------------------------------------------------===//

static std::string wordName(int64_t slab, int64_t row, int64_t bank) {
  return llvm::formatv("word {0} of row {1} in slab {2}", bank, row, slab);
}

static std::string elementsName(int64_t begin, const DramRegion &region) {
  return llvm::formatv("elements from {0} of region '{1}'", begin, region.name);
}

Error MemoryChecker::unordered(uint32_t other, const char *did,
                               Where where) const {
  return refuse(LoadCode::Unordered, "code",
                "{0} and {1}, which {2} {3}, are in no order: {0} must wait "
                "for a token that {1} or a later instruction of its queue "
                "signals",
                describe(program, current), describe(program, other), did,
                where());
}

Error MemoryChecker::checkRead(const Story &story, Where where) const {
  if (story.writer != HostWrite &&
      order.queue(story.writer) != order.queue(current) &&
      !order.before(story.writer, current))
    return unordered(story.writer, "writes", where);
  return Error::success();
}

Error MemoryChecker::checkOverwrite(const Story &story, Where where) const {
  if (Error error = checkRead(story, where))
    return error;
  Queue queue = order.queue(current);
  for (unsigned q = 0; q < QueueCount; ++q)
    if (uint32_t reader = story.readers[q];
        reader && q != unsigned(queue) && !order.before(reader - 1, current))
      return unordered(reader - 1, "reads", where);
  return Error::success();
}

Error MemoryChecker::refuseMissing(const Words &words, uint32_t tensor,
                                   int64_t row, uint32_t missing) {
  BankSets &sets = footprints.bankSets();
  const std::string &name = program.tensors[tensor].name;
  for (const WordStories::Part &part : memory.at(words.slab, row))
    if (uint32_t here = sets.both(part.banks, missing)) {
      const Story &story = memory.story(part.group);
      return refuse(LoadCode::OtherTensor, "code",
                    "{0} reads '{1}', but {2} holds '{3}' by then{4}; a word "
                    "may be used again only after its last reader",
                    describe(program, current), name,
                    wordName(words.slab, row, sets.first(here)),
                    program.tensors[story.tensor].name,
                    story.writer == HostWrite
                        ? std::string(", placed by the host")
                        : " since " + describe(program, story.writer));
    }
  return refuse(LoadCode::ReadBeforeWrite, "code",
                "{0} reads '{1}', but nothing wrote {2} before",
                describe(program, current), name,
                wordName(words.slab, row, sets.first(missing)));
}

Error MemoryChecker::readWords(const Words &words, uint32_t tensor) {
  return memory.read(
      words, tensor, unsigned(order.queue(current)), current,
      [&](const Story &story, int64_t row, uint32_t banks) {
        return checkRead(story, [&] {
          return wordName(words.slab, row, footprints.bankSets().first(banks));
        });
      },
      [&](int64_t row, uint32_t missing) {
        return refuseMissing(words, tensor, row, missing);
      });
}

Error MemoryChecker::writeWords(const Words &words, uint32_t tensor,
                                bool drained, bool accumulates) {
  Story story;
  story.tensor = tensor;
  story.writer = current;
  story.drained = drained;
  unsigned queue = unsigned(order.queue(current));
  return memory.write(
      words, story, [&](const Story &old, int64_t row, uint32_t over) -> Error {
        auto where = [&] {
          return wordName(words.slab, row, footprints.bankSets().first(over));
        };
        if (old.readers[queue] == current + 1 &&
            (!accumulates || old.tensor != tensor))
          return refuse(LoadCode::OverwritesOperand, "code",
                        "{0} writes '{1}' over {2}, which it reads as '{3}'",
                        describe(program, current),
                        program.tensors[tensor].name, where(),
                        program.tensors[old.tensor].name);
        if (old.drained && !old.wasRead())
          return refuse(
              LoadCode::WrittenTwice, "code",
              "{0} writes '{1}' over {2} before anything read the "
              "result '{3}' of {4} there",
              describe(program, current), program.tensors[tensor].name, where(),
              program.tensors[old.tensor].name, describe(program, old.writer));
        return checkOverwrite(old, where);
      });
}

//===----------------------------------------------------------------------===//
// Instructions
//===----------------------------------------------------------------------===//

Error MemoryChecker::checkContract(const Contract &contract) {
  const Nest &nest = contract.nest;
  const NestClass &known = classes[classOf[current]];
  auto operand = [&](OperandId id) -> Words {
    return {known.footprints[id], nest.operands[id].slab,
            nest.operands[id].baseRow};
  };
  for (OperandId id : {OperandA, OperandB}) {
    if (Error error = readWords(operand(id), contract.tensors[id]))
      return error;
    if (Error error = checkLoss(false, contract.tensors[id], {}))
      return error;
  }
  uint32_t result = contract.tensors[OperandC];
  bool inPlace = nest.accumulate && !nest.roundsSums();
  if (nest.accumulate) {
    SumsPlace sums = nest.sumsPlace();
    if (Error error = readWords({known.sums, sums.slab, sums.baseRow},
                                sumsTensor(contract)))
      return error;
  }
  if (!nest.drainAtEnd)
    return Error::success();
  if (Error error = checkClosed(false, result, {}))
    return error;
  return writeWords(operand(OperandC), result, /*drained=*/true, inPlace);
}

Error MemoryChecker::checkLoad(const Dma &dma) {
  const TensorEntry &tensor = program.tensors[dma.tensor];
  const DramRegion &region = program.regions[dma.region];
  ElementStories &elements = regions[dma.region];
  ElementRuns ranges(dma, tensor.layout);
  // Nothing writes what the host fills.
  if (!isPreloaded(region.role)) {
    // Mostly all is there between the first element and the last.
    auto [first, last] = ranges.bounds();
    bool allThere = true;
    auto see = [&](const Story &story) {
      allThere &=
          story.writer == HostWrite || order.before(story.writer, current);
    };
    allThere &= elements.look(first, last, see) == last;
    Error error = Error::success();
    if (!allThere)
      ranges.forEach([&](int64_t begin, int64_t end) {
        if (error)
          return;
        int64_t covered = elements.look(begin, end, [&](const Story &story) {
          if (!error)
            error =
                checkRead(story, [&] { return elementsName(begin, region); });
        });
        if (!error && covered < end)
          error = refuse(LoadCode::RegionReadBeforeWrite, "code",
                         "{0} loads element {1} of region '{2}', which nothing "
                         "wrote before",
                         describe(program, current), covered, region.name);
      });
    if (error)
      return error;
    elements.loads.push_back(current);
  }
  if (isGradient(true, dma.region)) {
    Runs runs;
    ranges.forEach(
        [&](int64_t begin, int64_t end) { runs.push_back({begin, end}); });
    if (Error error = checkLoss(true, dma.region, runs))
      return error;
  }
  if (Error error = checkClosed(false, dma.tensor, {}))
    return error;
  return writeWords(wordsOf(dma.tensor), dma.tensor, /*drained=*/false,
                    /*accumulates=*/false);
}

/// Loads that come before this instruction come before all that store later,
/// and need no note.
void MemoryChecker::noteLoads(ElementStories &elements) {
  for (uint32_t load : elements.loads) {
    if (order.before(load, current))
      continue;
    const Dma &dma = std::get<Dma>(program.code[load]);
    ElementRuns(dma, program.tensors[dma.tensor].layout)
        .forEach([&](int64_t begin, int64_t end) {
          elements.visit(begin, end, [&](Story &story) {
            story.readers[unsigned(Queue::Load)] = load + 1;
          });
        });
  }
  elements.loads.clear();
}

Error MemoryChecker::checkStore(const Dma &dma) {
  const TensorEntry &tensor = program.tensors[dma.tensor];
  const DramRegion &region = program.regions[dma.region];
  if (Error error = readWords(wordsOf(dma.tensor), dma.tensor))
    return error;
  Error error = Error::success();
  Runs runs;
  const bool closes = hasGradient(true, dma.region);
  Story story;
  story.writer = current;
  ElementStories &elements = regions[dma.region];
  ElementRuns(dma, tensor.layout).forEach([&](int64_t begin, int64_t end) {
    if (error)
      return;
    if (closes)
      runs.push_back({begin, end});
    if (elements.writeFirst(begin, end, story))
      return;
    noteLoads(elements);
    elements.visit(begin, end, [&](Story &old) {
      if (!error)
        error =
            checkOverwrite(old, [&] { return elementsName(begin, region); });
    });
    if (!error)
      elements.write(begin, end, story);
  });
  if (error)
    return error;
  return checkClosed(true, dma.region, runs);
}

Error MemoryChecker::check(uint32_t instruction) {
  current = instruction;
  const Instruction &i = program.code[instruction];
  if (const auto *contract = std::get_if<Contract>(&i))
    return checkContract(*contract);
  if (const auto *dma = std::get_if<Dma>(&i))
    return dma->store ? checkStore(*dma) : checkLoad(*dma);
  return Error::success();
}

Error MemoryChecker::finish() {
  BankSets &sets = footprints.bankSets();
  for (auto [t, tensor] : llvm::enumerate(program.tensors)) {
    if (!isCollected(tensor.role))
      continue;
    for (auto [offset, banks] : footprints[tensorWords[t]].rows) {
      uint32_t missing = banks;
      for (const auto &part : memory.at(tensor.slab, tensor.baseRow + offset))
        if (memory.story(part.group).tensor == t)
          missing = sets.without(missing, part.banks);
      if (missing)
        return refuse(LoadCode::NotWritten, "tensors",
                      "tensor {0} '{1}' is collected, but {2} is not written, "
                      "or is used again",
                      t, tensor.name,
                      wordName(tensor.slab, tensor.baseRow + offset,
                               sets.first(missing)));
    }
  }
  for (auto [r, region] : llvm::enumerate(program.regions)) {
    if (!isCollected(region.role))
      continue;
    int64_t covered =
        regions[r].look(0, region.elements(), [](const Story &) {});
    if (covered < region.elements())
      return refuse(LoadCode::RegionNotWritten, "regions",
                    "region {0} '{1}' is collected, but element {2} is not "
                    "stored",
                    r, region.name, covered);
  }
  return Error::success();
}

//===----------------------------------------------------------------------===//
// Results and their gradients
//===----------------------------------------------------------------------===//

void MemoryChecker::findLosses() {
  struct Array {
    llvm::StringRef name;
    TensorRole role;
    llvm::ArrayRef<int64_t> shape;
    bool isRegion;
    uint32_t index;
  };
  std::vector<Array> arrays;
  for (auto [t, e] : llvm::enumerate(program.tensors))
    arrays.push_back({e.name, e.role, e.shape, false, uint32_t(t)});
  for (auto [r, e] : llvm::enumerate(program.regions))
    arrays.push_back({e.name, e.role, e.shape, true, uint32_t(r)});
  std::map<llvm::StringRef, const Array *> results;
  for (const Array &array : arrays)
    if (array.role == TensorRole::Result)
      results[array.name] = &array;
  for (const Array &array : arrays) {
    llvm::StringRef name = array.name;
    if (!isPreloaded(array.role) || !name.consume_front("d_"))
      continue;
    auto it = results.find(name);
    if (it == results.end())
      continue;
    const Array &result = *it->second;
    bool byRows = array.isRegion && result.isRegion &&
                  array.shape == result.shape && !array.shape.empty();
    losses.push_back({array.isRegion,
                      result.isRegion,
                      array.index,
                      result.index,
                      byRows,
                      false,
                      {}});
  }
}

Error MemoryChecker::refuseLoss(const Loss &loss, const Twine &why) const {
  const std::string &gradient = loss.gradientIsRegion
                                    ? program.regions[loss.gradient].name
                                    : program.tensors[loss.gradient].name;
  return refuse(LoadCode::LossOrder, "code",
                "{0}: '{1}' is the gradient of '{2}', which must be complete "
                "before: {3}",
                describe(program, current), gradient,
                llvm::StringRef(gradient).drop_front(2), why.str());
}

void MemoryChecker::Loss::closeRows(int64_t begin, int64_t end) {
  auto it = closedRows.upper_bound(begin);
  if (it != closedRows.begin() && std::prev(it)->second >= begin)
    begin = (--it)->first;
  for (; it != closedRows.end() && it->first <= end; it = closedRows.erase(it))
    end = std::max(end, it->second);
  closedRows.emplace_hint(it, begin, end);
}

bool MemoryChecker::Loss::closes(int64_t begin, int64_t end) const {
  auto it = closedRows.lower_bound(end);
  return it != closedRows.begin() && std::prev(it)->second > begin;
}

bool MemoryChecker::isGradient(bool isRegion, uint32_t index) const {
  return llvm::any_of(losses, [&](const Loss &loss) {
    return loss.gradientIsRegion == isRegion && loss.gradient == index;
  });
}

bool MemoryChecker::hasGradient(bool isRegion, uint32_t index) const {
  return llvm::any_of(losses, [&](const Loss &loss) {
    return loss.resultIsRegion == isRegion && loss.result == index;
  });
}

/// What was written by the host does not count: it stands for no result.
Error MemoryChecker::checkLoss(bool isRegion, uint32_t gradient,
                               const Runs &runs) {
  for (Loss &loss : losses) {
    if (loss.gradientIsRegion != isRegion || loss.gradient != gradient)
      continue;
    auto ordered = [&](const Story &story) {
      return story.writer != HostWrite && order.before(story.writer, current);
    };
    if (!loss.resultIsRegion) {
      const TensorEntry &result = program.tensors[loss.result];
      BankSets &sets = footprints.bankSets();
      for (auto [offset, banks] : footprints[tensorWords[loss.result]].rows) {
        uint32_t missing = banks;
        for (const auto &part : memory.at(result.slab, result.baseRow + offset))
          if (const Story &story = memory.story(part.group);
              story.tensor == loss.result && ordered(story))
            missing = sets.without(missing, part.banks);
        if (missing)
          return refuseLoss(loss,
                            "no instruction before it writes " +
                                wordName(result.slab, result.baseRow + offset,
                                         sets.first(missing)));
      }
      loss.closed = true;
      continue;
    }
    int64_t length = loss.byRows ? rowLength(loss.result) : 1;
    auto checkRows = [&](int64_t begin, int64_t end) -> Error {
      bool inOrder = true;
      int64_t covered = regions[loss.result].look(
          begin * length, end * length,
          [&](const Story &story) { inOrder &= ordered(story); });
      if (covered < end * length)
        return refuseLoss(loss,
                          "element " + Twine(covered) + " is not stored yet");
      if (!inOrder)
        return refuseLoss(loss, "elements from " + Twine(begin * length) +
                                    " are stored in no order with it");
      loss.closeRows(begin, end);
      return Error::success();
    };
    if (!loss.byRows) {
      if (Error error = checkRows(0, program.regions[loss.result].elements()))
        return error;
      loss.closed = true;
      continue;
    }
    for (auto [begin, end] : runs)
      if (Error error = checkRows(begin / length, (end - 1) / length + 1))
        return error;
  }
  return Error::success();
}

Error MemoryChecker::checkClosed(bool isRegion, uint32_t result,
                                 const Runs &runs) {
  for (Loss &loss : losses) {
    if (loss.resultIsRegion != isRegion || loss.result != result)
      continue;
    bool closed = loss.closed;
    int64_t length = loss.byRows ? rowLength(result) : 1;
    for (auto [begin, end] : runs)
      closed = closed || loss.closes(begin / length, (end - 1) / length + 1);
    if (closed)
      return refuseLoss(loss, "the gradient was read already, and this writes "
                              "the result again");
  }
  return Error::success();
}
