//===- Level2Queues.cpp - Queues, tokens and routes, cycle by cycle -------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Level2Engine.h"

#include "DmaRunner.h"
#include "fetta/Simulator/Functional.h"

#include "llvm/ADT/STLExtras.h"

#include <algorithm>

using namespace fetta;
using namespace fetta::level2;

void Engine::sortQueues() {
  for (size_t i = 0; i < program.code.size(); ++i) {
    if (std::holds_alternative<Halt>(program.code[i]))
      break;
    assert(!std::holds_alternative<Repeat>(program.code[i]) &&
           "a program runs with its repeats written out");
    queues[size_t(queueOf(program.code[i]))].push_back(i);
  }
  // A loss stands between a result and its gradient.
  lossWriters.resize(program.tensors.size());
  for (size_t t = 0; t < program.tensors.size(); ++t) {
    llvm::StringRef name = program.tensors[t].name;
    if (!isPreloaded(program.tensors[t].role) || !name.consume_front("d_"))
      continue;
    for (size_t i = 0; i < program.code.size(); ++i)
      if (const auto *contract = std::get_if<Contract>(&program.code[i])) {
        const TensorEntry &c = program.tensors[contract->tensors[OperandC]];
        if (c.role == TensorRole::Result && c.name == name)
          lossWriters[t].push_back(i);
      }
  }
}

bool Engine::lossPassed(const Job &job, OperandId operand) const {
  return llvm::all_of(lossWriters[job.contract->tensors[operand]],
                      [&](size_t writer) {
                        return writer >= job.instruction || isComplete(writer);
                      });
}

bool Engine::isComplete(size_t instruction) const {
  if (auto job = jobOf.find(instruction); job != jobOf.end())
    return jobs[job->second].completed < now;
  if (auto dma = transferOf.find(instruction); dma != transferOf.end())
    return dma->second->completed < now;
  return !std::holds_alternative<Contract>(program.code[instruction]);
}

void Engine::signal() {
  for (auto &queue : running)
    while (!queue.empty() && isComplete(queue.front())) {
      for (const Token &token : tokensOf(program.code[queue.front()]).signals)
        semaphores[token.semaphore] += token.count;
      queue.pop_front();
      lastActivity = now;
    }
}

llvm::Error Engine::issue() {
  // What completes in the cycle in which it issues may let another one go.
  for (bool progress = true; progress;) {
    progress = false;
    for (unsigned q : {unsigned(Queue::Load), unsigned(Queue::Store),
                       unsigned(Queue::Vector), unsigned(Queue::Contract)})
      while (!queues[q].empty()) {
        llvm::Expected<bool> issued = tryIssue(queues[q].front());
        if (!issued)
          return issued.takeError();
        if (!*issued)
          break;
        running[q].push_back(queues[q].front());
        queues[q].pop_front();
        lastActivity = now;
        progress = true;
      }
    signal();
  }
  return llvm::Error::success();
}

llvm::Expected<bool> Engine::tryIssue(size_t i) {
  const Instruction &instruction = program.code[i];
  for (const Token &token : tokensOf(instruction).waits)
    if (semaphores[token.semaphore] < token.count)
      return false;
  // The registers of the next tile are free once the last tile of the
  // contraction before has begun.
  if (std::holds_alternative<Contract>(instruction) && !jobs.empty() &&
      jobs.back().tilesBegun < jobs.back().view.tiles())
    return false;
  for (const Token &token : tokensOf(instruction).waits)
    semaphores[token.semaphore] -= token.count;

  if (const auto *load = std::get_if<LoadRoute>(&instruction)) {
    size_t net = size_t(load->net);
    auto entry = std::make_shared<RouteLoad>();
    entry->route = &program.routes[load->route];
    entry->cycles =
        int64_t(llvm::divideCeil(uint64_t(routeBytes(*entry->route)),
                                 uint64_t(machine.routeBytesPerCycle)));
    entry->users = std::move(slotUsers[net][load->slot]);
    slotUsers[net][load->slot].clear();
    slots[net][load->slot] = entry;
    loaders[net].push_back(entry);
  } else if (const auto *contract = std::get_if<Contract>(&instruction)) {
    Job &job = jobs.emplace_back(i, *contract, machine);
    jobOf[i] = jobs.size() - 1;
    job.issued = now;
    for (unsigned net = 0; net < 3; ++net) {
      job.routes[net] = slots[net][contract->slots[net]];
      slotUsers[net][contract->slots[net]].push_back(jobs.size() - 1);
    }
    job.loaded.assign(size_t(job.view.tiles()), Never);
    job.registers.assign(size_t(job.view.tiles()), 0);
  } else if (std::holds_alternative<Dma>(instruction) &&
             model == DramModel::Bandwidth) {
    beginTransfer(i);
  } else if (std::holds_alternative<Dma>(instruction)) {
    if (llvm::Error error = runDma(program, i, memory, dram))
      return error;
    lastTransfer = now;
  }
  return true;
}

void Engine::loadRoutes() {
  for (unsigned net = 0; net < 3; ++net) {
    auto &queue = loaders[net];
    while (!queue.empty()) {
      RouteLoad &load = *queue.front();
      if (load.ready == Never) {
        bool free = llvm::all_of(load.users, [&](size_t user) {
          return jobs[user].lastUse(Net(net)) < now;
        });
        if (!free)
          break;
        load.ready = now + load.cycles;
        lastActivity = now;
      }
      if (load.ready > now)
        break;
      queue.pop_front(); // The next one starts in the same cycle.
    }
  }
}
