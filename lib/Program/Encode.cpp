//===- Encode.cpp - Writes the container of a program ---------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ContainerFormat.h"

#include "fetta/Program/InstructionCoding.h"
#include "fetta/Support/Error.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/CRC.h"
#include "llvm/Support/Endian.h"

using namespace fetta;
using namespace fetta::container;
using flatbuffers::FlatBufferBuilder;
using flatbuffers::Offset;
using Bytes = std::vector<uint8_t>;

/// FlatBuffers' offsets are signed 32-bit numbers.
static constexpr uint64_t MaxFile = uint64_t(1) << 30;

/// What is built is large: room that is never touched costs nothing, and
/// growing copies.
static constexpr size_t RoomForTables = size_t(1) << 20;

static void buildMachine(FlatBufferBuilder &builder, const Machine &machine) {
  auto json = builder.CreateString(machine.canonicalJson());
  builder.Finish(CreateMachineSection(builder, json, machine.fingerprint()));
}

static void buildTensors(FlatBufferBuilder &builder, const Program &program) {
  std::vector<Offset<Tensor>> tensors;
  tensors.reserve(program.tensors.size());
  std::vector<Dim> dims;
  std::vector<Bank> banks;
  for (const TensorEntry &t : program.tensors) {
    dims.clear();
    for (const DimLayout &d : t.layout.dims)
      dims.emplace_back(d.size, d.rowStride, d.lowBits);
    banks.clear();
    for (const BankBit &b : t.layout.banks)
      banks.push_back(
          b.source ? Bank(2, uint16_t(b.source->mode), uint16_t(b.source->bit))
                   : Bank(b.constant, 0, 0));
    auto name = builder.CreateString(t.name);
    auto shape = builder.CreateVector(t.shape.data(), t.shape.size());
    auto dimVector = builder.CreateVectorOfStructs(dims);
    auto bankVector = builder.CreateVectorOfStructs(banks);
    tensors.push_back(CreateTensor(builder, name, shape, uint8_t(t.elementType),
                                   uint8_t(t.role), dimVector, bankVector,
                                   t.slab, t.baseRow));
  }
  builder.Finish(CreateTensorSection(builder, builder.CreateVector(tensors)));
}

static void buildRegions(FlatBufferBuilder &builder, const Program &program) {
  std::vector<Offset<Region>> regions;
  for (const DramRegion &r : program.regions) {
    auto name = builder.CreateString(r.name);
    auto shape = builder.CreateVector(r.shape.data(), r.shape.size());
    regions.push_back(CreateRegion(builder, name, shape, uint8_t(r.elementType),
                                   uint8_t(r.role), r.byteAddress));
  }
  builder.Finish(CreateRegionSection(builder, builder.CreateVector(regions)));
}

static void buildRoutes(FlatBufferBuilder &builder, const Program &program) {
  std::vector<Offset<container::Route>> routes;
  for (const fetta::Route &r : program.routes) {
    auto codes = builder.CreateVector(packCodes(r));
    auto masks = builder.CreateVector(r.masks.data(), r.masks.size());
    routes.push_back(CreateRoute(builder, uint8_t(r.wiring.topology),
                                 uint8_t(r.wiring.kind), uint8_t(r.wiring.bits),
                                 codes, masks));
  }
  builder.Finish(CreateRouteSection(builder, builder.CreateVector(routes)));
}

static void buildOps(FlatBufferBuilder &builder, const Program &program) {
  std::vector<Offset<Op>> ops;
  ops.reserve(program.ops.size());
  for (const OpEntry &op : program.ops) {
    auto name = builder.CreateString(op.name);
    auto einsum = builder.CreateString(op.einsum);
    auto location = builder.CreateString(op.location);
    ops.push_back(CreateOp(builder, name, einsum, location, uint8_t(op.phase)));
  }
  builder.Finish(CreateOpSection(builder, builder.CreateVector(ops)));
}

