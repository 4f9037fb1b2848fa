//===- DmaRunner.h - Values of one transfer ---------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Moves the elements of a tensor between tensor memory and DRAM
/// (docs/Queues.md, section 2).
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_LIB_SIMULATOR_DMARUNNER_H
#define FETTA_LIB_SIMULATOR_DMARUNNER_H

#include "fetta/Simulator/DramMemory.h"
#include "fetta/Simulator/TensorMemory.h"

namespace fetta {

/// Runs the transfer program.code[instruction]. Errors name it, its tensor and
/// its region: an entry that does not exist, an element outside the region, a
/// word or element that was never written. The program need not be verified.
llvm::Error runDma(const Program &program, size_t instruction,
                   TensorMemory &memory, DramMemory &dram);

} // namespace fetta

#endif // FETTA_LIB_SIMULATOR_DMARUNNER_H
