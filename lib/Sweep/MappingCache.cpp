//===- MappingCache.cpp - What mappings depend on -------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Sweep/CostModel.h"

#include <list>
#include <mutex>
#include <unordered_map>

using namespace fetta;

static constexpr llvm::StringLiteral besideMapping[] = {
    "ce_style",         "route_slots",           "route_bytes_per_cycle",
    "vector_lanes",     "dram_bytes_per_second", "dram_latency_cycles",
    "dram_burst_bytes", "staging_rows",          "clock_mhz",
    "energy_preset"};

llvm::ArrayRef<llvm::StringRef> fetta::keysBesideMapping() {
  static const std::vector<llvm::StringRef> keys(std::begin(besideMapping),
                                                 std::end(besideMapping));
  return keys;
}

Machine fetta::mappingMachine(const Machine &machine) {
  Machine result = machine;
  Machine plain;
  plain.energyPreset = "tpu7nm";
  for (llvm::StringRef key : keysBesideMapping())
    llvm::cantFail(result.set(key, plain.get(key)));
  result.name = "mapping";
  result.sources.clear();
  return result;
}

Machine fetta::seenByMapper(const Machine &machine) {
  Machine seen;
  seen.name = "mapper";
  seen.ceBits = machine.ceBits;
  seen.peRowBits = machine.peRowBits;
  seen.peColumnBits = machine.peColumnBits;
  seen.accumulatorRows = machine.accumulatorRows;
  seen.networks = machine.networks;
  // One latency stands for all of the pipeline.
  seen.latency = {0, 64, 0, 0, 0, 0, 0, 0};
  seen.latency.memoryRead = machine.pipelineCycles() - seen.pipelineCycles();
  return seen;
}

struct MappingCache::State {
  struct Slot {
    std::once_flag once;
    MappedSlice slice;
  };
  static constexpr size_t capacity = 256;
  std::mutex mutex;
  /// Latest first.
  std::list<std::pair<std::string, std::shared_ptr<Slot>>> slots;
  std::unordered_map<std::string, decltype(slots)::iterator> places;
};

MappingCache::MappingCache() : state(std::make_unique<State>()) {}
MappingCache::~MappingCache() = default;

std::shared_ptr<const MappedSlice>
MappingCache::get(const std::string &key,
                  llvm::function_ref<MappedSlice()> make) {
  std::shared_ptr<State::Slot> slot;
  {
    std::lock_guard<std::mutex> lock(state->mutex);
    auto it = state->places.find(key);
    if (it != state->places.end()) {
      state->slots.splice(state->slots.begin(), state->slots, it->second);
    } else {
      state->slots.emplace_front(key, std::make_shared<State::Slot>());
      state->places[key] = state->slots.begin();
      if (state->slots.size() > State::capacity) {
        state->places.erase(state->slots.back().first);
        state->slots.pop_back();
      }
    }
    slot = state->slots.front().second;
  }
  std::call_once(slot->once, [&] { slot->slice = make(); });
  return {slot, &slot->slice};
}
