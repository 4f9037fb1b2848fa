//===- LoaderTest.cpp - Damaged binaries ----------------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "NestProgram.h"
#include "RandomProgram.h"
#include "RandomQueuedProgram.h"

#include "fetta/Program/Container.h"
#include "fetta/Program/InstructionCoding.h"

#include "llvm/Support/CRC.h"
#include "llvm/Support/Endian.h"

#include "gtest/gtest.h"

#include <optional>

using namespace fetta;
using Bytes = std::vector<uint8_t>;

namespace {

struct Refusal {
  LoadError::Stage stage;
  unsigned code;
  std::string section;
  uint64_t offset;
  std::string message;
};

template <typename T> std::optional<Refusal> refusal(llvm::Expected<T> result) {
  std::optional<Refusal> refusal;
  llvm::handleAllErrors(result.takeError(), [&](const LoadError &e) {
    refusal = {e.stage, e.code, e.section, e.offset, e.message};
  });
  return refusal;
}

Bytes tinyBytes() { return llvm::cantFail(encodeProgram(test::tinyProgram())); }
Bytes tinyDmaBytes() {
  return llvm::cantFail(encodeProgram(test::tinyDmaProgram()));
}
Bytes tinyRepeatBytes() {
  return llvm::cantFail(encodeProgram(test::tinyRepeatProgram()));
}

/// What is true of a damaged binary is true with and without transfers and
/// repeats.
class Damage : public ::testing::TestWithParam<Bytes (*)()> {};
INSTANTIATE_TEST_SUITE_P(Loader, Damage,
                         ::testing::Values(tinyBytes, tinyDmaBytes,
                                           tinyRepeatBytes));

void setField(Bytes &file, const SectionPlace &code,
              const isa::FieldPlace &place, uint64_t value) {
  for (unsigned i = 0; i < isa::info(place.field).width; ++i) {
    uint64_t bit = code.offset * 8 + place.bit + i;
    file[bit / 8] &= uint8_t(~(1 << bit % 8));
    file[bit / 8] |= uint8_t((value >> i & 1) << bit % 8);
  }
}

TEST_P(Damage, NoneAndItLoads) {
  auto r = refusal(decodeProgram(GetParam()()));
  ASSERT_FALSE(r) << r->code << " " << r->message;
}

TEST_P(Damage, TruncationAtEveryByte) {
  Bytes bytes = GetParam()();
  for (size_t size = 0; size < bytes.size(); ++size) {
    // A heap copy of exactly this size, so that ASan sees every byte too many.
    Bytes cut(bytes.begin(), bytes.begin() + size);
    auto r = refusal(decodeProgram(cut));
    ASSERT_TRUE(r) << size;
    EXPECT_EQ(r->code, unsigned(size < HeaderBytes ? LoadCode::TooShort
                                                   : LoadCode::FileSize));
    // With the header made right it is the container that ends early.
    if (size >= HeaderBytes) {
      llvm::consumeError(resign(cut));
      EXPECT_TRUE(refusal(decodeProgram(cut))) << size;
    }
  }
}

TEST_P(Damage, EverySingleBitFlip) {
  Bytes bytes = GetParam()();
  auto places = llvm::cantFail(sectionsOf(bytes));
  for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    bytes[bit / 8] ^= uint8_t(1 << bit % 8);
    auto r = refusal(decodeProgram(bytes));
    bytes[bit / 8] ^= uint8_t(1 << bit % 8);
    ASSERT_TRUE(r) << bit;
    size_t byte = bit / 8;
    LoadCode expected = byte < 8    ? LoadCode::Magic
                        : byte < 16 ? LoadCode::Version
                        : byte < 24 ? LoadCode::FileSize
                                    : LoadCode::FileChecksum;
    EXPECT_EQ(r->code, unsigned(expected)) << bit;
    // Inside a section the refusal says which one and where it lies.
    for (const SectionPlace &place : places)
      if (byte >= place.offset && byte < place.offset + place.size) {
        EXPECT_EQ(r->section, place.name) << bit;
        EXPECT_EQ(r->offset, place.offset) << bit;
      }
  }
}

TEST_P(Damage, EverySingleBitFlipResigned) {
  Bytes bytes = GetParam()();
  unsigned accepted = 0, refused = 0;
  for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    Bytes changed = bytes;
    changed[bit / 8] ^= uint8_t(1 << bit % 8);
    llvm::consumeError(resign(changed));
    auto program = decodeProgram(changed);
    if (!program) {
      EXPECT_TRUE(refusal(std::move(program)));
      ++refused;
      continue;
    }
    ++accepted;
    EXPECT_FALSE(bool(verifyProgram(*program)));
    // What was accepted can be written again and means the same.
    auto again = decodeProgram(llvm::cantFail(encodeProgram(*program)));
    EXPECT_TRUE(bool(again));
    llvm::consumeError(again.takeError());
  }
  RecordProperty("accepted", int(accepted));
  RecordProperty("refused", int(refused));
  EXPECT_GT(refused, accepted);
}

