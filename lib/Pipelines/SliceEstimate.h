//===- SliceEstimate.h - What a sliced step takes ---------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Rows and cycles of ordered contractions before anything is mapped, to know
/// where to begin.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_LIB_PIPELINES_SLICEESTIMATE_H
#define FETTA_LIB_PIPELINES_SLICEESTIMATE_H

#include "fetta/Dialect/TNN/Transforms/SliceBatch.h"
#include "fetta/Machine/Machine.h"
#include "fetta/Schedule/ListSchedule.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace fetta {

/// Rows in the layouts that the mapper would choose freely. An argument lives
/// from its first use (its slice: from where it stands) to its last one, a
/// result until it is stored.
struct RowEstimate {
  /// Of all tensors at the position of a function where most are alive;
  /// INT64_MAX where one tensor exceeds a slab.
  int64_t peak = 0;
  int64_t largestSlice = 0; ///< Of an argument.

  /// Whether it fits, with `ahead` slices of an argument that are loaded before
  /// their time.
  bool fits(const Machine &machine, int64_t ahead = 0) const {
    int64_t capacity = machine.slabs * machine.rowsPerSlab;
    return peak <= capacity && largestSlice * ahead <= capacity - peak;
  }
  /// Whether there is little choice of a slab, so that tensors meet.
  bool isTight(const Machine &machine) const {
    constexpr double kTight = 0.85;
    return double(peak) > kTight * double(machine.slabs * machine.rowsPerSlab);
  }
};
/// The number of slices to try after this one: 1, 2, 3, 4, 6, 8, 12, 16, ...
int64_t nextCount(int64_t count);

/// Elements of a slice where a batch is cut into `count`. Up to a quarter more
/// than needed, so that the size is a multiple of a power of two, which fills
/// lanes, and divides the batch, which leaves one kind of slice to map.
int64_t sliceSize(int64_t batch, int64_t count);
/// The same without more than needed.
int64_t equalSize(int64_t batch, int64_t count);

/// Rows of a tensor in a layout that gives bank bits to the dimensions whose
/// chunks shrink most, as the mapper's free layouts do.
int64_t estimateRows(mlir::RankedTensorType type, const Machine &machine);
RowEstimate estimateRows(mlir::func::FuncOp function, const Machine &machine);

/// Rows that slices of a size need at least: those of one slice alone. Of many
/// numbers of slices, it says quickly which do not fit.
class SliceBound {
public:
  /// Nothing is known of a function that cannot be sliced, or is in pieces. Of
  /// one with contractions through DRAM it is what each of the others needs.
  SliceBound(mlir::func::FuncOp function, const Machine &machine,
             const tnn::ModePlan &plan);

  /// Rows that are alive together at least.
  int64_t leastRows(int64_t size) const;

private:
  /// A type as a slice has it.
  struct Shape {
    mlir::RankedTensorType type;
    int64_t batchDimension; ///< -1 if none.
    bool operator<(const Shape &o) const {
      return std::pair(type.getAsOpaquePointer(), batchDimension) <
             std::pair(o.type.getAsOpaquePointer(), o.batchDimension);
    }
  };
  /// A value in memory: the contractions between which it lives, and the shapes
  /// under which it is seen.
  struct Life {
    int64_t begin, end;
    llvm::SmallVector<unsigned, 4> shapes;
  };

  const Machine &machine;
  std::vector<Shape> shapes;
  std::vector<Life> lives;
  int64_t positions = 0;
};

/// Cycles in which the link moves so much.
double linkCycles(double bytes, const Machine &machine);

/// What a function that is not sliced takes.
struct StepWork {
  double array = 0; ///< Cycles: multiply-adds / PEs.
  /// Of `array`, what runs again for each slice: sums over the batch in BF16
  /// stay apart, and so do contractions behind them.
  double repeated = 0;
  double link = 0; ///< Cycles: bytes of arguments and results / bandwidth.
  int64_t contracts = 0; ///< Contractions.
  /// Cycles between results and their gradients, of bytes for all slices and of
  /// latency for each: what slices in turn do not hide.
  double turn = 0, latency = 0;

  /// Cycles in `slices` slices: what binds, a part of the rest that has nothing
  /// to hide behind in the first slice and the last, and what a slice costs by
  /// itself. Good for comparing numbers of slices and orders, not more.
  double cycles(int64_t slices, bool inTurn = false) const;
  /// Whether slices repeat so much that another tree may be better for them,
  /// and the link does not decide anyway.
  bool repeatsMuch(int64_t slices) const;
  StepWork &operator+=(const StepWork &other);
};
/// With an ideal link, transfers take nothing.
StepWork estimateWork(mlir::func::FuncOp function, const Machine &machine,
                      LinkModel link);

/// A function, the size of its slices, and the modes that are cut besides.
struct SlicedFunction {
  mlir::func::FuncOp function;
  int64_t size = 1;
  tnn::ModePlan plan;
};

/// The work of all slices and pieces, with what pieces compute, load and store
/// again; `contracts` are those of one slice, and nothing is `repeated`
/// besides. Fails where it cannot be sliced.
mlir::FailureOr<StepWork> estimateSlicedWork(const SlicedFunction &sliced,
                                             const Machine &machine,
                                             LinkModel link);

/// Says so where slices are more contractions than a program may have.
mlir::LogicalResult checkContractions(llvm::ArrayRef<SlicedFunction> functions);

} // namespace fetta

#endif // FETTA_LIB_PIPELINES_SLICEESTIMATE_H
