//===- TransfersOfSlices.cpp - Arguments and results in parts -------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FunctionMapper.h"

using namespace mlir;
using namespace fetta;
using namespace fetta::hw;

/// Arguments are placed before anything runs, in their order. Those that the
/// forward phase needs are loaded at once, in the order of their first use;
/// what comes in for a result can be loaded only when that is stored.
void FunctionMapper::hoistTransfers() {
  Block &block = function.getFunctionBody().front();
  if (!inDram) {
    for (BlockArgument argument : llvm::reverse(block.getArguments()))
      if (Value placed = mapped.lookup(argument))
        placed.getDefiningOp()->moveBefore(&block, block.begin());
    return;
  }
  auto isForward = [](Operation *user) {
    auto contract = dyn_cast<ContractOp>(user);
    return contract && contract.getPhase() == PhaseKind::Forward;
  };
  for (LoadOp load : llvm::reverse(loads))
    if (llvm::any_of(load->getUsers(), [&](Operation *user) {
          return isForward(user) || (isa<RelabelOp>(user) &&
                                     llvm::any_of(user->getUsers(), isForward));
        }))
      load->moveBefore(&block, block.begin());
}

auto FunctionMapper::sliceOf(const View &view) -> std::optional<Slice> {
  auto slice = slices.find(view.root);
  auto argument = dyn_cast<BlockArgument>(view.root);
  if (!argument && slice == slices.end())
    return std::nullopt;
  Slice whole =
      argument
          ? Slice{argument,
                  wholeTile(
                      cast<RankedTensorType>(argument.getType()).getShape())}
          : slice->second;
  std::optional<DramTile> tile = reshapeTile(whole.tile, view.type.getShape());
  if (!tile)
    return std::nullopt;
  return Slice{whole.region, *tile};
}

/// Dimensions of size 1 that the place of `part` has and `part` has not; mostly
/// there are none.
template <typename SliceOp>
static llvm::SmallBitVector droppedDimsOf(SliceOp op, RankedTensorType part) {
  size_t rank = op.getStaticSizes().size();
  return int64_t(rank) == part.getRank() ? llvm::SmallBitVector(unsigned(rank))
                                         : op.getDroppedDims();
}

LogicalResult FunctionMapper::addSlice(tensor::ExtractSliceOp op) {
  std::optional<Slice> source;
  if (op.getSource().getDefiningOp<tensor::InsertSliceOp>())
    source = Slice{op.getSource(), wholeTile(op.getSourceType().getShape())};
  else
    source = sliceOf(viewOf(op.getSource()));
  if (!source)
    return op.emitOpError() << "has no form on the machine, which takes slices "
                               "of arguments and of results";
  std::optional<DramTile> tile =
      sliceTile(source->tile, op, droppedDimsOf(op, op.getType()));
  if (!tile)
    return op.emitOpError() << "should have static offsets, sizes and strides";
  slices[op] = {source->region, *tile};
  return success();
}

LogicalResult FunctionMapper::storeSlice(tensor::InsertSliceOp op) {
  View view = viewOf(op.getSource());
  Value value = isArgument(view.root) ? Value() : mapped.lookup(view.root);
  if (!value)
    return op.emitOpError() << "inserts what is not computed on the machine";
  Value into = stored.lookup(op.getDest());
  if (!into && op.getDest().getDefiningOp<tensor::EmptyOp>())
    into = op.getDest();
  std::optional<DramTile> tile =
      sliceTile(wholeTile(op.getType().getShape()), op,
                droppedDimsOf(op, op.getSourceType()));
  if (tile)
    tile =
        reshapeTile(*tile, cast<RankedTensorType>(value.getType()).getShape());
  if (!into || !tile)
    return op.emitOpError()
           << "has no form on the machine, which stores slices of the results "
              "of contractions into tensor.empty, at static places";
  builder.setInsertionPoint(op);
  stored[op] = StoreOp::create(
      builder, op.getLoc(), op.getType(), value, into,
      builder.getI64IntegerAttr(tile->at),
      getStrides(builder.getContext(), *tile), SyncAttr(),
      /*blocks=*/DenseI64ArrayAttr(), /*advance=*/IntegerAttr());
  return success();
}