TEST(Loader, RandomFieldEditsResigned) {
  const unsigned seed = 4;
  SCOPED_TRACE(seed);
  std::mt19937 rng(seed);
  for (unsigned round = 0; round < 60; ++round) {
    Machine machine = test::smallMachine();
    test::RandomNestOptions options;
    options.seed = round;
    options.missingBits = round % 3;
    options.splitReduction = round % 4 == 0;
    test::QueuedProgramOptions queued;
    queued.seed = round;
    queued.jobs = 2;
    Bytes bytes = llvm::cantFail(encodeProgram(
        round % 5 == 4 ? test::tinyRepeatProgram()
        : round % 3 == 2
            ? test::randomQueuedProgram(test::smallMachine(2, 1, 1), queued)
                  .program
            : test::routedProgram(test::randomContraction(machine, options),
                                  machine)));
    auto places = llvm::cantFail(sectionsOf(bytes));
    const SectionPlace &code = places[4];
    ASSERT_EQ(code.name, "code");
    std::vector<isa::FieldPlace> fields;
    llvm::cantFail(isa::decodeCode(
        llvm::ArrayRef<uint8_t>(bytes).slice(code.offset, code.size), &fields));
    for (unsigned edit = 0; edit < 60; ++edit) {
      Bytes changed = bytes;
      if (edit % 3 == 0) { // Any bytes of the container.
        for (unsigned n = 1 + rng() % 4; n; --n)
          changed[HeaderBytes + rng() % (changed.size() - HeaderBytes)] =
              uint8_t(rng());
      } else { // Fields of instructions: small and extreme values.
        for (unsigned n = 1 + rng() % 2; n; --n) {
          const isa::FieldPlace &place = fields[rng() % fields.size()];
          unsigned width = isa::info(place.field).width;
          uint64_t value = rng() % 3 == 0   ? ~uint64_t(0) << rng() % width
                           : rng() % 2 == 0 ? rng() % 9
                                            : uint64_t(rng()) << 32 | rng();
          setField(changed, code, place, value);
        }
      }
      llvm::consumeError(resign(changed));
      auto program = decodeProgram(changed);
      if (program)
        EXPECT_FALSE(bool(verifyProgram(*program)));
      else
        EXPECT_TRUE(refusal(std::move(program)));
    }
  }
}

TEST(Loader, RandomCodeIsNeverAccepted) {
  const unsigned seed = 5;
  SCOPED_TRACE(seed);
  std::mt19937 rng(seed);
  for (unsigned i = 0; i < 200; ++i) {
    Program program = test::randomProgram(rng, test::smallMachine());
    if (program.code.empty())
      program.code.push_back(LoadRoute());
    EXPECT_TRUE(refusal(decodeProgram(llvm::cantFail(encodeProgram(program)))));
  }
}

//===----------------------------------------------------------------------===//
// One code each
//===----------------------------------------------------------------------===//

/// Sets a field of the first instruction that has it and signs again.
Refusal withField(isa::Field field, uint64_t value, Bytes bytes = tinyBytes()) {
  SectionPlace code = llvm::cantFail(sectionsOf(bytes))[4];
  std::vector<isa::FieldPlace> fields;
  llvm::cantFail(isa::decodeCode(
      llvm::ArrayRef<uint8_t>(bytes).slice(code.offset, code.size), &fields));
  for (const isa::FieldPlace &place : fields)
    if (place.field == field) {
      setField(bytes, code, place, value);
      break;
    }
  llvm::cantFail(resign(bytes));
  auto r = refusal(decodeProgram(bytes));
  EXPECT_TRUE(r && r->offset == code.offset);
  return r.value_or(Refusal{});
}

TEST(Decode, Codes) {
  using isa::Field;
  auto code = [](Field field, uint64_t value) {
    return withField(field, value).code;
  };
  EXPECT_EQ(code(Field::Head_length, 100), unsigned(LoadCode::CodeSize));
  EXPECT_EQ(code(Field::Head_opcode, 0), unsigned(LoadCode::Opcode));
  EXPECT_EQ(code(Field::Head_opcode, 99), unsigned(LoadCode::Opcode));
  EXPECT_EQ(code(Field::Head_length, 0), unsigned(LoadCode::Length));
  EXPECT_EQ(code(Field::Head_length, 2), unsigned(LoadCode::Length));
  EXPECT_EQ(code(Field::Head_reserved0, 1), unsigned(LoadCode::Reserved));
  EXPECT_EQ(code(Field::Loop_reserved1, 7), unsigned(LoadCode::Reserved));
  EXPECT_EQ(code(Field::Lane_mode, 1), unsigned(LoadCode::Reserved));
  EXPECT_EQ(code(Field::LoadRoute_net, 3), unsigned(LoadCode::FieldValue));
  EXPECT_EQ(code(Field::Contract_dataflow, 3), unsigned(LoadCode::FieldValue));
  EXPECT_EQ(code(Field::Contract_modes, 33), unsigned(LoadCode::FieldValue));
  EXPECT_EQ(code(Field::Operand_modes, 8), unsigned(LoadCode::FieldValue));
  EXPECT_EQ(code(Field::Head_queue, 1), unsigned(LoadCode::Queue));
  EXPECT_EQ(code(Field::Head_queue, 5), unsigned(LoadCode::Queue));
  // A semaphore without a count; a token of a load-route.
  EXPECT_EQ(code(Field::Head_wait0, 1), unsigned(LoadCode::Semaphore));
  EXPECT_EQ(code(Field::Head_signal1Count, 1), unsigned(LoadCode::Semaphore));
  // The loader does not stop at decoding.
  EXPECT_EQ(code(Field::LoadRoute_slot, 2), unsigned(LoadCode::Reference));
  EXPECT_EQ(code(Field::Loop_count, 2), unsigned(LoadCode::NestRule));
}

