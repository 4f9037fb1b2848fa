//===- TNNToFetta.h ---------------------------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// The conversion pass of TNNToFetta.td.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_CONVERSION_TNNTOFETTA_TNNTOFETTA_H
#define FETTA_CONVERSION_TNNTOFETTA_TNNTOFETTA_H

#include "fetta/Dialect/TNN/Transforms/SliceBatch.h"
#include "fetta/Mapping/Program.h"
#include "mlir/Pass/Pass.h"
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <tuple>

namespace fetta {

/// Which dataflow the mapper may use.
enum class DataflowChoice : uint8_t {
  Auto,
  AStationary,
  BStationary,
  OutputStationary,
};

/// Where arguments and results of a function lie.
enum class MemoryChoice : uint8_t {
  Dram,     ///< In DRAM regions, moved by DMA.
  Resident, ///< In tensor memory, placed and collected by the host.
};

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "fetta/Conversion/TNNToFetta/TNNToFetta.h.inc"

/// What a conversion may take over from one before: slices of a batch do the
/// same, so a few of them are mapped, and the others like them.
struct AlikeContractions {
  /// Contractions that are about to be converted; those of a class read and
  /// write tensors that play the same part. All or none of a function.
  tnn::SliceClasses classes;
  /// Mappings by function and class. The conversion looks here first and adds
  /// what it maps.
  std::map<std::string, std::map<tnn::SliceClass, MappedContraction>> mapped;
  /// Whether to keep remarks back.
  bool isTrial = false;
};

/// The conversion with what it shares with another one.
std::unique_ptr<mlir::Pass>
createConvertTNNToFettaPass(ConvertTNNToFettaPassOptions options,
                            std::shared_ptr<AlikeContractions> alike);

} // namespace fetta

#endif // FETTA_CONVERSION_TNNTOFETTA_TNNTOFETTA_H
