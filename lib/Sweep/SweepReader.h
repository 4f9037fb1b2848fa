//===- SweepReader.h - Reads a sweep file -----------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// From the YAML tree to a SweepSpec. Everything that is wrong for all points
/// is refused here, with file, line and column; what is wrong for some values
/// becomes a row of the result.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_LIB_SWEEP_SWEEPREADER_H
#define FETTA_LIB_SWEEP_SWEEPREADER_H

#include "fetta/Sweep/SweepFile.h"

#include <map>
#include <set>

namespace fetta {

/// Sets order, objective or layouts from its text.
llvm::Error setOrderKey(SweepTarget::Kind kind, llvm::StringRef value,
                        OrderChoice &order, LayoutChoice &layouts);
/// Sets the size of an index from its text.
llvm::Error setLayerSize(Layer &layer, unsigned index, llvm::StringRef value);

class SweepReader {
public:
  SweepReader(const yaml::Node &root, SweepSpec &spec)
      : root(root), spec(spec) {}
  llvm::Error read();

private:
  llvm::Error readModes();
  llvm::Error readMachine();
  llvm::Error readLayer(const yaml::Node &layer);
  llvm::Error readSizes(const yaml::Node &layer, llvm::StringRef known);
  llvm::Error readAxes();
  llvm::Error addColumn(const yaml::Entry &entry, SweepAxis &axis);
  llvm::Expected<llvm::SmallVector<SweepTarget, 4>>
  targetsOf(llvm::StringRef word, const yaml::Location &location) const;
  llvm::Error checkValue(const SweepTarget &target, llvm::StringRef value,
                         const yaml::Location &location) const;
  llvm::Expected<llvm::StringRef> word(const yaml::Node &parent,
                                       llvm::StringRef key) const;
  std::string besideFile(llvm::StringRef path) const;

  const yaml::Node &root;
  SweepSpec &spec;
  /// Indices whose size is a parameter, by its name.
  std::map<std::string, llvm::SmallVector<unsigned, 4>> parameters;
  std::set<std::string> varied; ///< Keys that have a column.
};

} // namespace fetta

#endif // FETTA_LIB_SWEEP_SWEEPREADER_H
