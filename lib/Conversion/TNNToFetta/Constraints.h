//===- Constraints.h - Mappings fixed by attribute --------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Reads the attribute `fetta.mapping` of a contraction, by which an architect
/// holds the mapper to parts of a mapping (docs/Mapping.md).
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_LIB_CONVERSION_TNNTOFETTA_CONSTRAINTS_H
#define FETTA_LIB_CONVERSION_TNNTOFETTA_CONSTRAINTS_H

#include "fetta/Dialect/Fetta/IR/FettaOps.h"
#include "fetta/Dialect/TNN/IR/TNNOps.h"
#include "fetta/Mapping/Mapping.h"

namespace fetta {

/// What `op` asks for goes to `spec`: dataflow, constraints, names of modes,
/// and layouts of lhs, rhs and result, which are those of its operands as the
/// contraction sees them. Reports names of modes that the contraction lacks.
mlir::LogicalResult readConstraints(tnn::ContractOp op,
                                    const hw::EinsumModes &modes,
                                    const Machine &machine,
                                    ContractionSpec &spec);

} // namespace fetta

#endif // FETTA_LIB_CONVERSION_TNNTOFETTA_CONSTRAINTS_H
