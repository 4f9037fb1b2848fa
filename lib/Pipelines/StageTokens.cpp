//===- StageTokens.cpp ------------------------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "StageTokens.h"

#include "fetta/Support/Error.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace fetta;
using namespace fetta::hw;

static std::optional<QueueKind> getQueue(Operation *op) {
  return llvm::TypeSwitch<Operation *, std::optional<QueueKind>>(op)
      .Case([](ContractOp) { return QueueKind::Contract; })
      .Case([](LoadOp) { return QueueKind::Load; })
      .Case([](StoreOp) { return QueueKind::Store; })
      .Case([](SyncOp op) { return op.getQueue(); })
      .Default(std::nullopt);
}

bool fetta::hw::addToken(Operation *op, unsigned semaphore, bool isSignal) {
  SmallVector<Token> waits, signals;
  if (SyncAttr sync = getSync(op)) {
    llvm::append_range(waits, sync.getWaits());
    llvm::append_range(signals, sync.getSignals());
  }
  SmallVector<Token> &tokens = isSignal ? signals : waits;
  auto it = llvm::find_if(
      tokens, [&](const Token &token) { return token.semaphore == semaphore; });
  if (it != tokens.end() ? it->count == MaxTokens
                         : tokens.size() == MaxTokenEntries)
    return false;
  if (it != tokens.end())
    ++it->count;
  else
    tokens.push_back({semaphore, 1});
  setSync(op, SyncAttr::get(op->getContext(), waits, signals));
  return true;
}

llvm::Error StageTokens::add(Operation *op, int64_t first, int64_t last,
                             int64_t count) {
  std::optional<QueueKind> kind = getQueue(op);
  if (!kind)
    return llvm::Error::success();
  auto queue = unsigned(*kind);
  Ends &own = ends[queue];
  if (!own.first)
    own.first = op;
  own.last = op;
  if (!isa<SyncOp>(op)) {
    if (!own.firstWork)
      own.firstWork = first;
    own.lastWork = last;
  }
  SyncAttr sync = getSync(op);
  if (!sync)
    return llvm::Error::success();
  auto use = [&](const Token &token, std::optional<unsigned> Semaphore::*role,
                 int64_t Semaphore::*total, int64_t Semaphore::*begin,
                 int64_t Semaphore::*end) -> llvm::Error {
    Semaphore &semaphore = semaphores[token.semaphore];
    if (!(semaphore.*role)) {
      semaphore.*role = queue;
      semaphore.*begin = first;
    }
    if (semaphore.*role != queue || semaphore.producer == semaphore.consumer)
      return makeError("semaphore s{0} has no single producing queue and "
                       "another one that consumes",
                       token.semaphore);
    semaphore.*total += int64_t(token.count) * count;
    semaphore.*end = last;
    return llvm::Error::success();
  };
  for (const Token &token : sync.getWaits())
    if (llvm::Error error = use(token, &Semaphore::consumer, &Semaphore::taken,
                                &Semaphore::firstWait, &Semaphore::lastWait))
      return error;
  for (const Token &token : sync.getSignals())
    if (llvm::Error error =
            use(token, &Semaphore::producer, &Semaphore::signalled,
                &Semaphore::firstSignal, &Semaphore::lastSignal))
      return error;
  return llvm::Error::success();
}

llvm::Expected<StageTokens> StageTokens::find(Block &block) {
  StageTokens tokens;
  int64_t position = 0;
  for (Operation &op : block) {
    auto repeat = dyn_cast<RepeatOp>(op);
    if (!repeat) {
      if (llvm::Error error = tokens.add(&op, position, position, 1))
        return error;
      ++position;
      continue;
    }
    Block &body = *repeat.getBody();
    auto count = int64_t(repeat.getCount());
    int64_t others = (count - 1) * int64_t(body.getOperations().size());
    for (Operation &inner : body) {
      if (llvm::Error error =
              tokens.add(&inner, position, position + others, count))
        return error;
      ++position;
    }
    position += others;
  }
  for (const auto &[number, semaphore] : tokens.semaphores)
    if (semaphore.signalled != semaphore.taken)
      return makeError("{0} tokens of semaphore s{1} are signalled, {2} are "
                       "waited for",
                       semaphore.signalled, number, semaphore.taken);
  return tokens;
}

std::map<StageTokens::Queues, SmallVector<unsigned, 2>>
StageTokens::semaphoresBetween() const {
  std::map<Queues, SmallVector<unsigned, 2>> between;
  for (const auto &[number, semaphore] : semaphores)
    between[{*semaphore.producer, *semaphore.consumer}].push_back(number);
  return between;
}

/// Follows tokens: forward, from an instruction to those that wait for what it
/// or a later one of its queue signals; backward, to those that signal what it
/// or an earlier one waits for.
bool StageTokens::isOrdered(QueueKind queue, QueueKind target,
                            bool forward) const {
  const Ends &own = ends[unsigned(queue)];
  if (!own.firstWork)
    return true;
  SmallVector<std::pair<unsigned, int64_t>> reached = {
      {unsigned(queue), forward ? *own.lastWork : *own.firstWork}};
  uint32_t followed = 0; // Semaphores.
  static_assert(SemaphoreCount <= 32);
  while (!reached.empty()) {
    auto [at, position] = reached.pop_back_val();
    if (at == unsigned(target))
      return true;
    for (const auto &[number, semaphore] : semaphores) {
      bool leads =
          forward ? semaphore.producer == at && semaphore.lastSignal >= position
                  : semaphore.consumer == at && semaphore.firstWait <= position;
      if (!leads || (followed >> number & 1))
        continue;
      followed |= uint32_t(1) << number;
      if (forward)
        reached.push_back({*semaphore.consumer, semaphore.lastWait});
      else
        reached.push_back({*semaphore.producer, semaphore.firstSignal});
    }
  }
  return false;
}
