//===- ContainerFormat.h - Header and sections, internal --------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// What the encoder and the loader of the container share.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_LIB_PROGRAM_CONTAINERFORMAT_H
#define FETTA_LIB_PROGRAM_CONTAINERFORMAT_H

#include "fetta/Program/Container.h"

#include "Container_generated.h"

namespace fetta::container {

/// The first byte is no text, the rest catches damage by text-mode transfer.
inline constexpr uint8_t Magic[8] = {0x89, 'F',  'B',  'I',
                                     'N',  '\r', '\n', 0x1a};

/// Offsets in the header; all numbers are little-endian.
enum HeaderOffset : size_t {
  MagicAt = 0,
  FormatMajorAt = 8,
  FormatMinorAt = 10,
  IsaMajorAt = 12,
  IsaMinorAt = 14,
  SizeAt = 16,
  ChecksumAt = 24, ///< CRC-32 of the file with this field zero.
  ReservedAt = 28,
};

/// Sections in the order of the schema.
enum SectionId : unsigned {
  MachineId,
  TensorsId,
  RoutesId,
  OpsId,
  CodeId,
  ProducerId,
  RegionsId,
  SectionCount,
};
const char *sectionName(SectionId id);
const Section *section(const Container &container, SectionId id);

/// CRC-32 over the file as the header stores it.
uint32_t fileChecksum(llvm::ArrayRef<uint8_t> file);

/// What isa::encodeCode gives, in words: their bytes are little-endian on every
/// host.
llvm::Expected<std::vector<uint64_t>>
encodeWords(llvm::ArrayRef<Instruction> code);

/// Content of a section, checked to be in bounds.
struct SectionData {
  SectionId id;
  uint64_t offset; ///< In the file.
  llvm::ArrayRef<uint8_t> bytes;
};

llvm::Error refuse(LoadCode code, const SectionData &section,
                   llvm::Twine message);

/// Each decodes one section into its part of the program. `bytes` are aligned
/// to 8.
llvm::Error decodeMachine(const SectionData &section, Program &program);
llvm::Error decodeTensors(const SectionData &section, Program &program);
llvm::Error decodeRegions(const SectionData &section, Program &program);
llvm::Error decodeRoutes(const SectionData &section, Program &program);
llvm::Error decodeOps(const SectionData &section, Program &program);

} // namespace fetta::container

#endif // FETTA_LIB_PROGRAM_CONTAINERFORMAT_H
