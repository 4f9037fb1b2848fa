//===- FunctionMapper.h - Contractions of one function ----------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// State of the conversion of one function: what its values are in tensor
/// memory and in DRAM.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_LIB_CONVERSION_TNNTOFETTA_FUNCTIONMAPPER_H
#define FETTA_LIB_CONVERSION_TNNTOFETTA_FUNCTIONMAPPER_H

#include "Alike.h"
#include "Transfers.h"
#include "fetta/Conversion/TNNToFetta/TNNToFetta.h"
#include "fetta/Dialect/Fetta/IR/FettaOps.h"
#include "fetta/Dialect/TNN/IR/TNNOps.h"
#include "fetta/Mapping/Program.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Interfaces/FunctionInterfaces.h"

namespace fetta {

using namespace ::mlir;
using namespace ::fetta::hw;

/// Maps one function.
class FunctionMapper {
public:
  FunctionMapper(FunctionOpInterface function, const Machine &machine,
                 std::optional<Dataflow> dataflow,
                 const ProgramOptions &options, MemoryChoice memory,
                 AlikeContractions *alike)
      : function(function), machine(machine), dataflow(dataflow),
        options(options), inDram(memory == MemoryChoice::Dram), alike(alike),
        builder(function.getContext()) {}

  LogicalResult run();

private:
  /// Reshapes of a value are the value seen under another shape. An f32
  /// argument that is only rounded is a bf16 argument to the machine, because
  /// the host rounds when it places.
  struct View {
    Value root; ///< An argument, a slice of one, or what a contraction makes.
    RankedTensorType type;
  };

  View viewOf(Value value) {
    auto it = views.find(value);
    return it != views.end()
               ? it->second
               : View{value, cast<RankedTensorType>(value.getType())};
  }

  /// A slice of an argument, or of what was stored so far of a result.
  struct Slice {
    Value region; ///< An argument or an insert_slice.
    DramTile tile;
  };

  bool isArgument(Value root) const {
    return isa<BlockArgument>(root) || slices.contains(root);
  }
  /// The part of DRAM that a view of an argument or of a slice is.
  std::optional<Slice> sliceOf(const View &view);

  /// A contraction and how it sees its tensors.
  struct Step {
    tnn::ContractOp op;
    std::array<View, 3> tensors;
  };

  LogicalResult addStep(tnn::ContractOp op);
  /// The value of the program that stands for a root, seen as `view` by `op`.
  FailureOr<unsigned> valueOf(tnn::ContractOp op, const View &view);
  LogicalResult fixLayouts();
  LogicalResult mapSteps();
  LogicalResult replace(const Step &step, const MappedContraction &mapped);
  LogicalResult addSlice(tensor::ExtractSliceOp op);
  LogicalResult storeSlice(tensor::InsertSliceOp op);
  /// The function returns a region under another shape than that of its tiles.
  void reshapeRegion(Value region, RankedTensorType type);
  LogicalResult collect(Operation *terminator);
  void hoistTransfers();
  /// `view` in tensor memory as `type`, which has a layout; places or loads an
  /// argument at first use.
  Value inMemory(Location loc, const View &view, RankedTensorType type);
  FailureOr<const EinsumModes *> modesOf(tnn::ContractOp op);
  /// The contraction alone, with what is fixed by hand.
  FailureOr<const ContractionSpec *> specOf(tnn::ContractOp op,
                                            const std::array<View, 3> &tensors);

  RankedTensorType withLayout(RankedTensorType type, const Layout &layout) {
    return RankedTensorType::get(type.getShape(), type.getElementType(),
                                 LayoutAttr::get(type.getContext(), layout));
  }

  FunctionOpInterface function;
  const Machine &machine;
  std::optional<Dataflow> dataflow;
  ProgramOptions options;
  bool inDram;
  AlikeContractions *alike; ///< May be null.
  OpBuilder builder;
  llvm::DenseMap<Attribute, std::unique_ptr<EinsumModes>> einsums;
  /// A mapped contraction and what others that are like it can take over.
  struct Model {
    std::array<RankedTensorType, 3> types; ///< Of lhs, rhs and result.
    ContractOp contract;
  };
  /// By mapping, and all else that a contraction has from its own operation.
  std::map<std::array<const void *, 8>, Model> models;
  /// By einsum, types of the tensors, whether sums go on, and mapping by hand.
  std::map<std::array<const void *, 6>, ContractionSpec> specs;
  ProgramSketch program;
  SmallVector<Step> steps;          ///< As in the program.
  SmallVector<Operation *> stepOps; ///< Theirs.
  /// Roots among the program's values, and the op whose shape came first.
  llvm::DenseMap<Value, unsigned> valueNumbers;
  llvm::DenseMap<Value, View> views;
  /// Roots in tensor memory.
  llvm::DenseMap<Value, Value> mapped;
  llvm::DenseMap<std::pair<Value, Type>, Value> relabels;
  llvm::DenseMap<Value, Slice> slices; ///< By extract_slice.
  /// Slices of results; the steps before each.
  SmallVector<std::pair<tensor::InsertSliceOp, size_t>> insertions;
  llvm::DenseMap<Value, Value> stored; ///< By insert_slice.
  SmallVector<LoadOp> loads;           ///< Of whole arguments.
};

} // namespace fetta

#endif // FETTA_LIB_CONVERSION_TNNTOFETTA_FUNCTIONMAPPER_H
