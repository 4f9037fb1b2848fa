//===- InstructionSet.cpp - The tables of the instruction set -------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Program/InstructionCoding.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"

using namespace fetta;
using namespace fetta::isa;
using llvm::StringRef;

static constexpr OpcodeInfo OpcodeTable[] = {
#define FETTA_OPCODE(name, number, mnemonic, meaning)                          \
  {Opcode::name, mnemonic, meaning},
#include "fetta/Program/InstructionSet.def"
};
static constexpr RecordInfo RecordTable[] = {
#define FETTA_RECORD(name, bits, meaning) {#name, bits, meaning},
#include "fetta/Program/InstructionSet.def"
};

static constexpr bool recordsAreFull() {
  unsigned record = 0;
  for (const RecordInfo &r : RecordTable) {
    unsigned bits = 0;
    for (const FieldInfo &f : FieldTable)
      if (unsigned(f.record) == record)
        bits += f.width;
    if (bits != r.bits)
      return false;
    ++record;
  }
  return true;
}
static_assert(recordsAreFull(), "the fields of a record add up to its bits");

llvm::ArrayRef<OpcodeInfo> isa::opcodes() { return OpcodeTable; }
llvm::ArrayRef<RecordInfo> isa::records() { return RecordTable; }
llvm::ArrayRef<FieldInfo> isa::fields() { return FieldTable; }

StringRef FieldInfo::valueName(uint64_t value) const {
  StringRef rest = values;
  for (; value && !rest.empty(); --value)
    rest = rest.split('|').second;
  return rest.split('|').first;
}

void isa::printInstructionSet(llvm::raw_ostream &os) {
  os << "| opcode | instruction | meaning |\n|---|---|---|\n";
  for (const OpcodeInfo &op : OpcodeTable)
    os << llvm::formatv("| {0} | `{1}` | {2} |\n", unsigned(op.opcode),
                        op.mnemonic, op.meaning);
  for (auto [i, record] : llvm::enumerate(RecordTable)) {
    os << llvm::formatv("\n**{0}**, {1} bits. {2}\n\n", record.name,
                        record.bits, record.meaning);
    os << "| bits | field | meaning |\n|---|---|---|\n";
    unsigned bit = 0;
    for (const FieldInfo &field : FieldTable) {
      if (unsigned(field.record) != i)
        continue;
      unsigned last = bit + field.width - 1;
      os << "| " << bit;
      if (last != bit)
        os << '-' << last;
      os << " | " << (field.isReserved() ? "reserved" : field.name) << " | "
         << field.meaning;
      if (*field.values)
        for (uint64_t v = 0; v <= field.maxValue; ++v)
          os << (v ? ", " : ": ") << v << ' ' << field.valueName(v);
      os << " |\n";
      bit = last + 1;
    }
  }
}

void isa::printLoadCodes(llvm::raw_ostream &os) {
  os << "| code | stage | meaning |\n|---|---|---|\n";
#define FETTA_LOAD_CODE(stage, name, number, meaning)                          \
  os << "| " #number " | " << llvm::StringRef(#stage).lower()                  \
     << " | " meaning " |\n";
#include "fetta/Program/LoadCodes.def"
}
