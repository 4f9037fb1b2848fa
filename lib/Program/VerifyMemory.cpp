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

MemoryChecker::MemoryChecker(const Program &program, const QueueOrder &order)
    : program(program), order(order), memory(program.machine),
      regions(program.regions.size()) {
  for (auto [t, tensor] : llvm::enumerate(program.tensors)) {
    if (!isPreloaded(tensor.role))
      continue;
    Story story;
    story.tensor = uint32_t(t);
    for (const auto &row : memory.flatten(Footprint(tensor)).rows)
      memory.at(tensor.slab, tensor.baseRow + row.row)
          .push_back({story, row.banks});
  }
  findLosses();
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

Error MemoryChecker::noteRead(Story &story, Where where) {
  Queue queue = order.queue(current);
  if (story.writer != HostWrite && order.queue(story.writer) != queue &&
      !order.before(story.writer, current))
    return unordered(story.writer, "writes", where);
  story.readers[unsigned(queue)] = current + 1;
  return Error::success();
}

Error MemoryChecker::checkOverwrite(const Story &story, Where where) {
  Queue queue = order.queue(current);
  if (story.writer != HostWrite && order.queue(story.writer) != queue &&
      !order.before(story.writer, current))
    return unordered(story.writer, "writes", where);
  for (unsigned q = 0; q < QueueCount; ++q)
    if (uint32_t reader = story.readers[q];
        reader && q != unsigned(queue) && !order.before(reader - 1, current))
      return unordered(reader - 1, "reads", where);
  return Error::success();
}

Error MemoryChecker::readWords(const Footprint &words, uint32_t tensor) {
  BankSets &sets = memory.bankSets();
  for (auto [offset, banks] : memory.flatten(words).rows) {
    int64_t row = words.baseRow + offset;
    WordStories::Parts &parts = memory.at(words.slab, row);
    uint32_t missing = banks;
    for (size_t p = 0, end = parts.size(); p < end && missing; ++p) {
      uint32_t here = sets.both(parts[p].banks, missing);
      if (!here || parts[p].story.tensor != tensor)
        continue;
      missing = sets.without(missing, here);
      if (here != parts[p].banks) {
        // The rest keeps its story.
        WordStories::Part rest = parts[p];
        rest.banks = sets.without(rest.banks, here);
        parts.push_back(rest);
        parts[p].banks = here;
      }
      if (Error error = noteRead(parts[p].story, [&] {
            return wordName(words.slab, row, sets.first(here));
          }))
        return error;
    }
    if (!missing)
      continue;
    int64_t bank = sets.first(missing);
    const std::string &name = program.tensors[tensor].name;
    for (const WordStories::Part &part : parts)
      if (sets.both(part.banks, missing))
        return refuse(LoadCode::OtherTensor, "code",
                      "{0} reads '{1}', but {2} holds '{3}' by then{4}; a word "
                      "may be used again only after its last reader",
                      describe(program, current), name,
                      wordName(words.slab, row,
                               sets.first(sets.both(part.banks, missing))),
                      program.tensors[part.story.tensor].name,
                      part.story.writer == HostWrite
                          ? std::string(", placed by the host")
                          : " since " + describe(program, part.story.writer));
    return refuse(LoadCode::ReadBeforeWrite, "code",
                  "{0} reads '{1}', but nothing wrote {2} before",
                  describe(program, current), name,
                  wordName(words.slab, row, bank));
  }
  return Error::success();
}

Error MemoryChecker::writeWords(const Footprint &words, uint32_t tensor,
                                bool drained, bool accumulates) {
  BankSets &sets = memory.bankSets();
  Story story;
  story.tensor = tensor;
  story.writer = current;
  story.drained = drained;
  unsigned queue = unsigned(order.queue(current));
  for (auto [offset, banks] : memory.flatten(words).rows) {
    int64_t row = words.baseRow + offset;
    WordStories::Parts &parts = memory.at(words.slab, row);
    for (size_t p = 0; p < parts.size();) {
      uint32_t over = sets.both(parts[p].banks, banks);
      if (!over) {
        ++p;
        continue;
      }
      const Story &old = parts[p].story;
      auto where = [&] { return wordName(words.slab, row, sets.first(over)); };
      if (old.readers[queue] == current + 1 &&
          !(accumulates && old.tensor == tensor))
        return refuse(LoadCode::OverwritesOperand, "code",
                      "{0} writes '{1}' over {2}, which it reads as '{3}'",
                      describe(program, current), program.tensors[tensor].name,
                      where(), program.tensors[old.tensor].name);
      if (old.drained && !old.wasRead())
        return refuse(LoadCode::WrittenTwice, "code",
                      "{0} writes '{1}' over {2} before anything read the "
                      "result '{3}' of {4} there",
                      describe(program, current), program.tensors[tensor].name,
                      where(), program.tensors[old.tensor].name,
                      describe(program, old.writer));
      if (Error error = checkOverwrite(old, where))
        return error;
      parts[p].banks = sets.without(parts[p].banks, over);
      if (parts[p].banks) {
        ++p;
      } else {
        parts[p] = parts.back();
        parts.pop_back();
      }
    }
    auto own = llvm::find_if(parts, [&](const WordStories::Part &part) {
      return part.story.writer == current && part.story.tensor == tensor &&
             !part.story.wasRead();
    });
    if (own != parts.end())
      own->banks = sets.either(own->banks, banks);
    else
      parts.push_back({story, banks});
  }
  return Error::success();
}

//===----------------------------------------------------------------------===//
// Instructions
//===----------------------------------------------------------------------===//

Error MemoryChecker::checkContract(const Contract &contract) {
  for (OperandId id : {OperandA, OperandB}) {
    if (Error error = readWords(Footprint(contract.nest.operands[id]),
                                contract.tensors[id]))
      return error;
    if (Error error = checkLoss(false, contract.tensors[id], {}))
      return error;
  }
  uint32_t result = contract.tensors[OperandC];
  Footprint words(contract.nest.c());
  bool inPlace = contract.nest.accumulate && !contract.nest.roundsSums();
  if (contract.nest.accumulate)
    if (Error error = readWords(Footprint(contract.nest.partialSums()),
                                sumsTensor(contract)))
      return error;
  if (!contract.nest.drainAtEnd)
    return Error::success();
  if (Error error = checkClosed(false, result, {}))
    return error;
  return writeWords(words, result, /*drained=*/true, inPlace);
}

Error MemoryChecker::checkLoad(const Dma &dma) {
  const TensorEntry &tensor = program.tensors[dma.tensor];
  const DramRegion &region = program.regions[dma.region];
  Error error = Error::success();
  Runs runs;
  ElementRuns(dma, tensor.layout).forEach([&](int64_t begin, int64_t end) {
    if (error)
      return;
    runs.push_back({begin, end});
    // Nothing writes what the host fills.
    if (isPreloaded(region.role))
      return;
    int64_t covered = regions[dma.region].visit(begin, end, [&](Story &story) {
      if (!error)
        error = noteRead(story, [&] { return elementsName(begin, region); });
    });
    if (!error && covered < end)
      error = refuse(LoadCode::RegionReadBeforeWrite, "code",
                     "{0} loads element {1} of region '{2}', which nothing "
                     "wrote before",
                     describe(program, current), covered, region.name);
  });
  if (error)
    return error;
  if (Error error = checkLoss(true, dma.region, runs))
    return error;
  if (Error error = checkClosed(false, dma.tensor, {}))
    return error;
  return writeWords(Footprint(tensor), dma.tensor, /*drained=*/false,
                    /*accumulates=*/false);
}

Error MemoryChecker::checkStore(const Dma &dma) {
  const TensorEntry &tensor = program.tensors[dma.tensor];
  const DramRegion &region = program.regions[dma.region];
  if (Error error = readWords(Footprint(tensor), dma.tensor))
    return error;
  Error error = Error::success();
  Runs runs;
  Story story;
  story.writer = current;
  ElementRuns(dma, tensor.layout).forEach([&](int64_t begin, int64_t end) {
    if (error)
      return;
    runs.push_back({begin, end});
    regions[dma.region].visit(begin, end, [&](Story &old) {
      if (!error)
        error =
            checkOverwrite(old, [&] { return elementsName(begin, region); });
    });
    if (!error)
      regions[dma.region].write(begin, end, story);
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
  BankSets &sets = memory.bankSets();
  for (auto [t, tensor] : llvm::enumerate(program.tensors)) {
    if (!isCollected(tensor.role))
      continue;
    Footprint words(tensor);
    for (auto [offset, banks] : memory.flatten(words).rows) {
      uint32_t missing = banks;
      for (const auto &part : memory.at(tensor.slab, tensor.baseRow + offset))
        if (part.story.tensor == t)
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
      BankSets &sets = memory.bankSets();
      for (auto [offset, banks] : memory.flatten(Footprint(result)).rows) {
        uint32_t missing = banks;
        for (const auto &part : memory.at(result.slab, result.baseRow + offset))
          if (part.story.tensor == loss.result && ordered(part.story))
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
      int64_t &last = loss.closedRows[begin];
      last = std::max(last, end);
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
    for (auto [begin, end] : runs) {
      // Intervals may overlap; starts are few, one for each slice.
      for (auto [first, last] : loss.closedRows)
        closed |= first * length < end && begin < last * length;
    }
    if (closed)
      return refuseLoss(loss, "the gradient was read already, and this writes "
                              "the result again");
  }
  return Error::success();
}