/// What the format cannot hold, although the data structures can.
static llvm::Error checkTables(const Program &program) {
  for (const TensorEntry &t : program.tensors)
    for (const BankBit &b : t.layout.banks)
      if (b.source && (b.source->mode > 0xffff || b.source->bit > 0xffff))
        return makeError("tensor '{0}': a bank bit names bit {1} of dimension "
                         "{2}; at most 65535 can be encoded",
                         t.name, b.source->bit, b.source->mode);
  for (auto [i, r] : llvm::enumerate(program.routes))
    if (r.wiring.bits == 0 || r.wiring.bits > 12 ||
        r.codes.size() != size_t(r.wiring.stages()) * r.wiring.switches())
      return makeError("route {0}: {1} switch codes for {2} lane bits", i,
                       r.codes.size(), r.wiring.bits);
  return llvm::Error::success();
}

llvm::Expected<Bytes> fetta::encodeProgram(const Program &program) {
  if (llvm::Error error = checkTables(program))
    return error;
  llvm::Expected<std::vector<uint64_t>> code = encodeWords(program.code);
  if (!code)
    return code.takeError();
  FlatBufferBuilder machine, tensors(RoomForTables), routes, ops(RoomForTables),
      regions;
  buildMachine(machine, program.machine);
  buildTensors(tensors, program);
  buildRoutes(routes, program);
  buildOps(ops, program);
  buildRegions(regions, program);
  auto bytesOf = [](const FlatBufferBuilder &builder) {
    return llvm::ArrayRef(builder.GetBufferPointer(), builder.GetSize());
  };
  const llvm::ArrayRef<uint8_t> wordBytes(
      reinterpret_cast<const uint8_t *>(code->data()), code->size() * 8);
  auto text = llvm::arrayRefFromStringRef(program.producer);
  const llvm::ArrayRef<uint8_t> sections[SectionCount] = {
      bytesOf(machine), bytesOf(tensors), bytesOf(routes),
      bytesOf(ops),     wordBytes,        text,
      bytesOf(regions)};
  uint64_t total = 0;
  for (llvm::ArrayRef<uint8_t> bytes : sections)
    total += bytes.size();
  if (total > MaxFile)
    return makeError("the program takes {0} bytes; the format holds {1}", total,
                     MaxFile);

  // All of it at once: growing would copy it again and again.
  FlatBufferBuilder builder(size_t(total) + 1024);
  Offset<Section> offsets[SectionCount];
  for (unsigned id = 0; id < SectionCount; ++id) {
    llvm::ArrayRef<uint8_t> bytes = sections[id];
    // As the schema says.
    builder.ForceVectorAlignment(bytes.size(), sizeof(uint8_t), 16);
    auto data = builder.CreateVector(bytes.data(), bytes.size());
    offsets[id] = CreateSection(builder, llvm::crc32(bytes), data);
  }
  builder.Finish(CreateContainer(builder, offsets[MachineId],
                                 offsets[TensorsId], offsets[RoutesId],
                                 offsets[OpsId], offsets[CodeId],
                                 offsets[ProducerId], offsets[RegionsId]));

  Bytes file;
  file.reserve(HeaderBytes + builder.GetSize());
  file.resize(HeaderBytes);
  file.insert(file.end(), builder.GetBufferPointer(),
              builder.GetBufferPointer() + builder.GetSize());
  llvm::copy(Magic, file.begin() + MagicAt);
  using namespace llvm::support;
  endian::write16le(&file[FormatMajorAt], FormatMajor);
  endian::write16le(&file[FormatMinorAt], FormatMinor);
  endian::write16le(&file[IsaMajorAt], IsaMajor);
  endian::write16le(&file[IsaMinorAt], IsaMinor);
  endian::write64le(&file[SizeAt], file.size());
  endian::write32le(&file[ChecksumAt], fileChecksum(file));
  return file;
}
