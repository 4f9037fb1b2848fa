//===- Container.cpp - Loads the container of a program -------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ContainerFormat.h"

#include "fetta/Program/InstructionCoding.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/CRC.h"
#include "llvm/Support/Endian.h"

using namespace fetta;
using namespace fetta::container;
using namespace llvm::support;
using llvm::ArrayRef;
using llvm::Twine;

//===----------------------------------------------------------------------===//
// Errors
//===----------------------------------------------------------------------===//

char LoadError::ID = 0;

static LoadError::Stage stageOf(LoadCode code) {
  switch (code) {
#define FETTA_LOAD_CODE(stage, name, number, meaning)                          \
  case LoadCode::name:                                                         \
    return LoadError::Stage::stage;
#include "fetta/Program/LoadCodes.def"
  }
  llvm_unreachable("every code has a stage");
}

LoadError::LoadError(LoadCode code, std::string section, uint64_t offset,
                     std::string message)
    : LoadError(stageOf(code), unsigned(code), std::move(section), offset,
                std::move(message)) {}

void LoadError::log(llvm::raw_ostream &os) const {
  static const char *const names[] = {
      "bytes",     "sections",        "machine",       "decode",
      "semantics", "synchronisation", "initialisation"};
  os << "program refused [" << code << ", " << names[unsigned(stage)];
  if (!section.empty())
    os << ", section " << section;
  if (!section.empty() && offset)
    os << " at byte " << offset;
  os << "]: " << message;
}

std::error_code LoadError::convertToErrorCode() const {
  return std::make_error_code(std::errc::invalid_argument);
}

static llvm::Error refuseFile(LoadCode code, Twine message) {
  return llvm::make_error<LoadError>(code, "", 0, message.str());
}

llvm::Error container::refuse(LoadCode code, const SectionData &section,
                              Twine message) {
  return llvm::make_error<LoadError>(code, sectionName(section.id),
                                     section.offset, message.str());
}

//===----------------------------------------------------------------------===//
// Bytes and sections
//===----------------------------------------------------------------------===//

const char *container::sectionName(SectionId id) {
  static const char *const names[SectionCount] = {
      "machine", "tensors", "routes", "ops", "code", "producer", "regions"};
  return names[id];
}

const Section *container::section(const Container &container, SectionId id) {
  switch (id) {
  case MachineId:
    return container.machine();
  case TensorsId:
    return container.tensors();
  case RoutesId:
    return container.routes();
  case OpsId:
    return container.ops();
  case CodeId:
    return container.code();
  case ProducerId:
    return container.producer();
  case RegionsId:
    return container.regions();
  case SectionCount:
    break;
  }
  llvm_unreachable("no such section");
}

uint32_t container::fileChecksum(ArrayRef<uint8_t> file) {
  const uint8_t zero[4] = {};
  uint32_t crc = llvm::crc32(file.take_front(ChecksumAt));
  crc = llvm::crc32(crc, zero);
  return llvm::crc32(crc, file.drop_front(ReservedAt));
}

namespace {

/// The container behind the header, in memory that is aligned as FlatBuffers
/// want it.
class Payload {
public:
  explicit Payload(ArrayRef<uint8_t> file)
      : storage((file.size() - HeaderBytes + 15) / 16),
        size(file.size() - HeaderBytes) {
    static_assert(alignof(Word) == 16);
    if (size)
      memcpy(storage.data(), file.data() + HeaderBytes, size);
  }
  const uint8_t *data() const {
    return reinterpret_cast<const uint8_t *>(storage.data());
  }

