//===- Encode.cpp - Writes the container of a program ---------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ContainerFormat.h"

#include "fetta/Program/InstructionCoding.h"
#include "fetta/Support/Error.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/CRC.h"
#include "llvm/Support/Endian.h"

using namespace fetta;
using namespace fetta::container;
using flatbuffers::FlatBufferBuilder;
using flatbuffers::Offset;
using Bytes = std::vector<uint8_t>;

/// FlatBuffers' offsets are signed 32-bit numbers.
static constexpr uint64_t MaxFile = uint64_t(1) << 30;

static Bytes take(FlatBufferBuilder &builder) {
  return Bytes(builder.GetBufferPointer(),
               builder.GetBufferPointer() + builder.GetSize());
}

static Bytes machineSection(const Machine &machine) {
  FlatBufferBuilder builder;
  auto json = builder.CreateString(machine.canonicalJson());
  builder.Finish(CreateMachineSection(builder, json, machine.fingerprint()));
  return take(builder);
}

static Bytes tensorSection(const Program &program) {
  FlatBufferBuilder builder;
  std::vector<Offset<Tensor>> tensors;
  for (const TensorEntry &t : program.tensors) {
    std::vector<Dim> dims;
    for (const DimLayout &d : t.layout.dims)
      dims.emplace_back(d.size, d.rowStride, d.lowBits);
    std::vector<Bank> banks;
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
  return take(builder);
}

static Bytes regionSection(const Program &program) {
  FlatBufferBuilder builder;
  std::vector<Offset<Region>> regions;
  for (const DramRegion &r : program.regions) {
    auto name = builder.CreateString(r.name);
    auto shape = builder.CreateVector(r.shape.data(), r.shape.size());
    regions.push_back(CreateRegion(builder, name, shape, uint8_t(r.elementType),
                                   uint8_t(r.role), r.byteAddress));
  }
  builder.Finish(CreateRegionSection(builder, builder.CreateVector(regions)));
  return take(builder);
}

static Bytes routeSection(const Program &program) {
  FlatBufferBuilder builder;
  std::vector<Offset<container::Route>> routes;
  for (const fetta::Route &r : program.routes) {
    auto codes = builder.CreateVector(packCodes(r));
    auto masks = builder.CreateVector(r.masks.data(), r.masks.size());
    routes.push_back(CreateRoute(builder, uint8_t(r.wiring.topology),
                                 uint8_t(r.wiring.kind), uint8_t(r.wiring.bits),
                                 codes, masks));
  }
  builder.Finish(CreateRouteSection(builder, builder.CreateVector(routes)));
  return take(builder);
}

static Bytes opSection(const Program &program) {
  FlatBufferBuilder builder;
  std::vector<Offset<Op>> ops;
  for (const OpEntry &op : program.ops) {
    auto name = builder.CreateString(op.name);
    auto einsum = builder.CreateString(op.einsum);
    auto location = builder.CreateString(op.location);
    ops.push_back(CreateOp(builder, name, einsum, location, uint8_t(op.phase)));
  }
  builder.Finish(CreateOpSection(builder, builder.CreateVector(ops)));
  return take(builder);
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
  llvm::Expected<Bytes> code = isa::encodeCode(program.code);
  if (!code)
    return code.takeError();
  const Bytes sections[SectionCount] = {
      machineSection(program.machine),
      tensorSection(program),
      routeSection(program),
      opSection(program),
      std::move(*code),
      Bytes(program.producer.begin(), program.producer.end()),
      regionSection(program)};
  uint64_t total = 0;
  for (const Bytes &bytes : sections)
    total += bytes.size();
  if (total > MaxFile)
    return makeError("the program takes {0} bytes; the format holds {1}", total,
                     MaxFile);

  // All of it at once: growing would copy it again and again.
  FlatBufferBuilder builder(size_t(total) + 1024);
  Offset<Section> offsets[SectionCount];
  for (unsigned id = 0; id < SectionCount; ++id)
    offsets[id] =
        CreateSectionDirect(builder, llvm::crc32(sections[id]), &sections[id]);
  builder.Finish(CreateContainer(builder, offsets[MachineId],
                                 offsets[TensorsId], offsets[RoutesId],
                                 offsets[OpsId], offsets[CodeId],
                                 offsets[ProducerId], offsets[RegionsId]));

  Bytes file(HeaderBytes + builder.GetSize());
  llvm::copy(Magic, file.begin() + MagicAt);
  using namespace llvm::support;
  endian::write16le(&file[FormatMajorAt], FormatMajor);
  endian::write16le(&file[FormatMinorAt], FormatMinor);
  endian::write16le(&file[IsaMajorAt], IsaMajor);
  endian::write16le(&file[IsaMinorAt], IsaMinor);
  endian::write64le(&file[SizeAt], file.size());
  std::copy(builder.GetBufferPointer(),
            builder.GetBufferPointer() + builder.GetSize(),
            file.begin() + HeaderBytes);
  endian::write32le(&file[ChecksumAt], fileChecksum(file));
  return file;
}
