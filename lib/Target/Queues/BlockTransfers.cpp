//===- BlockTransfers.cpp ---------------------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Dialect/Fetta/Transforms/ProgramOrder.h"
#include "fetta/Program/TransferPlan.h"
#include "fetta/Target/Queues/Passes.h"

#include <map>

namespace fetta {
#define GEN_PASS_DEF_FETTABLOCKTRANSFERSPASS
#include "fetta/Target/Queues/Passes.h.inc"
} // namespace fetta

using namespace mlir;
using namespace fetta;
using namespace fetta::hw;

namespace {

/// Equal transfers, as those of slices are, ask once.
class BlockChooser {
public:
  explicit BlockChooser(const Machine &machine) : machine(machine) {}

  template <typename TransferOp>
  void choose(TransferOp op, RankedTensorType tile) {
    if (op.getBlocks())
      return;
    SmallVector<int64_t> strides = op.getElementStrides();
    TransferShape transfer;
    std::optional<Layout> layout = getLayout(tile);
    transfer.layout = &*layout;
    transfer.elementBytes = tile.getElementType().isF32() ? 4 : 2;
    // Regions begin at whole bursts.
    transfer.firstByte =
        int64_t(op.getAt()) * transfer.elementBytes % machine.dramBurstBytes;
    transfer.strides = strides;
    transfer.store = isa<StoreOp>(op);
    Key key(tile, strides, transfer.firstByte, transfer.store);
    auto [it, isNew] = known.try_emplace(std::move(key));
    if (isNew)
      it->second = chooseBlocks(transfer, machine);
    if (!it->second.empty())
      op.setBlocks(it->second);
  }

private:
  struct Key {
    Key(RankedTensorType tile, ArrayRef<int64_t> strides, int64_t firstByte,
        bool store)
        : tile(tile), strides(strides), firstByte(firstByte), store(store) {}
    bool operator<(const Key &o) const {
      return std::make_tuple(tile.getAsOpaquePointer(), firstByte, store,
                             ArrayRef(strides)) <
             std::make_tuple(o.tile.getAsOpaquePointer(), o.firstByte, o.store,
                             ArrayRef(o.strides));
    }
    RankedTensorType tile;
    SmallVector<int64_t> strides;
    int64_t firstByte;
    bool store;
  };

  const Machine &machine;
  std::map<Key, SmallVector<int64_t, 6>> known; ///< Never iterated.
};

struct BlockTransfersPass
    : fetta::impl::FettaBlockTransfersPassBase<BlockTransfersPass> {
  void runOnOperation() override {
    auto chooseAll = [](FunctionOpInterface, Block &block,
                        const Machine &machine) {
      BlockChooser chooser(machine);
      for (Operation &op : block) {
        if (auto load = dyn_cast<LoadOp>(op))
          chooser.choose(load, load.getType());
        else if (auto store = dyn_cast<StoreOp>(op))
          chooser.choose(store, store.getSource().getType());
      }
      return success();
    };
    if (failed(forEachProgram(getOperation(), chooseAll)))
      signalPassFailure();
  }
};

} // namespace
