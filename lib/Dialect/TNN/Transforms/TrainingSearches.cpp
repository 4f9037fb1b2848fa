//===- TrainingSearches.cpp - Training trees that are known ---------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TrainingSearches.h"

#include "llvm/Support/Format.h"

using namespace fetta;
using namespace fetta::tnn;

void fetta::tnn::writeKey(llvm::raw_ostream &os, const ClosedNetwork &network,
                          const TrainingGoal &goal) {
  for (const NetworkIndex &index : network.getIndices())
    os << index.size << ',';
  for (const IndexList &leaf : network.getLeaves()) {
    os << ';';
    for (unsigned index : leaf)
      os << index << ',';
  }
  os << '|' << goal.outputLeaf << ':' << goal.repeats;
  for (const LeafSet *set : {&goal.activations, &goal.gradients}) {
    os << ':';
    for (unsigned leaf : set->set_bits())
      os << leaf << ',';
  }
}

llvm::Expected<TrainingResult>
TrainingSearches::search(const ClosedNetwork &network, const TrainingGoal &goal,
                         const TrainingOptions &options) {
  std::string key;
  llvm::raw_string_ostream os(key);
  writeKey(os, network, goal);
  os << '|' << options.exactLimit << ':' << options.storedPrice << ':'
     << options.recompute << options.countWeights;
  if (options.storedLimit)
    os << ":limit " << toString(*options.storedLimit);
  if (options.flopSlack)
    os << ":slack "
       << llvm::format_hex(llvm::bit_cast<uint64_t>(*options.flopSlack), 18);
  {
    std::lock_guard<std::mutex> lock(mutex);
    if (auto it = known.find(key); it != known.end())
      return it->second;
  }
  llvm::Expected<TrainingResult> found = searchTraining(network, goal, options);
  if (!found)
    return found.takeError();
  std::lock_guard<std::mutex> lock(mutex);
  return known.try_emplace(std::move(key), std::move(*found)).first->second;
}
