//===- RepeatChecks.cpp - What more iterations may not change -------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RepeatChecks.h"

#include "fetta/Dialect/Fetta/Transforms/ProgramOrder.h"
#include "fetta/Support/Error.h"
#include "llvm/ADT/SetVector.h"

#include <map>

using namespace mlir;
using namespace fetta;
using namespace fetta::hw;

llvm::Error fetta::hw::checkValuesBefore(RepeatOp repeat,
                                         llvm::ArrayRef<Operation *> loads) {
  llvm::SetVector<Operation *> ofBatch(loads.begin(), loads.end());
  auto isOfBatch = [&](Value value) {
    return ofBatch.contains(value.getDefiningOp());
  };
  for (Operation &op : *repeat->getBlock()) {
    if (&op == repeat)
      break;
    if (isa<ContractOp, RelabelOp>(op) &&
        llvm::any_of(op.getOperands(), isOfBatch))
      ofBatch.insert(&op);
  }
  for (Operation *made : ofBatch)
    for (Operation *user : made->getUsers()) {
      if (repeat->isProperAncestor(user))
        return makeError("what is made of the beginning of the batch is used "
                         "in the repeat");
      if (user->getBlock() == repeat->getBlock() &&
          repeat->isBeforeInBlock(user))
        return makeError("what is made of the beginning of the batch is used "
                         "behind the repeat");
    }
  return llvm::Error::success();
}

llvm::Error fetta::hw::checkTokens(RepeatOp repeat) {
  std::map<unsigned, int64_t> left;
  for (Operation &op : repeat.getRegion().front()) {
    SyncAttr sync = getSync(&op);
    if (!sync)
      continue;
    for (const Token &token : sync.getSignals())
      left[token.semaphore] += token.count;
    for (const Token &token : sync.getWaits())
      left[token.semaphore] -= token.count;
  }
  for (auto [semaphore, tokens] : left)
    if (tokens != 0)
      return makeError("an iteration leaves {0} tokens of semaphore s{1}",
                       tokens, semaphore);
  return llvm::Error::success();
}