  llvm::Expected<std::array<SectionData, SectionCount>> sections() const {
    auto malformed = [] {
      return refuseFile(LoadCode::Container,
                        "the FlatBuffer of the container is malformed");
    };
    flatbuffers::Verifier verifier(data(), size, /*max_depth=*/4,
                                   /*max_tables=*/SectionCount + 1);
    if (size < 8 || !VerifyContainerBuffer(verifier))
      return malformed();
    std::array<SectionData, SectionCount> result;
    for (unsigned i = 0; i < SectionCount; ++i) {
      auto id = SectionId(i);
      const auto *bytes = section(*GetContainer(data()), id)->data();
      result[i] = {id, HeaderBytes + uint64_t(bytes->data() - data()),
                   ArrayRef<uint8_t>(bytes->data(), bytes->size())};
    }
    return result;
  }
  uint32_t storedChecksum(SectionId id) const {
    return section(*GetContainer(data()), id)->checksum();
  }
  /// Where the checksum of a section lies in the file; nothing if it has the
  /// default value and is left out.
  std::optional<uint64_t> checksumOffset(SectionId id) const {
    const Section *table = section(*GetContainer(data()), id);
    const uint8_t *field =
        reinterpret_cast<const flatbuffers::Table *>(table)->GetAddressOf(
            Section::VT_CHECKSUM);
    if (!field)
      return std::nullopt;
    return HeaderBytes + uint64_t(field - data());
  }

private:
  struct alignas(16) Word {
    uint8_t bytes[16];
  };
  std::vector<Word> storage;
  size_t size;
};

} // namespace

/// Check 1. The checksum comes last: by then it is known that this is a
/// program of this version and complete.
static llvm::Error checkHeader(ArrayRef<uint8_t> file) {
  if (file.size() < HeaderBytes)
    return refuseFile(LoadCode::TooShort, Twine(file.size()) +
                                              " bytes; the header alone has " +
                                              Twine(HeaderBytes));
  if (file.take_front(sizeof(Magic)) != ArrayRef<uint8_t>(Magic))
    return refuseFile(LoadCode::Magic, "this is not a program (magic bytes)");
  unsigned versions[] = {endian::read16le(&file[FormatMajorAt]),
                         endian::read16le(&file[FormatMinorAt]),
                         endian::read16le(&file[IsaMajorAt]),
                         endian::read16le(&file[IsaMinorAt])};
  if (versions[0] != FormatMajor || versions[1] != FormatMinor ||
      versions[2] != IsaMajor || versions[3] != IsaMinor)
    return refuseFile(LoadCode::Version,
                      "format " + Twine(versions[0]) + "." +
                          Twine(versions[1]) + ", instruction set " +
                          Twine(versions[2]) + "." + Twine(versions[3]) +
                          "; this build reads format " + Twine(FormatMajor) +
                          "." + Twine(FormatMinor) + ", instruction set " +
                          Twine(IsaMajor) + "." + Twine(IsaMinor) +
                          ": compile the program again");
  uint64_t size = endian::read64le(&file[SizeAt]);
  if (size != file.size())
    return refuseFile(LoadCode::FileSize, "the file has " + Twine(file.size()) +
                                              " bytes, its header says " +
                                              Twine(size));
  if (endian::read32le(&file[ChecksumAt]) == fileChecksum(file) &&
      endian::read32le(&file[ReservedAt]) == 0)
    return llvm::Error::success();

  // Say which section is damaged, if the container still stands.
  Payload payload(file);
  auto sections = payload.sections();
  if (!sections) {
    llvm::consumeError(sections.takeError());
  } else {
    for (const SectionData &data : *sections)
      if (llvm::crc32(data.bytes) != payload.storedChecksum(data.id))
        return refuse(LoadCode::FileChecksum, data, "the file is damaged");
  }
  return refuseFile(LoadCode::FileChecksum, "the file is damaged");
}

/// Check 2, as far as it does not look into sections.
static llvm::Error checkSections(const Payload &payload,
                                 ArrayRef<SectionData> sections) {
  for (const SectionData &data : sections) {
    if (!data.bytes.empty() && data.offset % 16)
      return refuse(LoadCode::SectionPlace, data, "not aligned to 16 bytes");
    for (const SectionData &other : sections)
      if (other.id != data.id &&
          data.offset < other.offset + other.bytes.size() &&
          other.offset < data.offset + data.bytes.size())
        return refuse(LoadCode::SectionPlace, data,
                      Twine("it overlaps section ") + sectionName(other.id));
    if (llvm::crc32(data.bytes) != payload.storedChecksum(data.id))
      return refuse(LoadCode::SectionChecksum, data,
                    "its checksum does not fit its " +
                        Twine(data.bytes.size()) + " bytes");
  }
  return llvm::Error::success();
}

