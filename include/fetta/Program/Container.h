//===- Container.h - The file around a program ------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Parts of the loader for tools that damage binaries on purpose: decoding
/// without the checks of meaning, and checksums made right again after a
/// change. Everybody else uses decodeProgram.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_PROGRAM_CONTAINER_H
#define FETTA_PROGRAM_CONTAINER_H

#include "fetta/Program/Program.h"

#include "llvm/ADT/StringRef.h"

namespace fetta {

inline constexpr unsigned FormatMajor = 0, FormatMinor = 4;
inline constexpr unsigned IsaMajor = 0, IsaMinor = 4;
inline constexpr size_t HeaderBytes = 32;

/// A section: where its data lies in the file.
struct SectionPlace {
  llvm::StringRef name;
  uint64_t offset = 0;
  uint64_t size = 0;
};

/// Checks 1 to 4 of the loader only. The result may mean anything.
llvm::Expected<Program> decodeUnverified(llvm::ArrayRef<uint8_t> bytes,
                                         const Machine *expected = nullptr);

/// Sections of a file whose container is well formed, checksums aside.
llvm::Expected<std::vector<SectionPlace>>
sectionsOf(llvm::ArrayRef<uint8_t> bytes);

/// Recomputes file size and all checksums. Fails where the container is not
/// well formed any more; header size and file checksum are right then too.
llvm::Error resign(llvm::MutableArrayRef<uint8_t> bytes);

} // namespace fetta

#endif // FETTA_PROGRAM_CONTAINER_H
