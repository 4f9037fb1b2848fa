//===- SweepFile.h - What a sweep varies ------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// A sweep file names a machine, a layer and what varies; this reads it and
/// numbers the points (docs/Sweep.md describes the keys).
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_SWEEP_SWEEPFILE_H
#define FETTA_SWEEP_SWEEPFILE_H

#include "fetta/Machine/AreaTable.h"
#include "fetta/Simulator/Timing.h"
#include "fetta/Support/YamlReader.h"
#include "fetta/Sweep/LayerPlan.h"

#include <limits>

namespace fetta {

enum class SweepMode : uint8_t {
  CostModel, ///< Search, mapping and closed forms.
  Scheduled  ///< Compiled, then simulated by tile events.
};

/// The values of one axis: a list, or a range "A..B", "A..B +N", "A..B xN"
/// (both ends included where a step meets them). Errors, with the place of the
/// node: an empty or endless range, a list without values, more than 10^6 of
/// them.
llvm::Expected<std::vector<std::string>> expandValues(const yaml::Node &node);

/// One thing that a column of the result sets.
struct SweepTarget {
  enum Kind : uint8_t { MachineKey, Size, Order, Objective, Layouts } kind;
  std::string machineKey;
  unsigned index = 0; ///< Of the einsum.
};

struct SweepColumn {
  std::string name;
  llvm::SmallVector<SweepTarget, 4> targets; ///< All take the value.
};

/// Columns that advance together.
struct SweepAxis {
  llvm::SmallVector<unsigned, 2> columns;
  std::vector<std::vector<std::string>> values; ///< By column, then step.
  size_t size() const { return values.front().size(); }
};

/// What one point is evaluated with.
struct SweepPoint {
  Machine machine;
  Layer layer; ///< Empty where the layer is a model file.
  OrderChoice order;
  LayoutChoice layouts = LayoutChoice::Joint;
};

struct SweepSpec {
  std::string path; ///< Of the file; "-" is standard input.
  std::string text;
  SweepMode mode = SweepMode::CostModel;
  DramModel dram = DramModel::Bandwidth;
  Machine machine; ///< With `set` applied.
  AreaTable area;
  std::string layerName;
  Layer layer; ///< Sizes before anything varies.
  /// Scheduled mode, instead of the layer: path and text of an MLIR file.
  std::string modelPath, modelText;
  OrderChoice order;
  LayoutChoice layouts = LayoutChoice::Joint;
  std::vector<SweepColumn> columns;
  std::vector<SweepAxis> axes; ///< The first one is the slowest.

  static constexpr uint64_t tooMany = std::numeric_limits<uint64_t>::max();
  /// Product of the axes; tooMany beyond 64 bits.
  uint64_t pointCount() const;
  /// The values of a point, by column. Points count from 0.
  std::vector<llvm::StringRef> valuesOf(uint64_t point) const;
  /// Whether the mapping of a point may depend on an axis.
  bool changesMapping(const SweepAxis &axis) const;
  /// Machine and layer of a point. Errors: what the loader of machine files
  /// refuses, sizes that are too large.
  llvm::Expected<SweepPoint> resolve(uint64_t point) const;
  /// A text that is equal for points that can be compared: sizes of the layer
  /// and energy preset are equal.
  std::string workloadOf(uint64_t point) const;

  static llvm::Expected<SweepSpec> load(llvm::StringRef path);
  /// `path` stands for the file in messages; other files are looked up in its
  /// folder.
  static llvm::Expected<SweepSpec> parse(llvm::StringRef text,
                                         llvm::StringRef path);
};

} // namespace fetta

#endif // FETTA_SWEEP_SWEEPFILE_H