//===----------------------------------------------------------------------===//
// Entry points
//===----------------------------------------------------------------------===//

/// Gives errors that name a section only by name the section's offset.
static llvm::Error locate(llvm::Error error, ArrayRef<SectionData> sections) {
  return llvm::handleErrors(
      std::move(error), [&](std::unique_ptr<LoadError> e) -> llvm::Error {
        for (const SectionData &data : sections)
          if (e->offset == 0 && e->section == sectionName(data.id))
            e->offset = data.offset;
        return llvm::Error(std::move(e));
      });
}

/// Checks 1 to 4, and 5 to 7 on request.
static llvm::Expected<Program> load(ArrayRef<uint8_t> file,
                                    const Machine *expected, bool verify) {
  if (llvm::Error error = checkHeader(file))
    return error;
  Payload payload(file);
  auto sections = payload.sections();
  if (!sections)
    return sections.takeError();
  if (llvm::Error error = checkSections(payload, *sections))
    return error;

  Program program;
  const SectionData &machine = (*sections)[MachineId];
  if (llvm::Error error = decodeMachine(machine, program))
    return error;
  if (expected && expected->fingerprint() != program.machine.fingerprint())
    return refuse(
        LoadCode::OtherMachine, machine,
        "it is for the machine '" + program.machine.name + "' (fingerprint " +
            Twine::utohexstr(program.machine.fingerprint()) + "), not for '" +
            expected->name + "' (" + Twine::utohexstr(expected->fingerprint()) +
            "): compile it for this machine");

  if (llvm::Error error = decodeTensors((*sections)[TensorsId], program))
    return error;
  if (llvm::Error error = decodeRegions((*sections)[RegionsId], program))
    return error;
  if (llvm::Error error = decodeRoutes((*sections)[RoutesId], program))
    return error;
  if (llvm::Error error = decodeOps((*sections)[OpsId], program))
    return error;
  ArrayRef<uint8_t> producer = (*sections)[ProducerId].bytes;
  program.producer.assign(producer.begin(), producer.end());
  auto code = isa::decodeCode((*sections)[CodeId].bytes);
  if (!code)
    return locate(code.takeError(), *sections);
  program.code = std::move(*code);
  if (verify)
    if (llvm::Error error = verifyProgram(program))
      return locate(std::move(error), *sections);
  return program;
}

llvm::Expected<Program> fetta::decodeUnverified(ArrayRef<uint8_t> bytes,
                                                const Machine *expected) {
  return load(bytes, expected, /*verify=*/false);
}

llvm::Expected<Program> fetta::decodeProgram(ArrayRef<uint8_t> bytes,
                                             const Machine *expected) {
  return load(bytes, expected, /*verify=*/true);
}

llvm::Expected<std::vector<SectionPlace>>
fetta::sectionsOf(ArrayRef<uint8_t> bytes) {
  if (bytes.size() < HeaderBytes)
    return refuseFile(LoadCode::TooShort, "shorter than the header");
  auto sections = Payload(bytes).sections();
  if (!sections)
    return sections.takeError();
  std::vector<SectionPlace> places;
  for (const SectionData &data : *sections)
    places.push_back({sectionName(data.id), data.offset, data.bytes.size()});
  return places;
}

llvm::Error fetta::resign(llvm::MutableArrayRef<uint8_t> bytes) {
  if (bytes.size() < HeaderBytes)
    return refuseFile(LoadCode::TooShort, "shorter than the header");
  Payload payload(bytes);
  auto sections = payload.sections();
  if (sections)
    for (const SectionData &data : *sections)
      if (auto offset = payload.checksumOffset(data.id))
        endian::write32le(&bytes[*offset], llvm::crc32(data.bytes));
  endian::write64le(&bytes[SizeAt], bytes.size());
  endian::write32le(&bytes[ChecksumAt], fileChecksum(bytes));
  return sections ? llvm::Error::success() : sections.takeError();
}