TEST(Decode, CodesOfRepeats) {
  using isa::Field;
  auto code = [](Field field, uint64_t value) {
    return withField(field, value, tinyRepeatBytes()).code;
  };
  EXPECT_EQ(code(Field::Repeat_length, 0), unsigned(LoadCode::RepeatShape));
  EXPECT_EQ(code(Field::Repeat_length, 6), unsigned(LoadCode::RepeatShape));
  EXPECT_EQ(code(Field::Repeat_length, ~0u), unsigned(LoadCode::RepeatShape));
  EXPECT_EQ(code(Field::Repeat_count, 1), unsigned(LoadCode::RepeatShape));
  EXPECT_EQ(code(Field::Repeat_count, ~0u), unsigned(LoadCode::RepeatLimit));
  EXPECT_EQ(code(Field::Dma_advance, ~uint64_t(0)),
            unsigned(LoadCode::RepeatAdvance));
  // One slice too many, slices too far apart.
  EXPECT_EQ(code(Field::Repeat_count, 3), unsigned(LoadCode::DmaRange));
  EXPECT_EQ(code(Field::Dma_advance, 7), unsigned(LoadCode::DmaRange));
}

// A repeat is in queue 0 and has no tokens.
TEST(Decode, HeadOfARepeat) {
  auto code = llvm::cantFail(isa::encodeCode({Repeat{1, 2}}));
  auto codeWith = [&](unsigned byte, uint8_t value) {
    Bytes changed = code;
    changed[byte] = value;
    auto r = refusal(isa::decodeCode(changed));
    return r ? r->code : 0;
  };
  EXPECT_EQ(codeWith(0, 7), 0u);
  EXPECT_EQ(codeWith(2, 1 << 4), unsigned(LoadCode::Queue));
  EXPECT_EQ(codeWith(4, 0x21), unsigned(LoadCode::Semaphore));
  EXPECT_EQ(codeWith(1, 2), unsigned(LoadCode::CodeSize));
}

TEST(Loader, Machines) {
  Program program = test::tinyProgram();
  Bytes bytes = tinyBytes();
  EXPECT_FALSE(refusal(decodeProgram(bytes, &program.machine)));
  Machine other = program.machine;
  other.name = "renamed";
  EXPECT_FALSE(refusal(decodeProgram(bytes, &other)));
  other.routeSlots = 3;
  auto r = refusal(decodeProgram(bytes, &other));
  ASSERT_TRUE(r);
  EXPECT_EQ(r->code, unsigned(LoadCode::OtherMachine));
  EXPECT_EQ(r->section, "machine");

  // A description that does not belong to the fingerprint.
  std::string text(bytes.begin(), bytes.end());
  size_t at = text.find("\"tiny\"");
  ASSERT_NE(at, std::string::npos);
  Bytes changed = bytes;
  changed[at] = '\'';
  llvm::cantFail(resign(changed));
  EXPECT_EQ(refusal(decodeProgram(changed))->code,
            unsigned(LoadCode::MachineText));
  at = text.find("16", text.find("rows"));
  ASSERT_NE(at, std::string::npos);
  changed = bytes;
  changed[at + 1] = '7';
  llvm::cantFail(resign(changed));
  EXPECT_EQ(refusal(decodeProgram(changed))->code,
            unsigned(LoadCode::Fingerprint));
}

// Section checksums are looked at even if that of the file is right.
TEST(Loader, SectionChecksum) {
  Bytes bytes = tinyBytes();
  for (const SectionPlace &place : llvm::cantFail(sectionsOf(bytes))) {
    if (place.size == 0)
      continue;
    Bytes changed = bytes;
    changed[place.offset + place.size / 2] ^= 1;
    // Bytes 24 to 27 hold the checksum over the file with zeros there.
    std::fill(changed.begin() + 24, changed.begin() + 28, 0);
    llvm::support::endian::write32le(&changed[24], llvm::crc32(changed));
    auto r = refusal(decodeProgram(changed));
    ASSERT_TRUE(r);
    EXPECT_EQ(r->code, unsigned(LoadCode::SectionChecksum));
    EXPECT_EQ(r->section, place.name);
    EXPECT_EQ(r->offset, place.offset);
  }
}

} // namespace
