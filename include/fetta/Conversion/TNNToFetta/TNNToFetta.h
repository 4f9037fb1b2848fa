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

#include "fetta/Mapping/Program.h"
#include "mlir/Pass/Pass.h"
#include <cstdint>

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

} // namespace fetta

#endif // FETTA_CONVERSION_TNNTOFETTA_TNNTOFETTA_H
