//===- TransferOrder.cpp -----------------------------------------*- C++
//-*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TransferOrder.h"

#include "fetta/Dialect/TNN/IR/TNNNames.h"

#include <limits>

using namespace mlir;
using namespace fetta;
using namespace fetta::hw;

/// Elements [begin, end) of DRAM that a load or store may touch.
template <typename TransferOp>
static std::pair<int64_t, int64_t> touched(TransferOp op,
                                           RankedTensorType tile) {
  int64_t begin = op.getAt(), end = begin + 1;
  for (auto [size, stride] :
       llvm::zip_equal(tile.getShape(), op.getElementStrides()))
    end += (size - 1) * stride;
  return {begin, end};
}

TransferOrder::Place TransferOrder::find(Operation *last) const {
  SmallVector<StoreOp> added;
  Place place = {0, 0};
  for (auto store = cast<StoreOp>(last); store;
       store = store.getInto().getDefiningOp<StoreOp>()) {
    if (auto known = places.find(store); known != places.end()) {
      place = known->second;
      if (!added.empty() && ++place.number < chains[place.chain].size()) {
        ArrayRef<Write> before = ArrayRef(chains[place.chain]);
        std::vector<Write> copy(before.take_front(place.number));
        chains.push_back(std::move(copy));
        place.chain = chains.size() - 1;
      }
      break;
    }
    added.push_back(store);
    if (!store.getInto().getDefiningOp<StoreOp>()) {
      place = {chains.size(), 0};
      chains.emplace_back();
    }
  }
  for (StoreOp store : llvm::reverse(added)) {
    auto [begin, end] =
        touched(store, cast<RankedTensorType>(store.getSource().getType()));
    std::vector<Write> &chain = chains[place.chain];
    place.number = chain.size();
    chain.push_back({store, begin, end});
    places[store] = place;
  }
  return place;
}

ArrayRef<TransferOrder::Write> TransferOrder::storesOf(Value value) const {
  auto store = value.getDefiningOp<StoreOp>();
  if (!store)
    return {};
  Place place = find(store);
  return ArrayRef(chains[place.chain]).take_front(place.number + 1);
}

TransferOrder::TransferOrder(FunctionOpInterface function)
    : function(function) {
  constexpr int64_t all = std::numeric_limits<int64_t>::max();
  Operation *terminator = function.getFunctionBody().front().getTerminator();
  for (OpOperand &operand : terminator->getOpOperands()) {
    auto type = dyn_cast<RankedTensorType>(operand.get().getType());
    if (!type)
      continue;
    Result &result =
        results[tnn::getResultName(function, operand.getOperandNumber())];
    result.type = type;
    if (auto collect = operand.get().getDefiningOp<CollectOp>())
      result.writes.push_back({getHomeOp(collect.getSource()), 0, all});
    else
      llvm::append_range(result.writes, storesOf(operand.get()));
  }
}

SmallVector<Operation *> TransferOrder::before(Operation *transfer) const {
  SmallVector<Operation *> ops;
  if (auto store = dyn_cast<StoreOp>(transfer)) {
    // What is stored over must have been loaded.
    for (Operation *user : store.getInto().getUsers())
      if (isa<LoadOp>(user))
        ops.push_back(user);
    return ops;
  }
  auto addLast = [&](ArrayRef<Write> writes, int64_t begin, int64_t end) {
    for (const Write &write : llvm::reverse(writes))
      if (write.begin < end && begin < write.end) {
        ops.push_back(write.op);
        return;
      }
  };
  Value source = transfer->getOperand(0);
  int64_t begin = 0, end = std::numeric_limits<int64_t>::max();
  if (auto load = dyn_cast<LoadOp>(transfer))
    std::tie(begin, end) = touched(load, load.getType());
  auto argument = dyn_cast<BlockArgument>(source);
  if (!argument) {
    addLast(storesOf(source), begin, end);
    return ops;
  }
  std::string name = tnn::getArgumentName(function, argument.getArgNumber());
  auto it = StringRef(name).starts_with("d_")
                ? results.find(StringRef(name).drop_front(2))
                : results.end();
  if (it == results.end())
    return ops;
  // Of equal shapes, the loss takes one index of the first dimension at a time.
  const Result &result = it->second;
  auto type = cast<RankedTensorType>(argument.getType());
  if (result.type.getShape() == type.getShape() && type.getRank() > 0 &&
      isa<LoadOp>(transfer)) {
    int64_t slice = type.getNumElements() / type.getShape().front();
    begin = begin / slice * slice;
    end = int64_t(llvm::divideCeil(uint64_t(end), uint64_t(slice))) * slice;
  } else {
    begin = 0;
    end = std::numeric_limits<int64_t>::max();
  }
  addLast(result.writes, begin, end);
  return ops;
}
