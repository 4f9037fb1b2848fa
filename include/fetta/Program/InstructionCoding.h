//===- InstructionCoding.h - Walks the fields of instructions ---*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Binds the fields of InstructionSet.def to the instructions of Program.h,
/// once for all directions: a coder visits the fields in the order of their
/// bits and takes or gives values. The encoder, the decoder, the disassembler
/// and the tests' generator of random programs are coders.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_PROGRAM_INSTRUCTIONCODING_H
#define FETTA_PROGRAM_INSTRUCTIONCODING_H

#include "fetta/Program/Program.h"

#include "llvm/ADT/StringRef.h"

namespace fetta::isa {

/// An instruction is a whole number of units.
inline constexpr unsigned UnitBytes = 16;
inline constexpr unsigned MaxModes = 32;

enum class Opcode : uint8_t {
#define FETTA_OPCODE(name, number, mnemonic, meaning) name = (number),
#include "fetta/Program/InstructionSet.def"
};

enum class Record : uint8_t {
#define FETTA_RECORD(name, bits, meaning) name,
#include "fetta/Program/InstructionSet.def"
};

enum class Field : uint8_t {
#define FETTA_FIELD(record, name, width, values, meaning) record##_##name,
#include "fetta/Program/InstructionSet.def"
};

struct OpcodeInfo {
  Opcode opcode;
  const char *mnemonic;
  const char *meaning;
};
struct RecordInfo {
  const char *name;
  unsigned bits;
  const char *meaning;
};
struct FieldInfo {
  Record record;
  const char *name;
  unsigned width;
  const char *values;
  const char *meaning;
  uint64_t maxValue; ///< The largest legal one.

  bool isReserved() const {
    return llvm::StringRef(name).starts_with("reserved");
  }
  /// Name of a value, empty where values have none.
  llvm::StringRef valueName(uint64_t value) const;
};
constexpr uint64_t maxValueOf(unsigned width, const char *values) {
  if (!*values)
    return ~uint64_t(0) >> (64 - width);
  uint64_t last = 0;
  for (const char *c = values; *c; ++c)
    last += *c == '|';
  return last;
}

/// By Field. Coders know fields when they are compiled.
inline constexpr FieldInfo FieldTable[] = {
#define FETTA_FIELD(record, name, width, values, meaning)                      \
  {Record::record, #name, width, values, meaning, maxValueOf(width, values)},
#include "fetta/Program/InstructionSet.def"
};

llvm::ArrayRef<OpcodeInfo> opcodes();
llvm::ArrayRef<RecordInfo> records();
llvm::ArrayRef<FieldInfo> fields();
constexpr const FieldInfo &info(Field field) {
  return FieldTable[unsigned(field)];
}
inline const RecordInfo &info(Record record) {
  return records()[unsigned(record)];
}

/// The first half of every instruction.
struct Head {
  unsigned opcode = 0;
  unsigned length = 0;
  unsigned queue = 0;
  Tokens tokens;
};

/// Base of all coders. Derived has
///   static constexpr bool reads            whether values come from the coder
///   uint64_t code(Field, uint64_t value)   takes a value or gives one
///   void begin(Record)                     a record starts
///   void align()                           to the next unit
///   void refuse(LoadCode, message)         the instruction is illegal
template <typename Derived> class Coder {
public:
  /// Visits a field. Where a reader finds no meaning it gives 0.
  template <typename T> void field(Field f, T &value) {
    uint64_t raw = self().code(f, uint64_t(value));
    if (Derived::reads)
      value = static_cast<T>(raw);
  }
  void reserved(Field f) {
    if (self().code(f, 0) != 0)
      self().refuse(LoadCode::Reserved, "a reserved bit is set");
  }
  /// An index bit behind a flag; without it, mode and bit are zero.
  void optionalBit(Field flag, Field mode, Field bit,
                   std::optional<ModeBit> &value) {
    bool present = value.has_value();
    ModeBit v = value.value_or(ModeBit());
    field(flag, present);
    field(mode, v.mode);
    field(bit, v.bit);
    if (!Derived::reads)
      return;
    if (!present && v != ModeBit())
      self().refuse(LoadCode::Reserved, "bits of an unused entry are set");
    value = present ? std::optional<ModeBit>(v) : std::nullopt;
  }
  /// A list whose length a field of an earlier record gives.
  template <typename List> void resize(List &list, uint64_t count) {
    if (Derived::reads)
      list.resize(count);
  }

private:
  Derived &self() { return static_cast<Derived &>(*this); }
};

template <typename C> void codeHead(C &c, Head &head) {
  c.begin(Record::Head);
  c.field(Field::Head_opcode, head.opcode);
  c.field(Field::Head_length, head.length);
  c.field(Field::Head_queue, head.queue);
  c.reserved(Field::Head_reserved0);
  auto token = [&](Field semaphore, Field count, Token &value) {
    c.field(semaphore, value.semaphore);
    c.field(count, value.count);
    if (value.semaphore && !value.count)
      c.refuse(LoadCode::Semaphore, "a token names a semaphore, but no count");
  };
  token(Field::Head_wait0, Field::Head_wait0Count, head.tokens.waits[0]);
  token(Field::Head_wait1, Field::Head_wait1Count, head.tokens.waits[1]);
  token(Field::Head_signal0, Field::Head_signal0Count, head.tokens.signals[0]);
  token(Field::Head_signal1, Field::Head_signal1Count, head.tokens.signals[1]);
}

template <typename C> void codeBody(C &c, LoadRoute &load) {
  c.begin(Record::LoadRoute);
  c.field(Field::LoadRoute_net, load.net);
  c.reserved(Field::LoadRoute_reserved0);
  c.field(Field::LoadRoute_slot, load.slot);
  c.field(Field::LoadRoute_route, load.route);
}

template <typename C> void codeBody(C &c, Halt &) {
  c.begin(Record::Halt);
  c.reserved(Field::Halt_reserved0);
}

template <typename C> void codeBody(C &c, Repeat &repeat) {
  c.begin(Record::Repeat);
  c.field(Field::Repeat_length, repeat.length);
  c.field(Field::Repeat_count, repeat.count);
}

template <typename C> void codeBody(C &c, Sync &) {
  c.begin(Record::Sync);
  c.reserved(Field::Sync_reserved0);
}

template <typename C> void codeBody(C &c, Dma &dma) {
  c.begin(Record::Dma);
  uint64_t dims = dma.strides.size(), blocks = dma.blocks.size();
  c.field(Field::Dma_region, dma.region);
  c.field(Field::Dma_tensor, dma.tensor);
  c.field(Field::Dma_offset, dma.offset);
  c.field(Field::Dma_advance, dma.advance);
  c.field(Field::Dma_dims, dims);
  c.field(Field::Dma_blocks, blocks);
  c.reserved(Field::Dma_reserved0);
  if (dims > MaxModes || blocks > MaxModes) {
    c.refuse(LoadCode::FieldValue, "a transfer has at most 32 dimensions");
    return;
  }
  c.resize(dma.strides, dims);
  for (int64_t &stride : dma.strides) {
    c.begin(Record::Stride);
    c.field(Field::Stride_stride, stride);
  }
  c.resize(dma.blocks, blocks);
  for (int64_t &block : dma.blocks) {
    c.begin(Record::Block);
    c.field(Field::Block_size, block);
  }
  c.align();
}

template <typename C>
void codeOperand(C &c, Operand &operand, unsigned modeCount) {
  c.begin(Record::Operand);
  uint64_t banks = operand.banks.size(), mask = 0;
  for (unsigned m = 0; m < operand.modes.size(); ++m)
    mask |= uint64_t(operand.modes[m].has_value()) << m;
  c.field(Field::Operand_type, operand.elementType);
  c.field(Field::Operand_banks, banks);
  c.reserved(Field::Operand_reserved0);
  c.field(Field::Operand_slab, operand.slab);
  c.field(Field::Operand_serialLanes, operand.serialLanes);
  c.field(Field::Operand_baseRow, operand.baseRow);
  c.field(Field::Operand_modes, mask);
  c.reserved(Field::Operand_reserved1);
  c.resize(operand.modes, modeCount);
  c.resize(operand.banks, banks);
  if (mask >> modeCount)
    c.refuse(LoadCode::FieldValue, "an operand holds a mode that the "
                                   "instruction does not have");
  for (unsigned m = 0; m < modeCount; ++m) {
    if (!(mask >> m & 1))
      continue;
    c.begin(Record::Dim);
    DimLayout dim = operand.modes[m].value_or(DimLayout());
    c.field(Field::Dim_size, dim.size);
    c.field(Field::Dim_rowStride, dim.rowStride);
    c.field(Field::Dim_lowBits, dim.lowBits);
    c.reserved(Field::Dim_reserved0);
    if (C::reads)
      operand.modes[m] = dim;
  }
  for (BankBit &bank : operand.banks) {
    c.begin(Record::Bank);
    c.optionalBit(Field::Bank_indexed, Field::Bank_mode, Field::Bank_bit,
                  bank.source);
    bool constant = !bank.source && bank.constant;
    c.field(Field::Bank_constant, constant);
    if (bank.source && constant)
      c.refuse(LoadCode::Reserved,
               "a bank bit has an index bit and a constant");
    if (C::reads)
      bank.constant = constant;
  }
  c.align();
}

template <typename C> void codeBody(C &c, Contract &contract) {
  Nest &nest = contract.nest;
  uint64_t modes = nest.sizes.size(), loops = nest.loops.size();
  c.begin(Record::Contract);
  c.field(Field::Contract_dataflow, nest.dataflow);
  c.field(Field::Contract_clear, nest.clearAtStart);
  c.field(Field::Contract_drain, nest.drainAtEnd);
  c.field(Field::Contract_modes, modes);
  c.field(Field::Contract_accumulate, nest.accumulate);
  c.reserved(Field::Contract_reserved0);
  c.field(Field::Contract_loops, loops);
  c.field(Field::Contract_scope, nest.scopeLevel);
  c.field(Field::Contract_op, contract.op);
  if (modes > MaxModes) {
    c.refuse(LoadCode::FieldValue, "an instruction holds at most 32 modes");
    return;
  }
  c.begin(Record::Resources);
  uint64_t ce = nest.lanes.ce.size(), row = nest.lanes.row.size(),
           column = nest.lanes.column.size();
  c.field(Field::Resources_ce, ce);
  c.field(Field::Resources_row, row);
  c.field(Field::Resources_column, column);
  c.reserved(Field::Resources_reserved0);
  c.field(Field::Resources_streamSlot, contract.slots[0]);
  c.field(Field::Resources_holdSlot, contract.slots[1]);
  c.field(Field::Resources_reduceSlot, contract.slots[2]);
  c.field(Field::Resources_accumulatorBase, nest.accumulatorBase);
  c.field(Field::Resources_sumsSlab, nest.sums.slab);
  c.field(Field::Resources_sumsRow, nest.sums.baseRow);
  c.field(Field::Resources_tensorA, contract.tensors[OperandA]);
  c.field(Field::Resources_tensorB, contract.tensors[OperandB]);
  c.field(Field::Resources_tensorC, contract.tensors[OperandC]);
  c.field(Field::Resources_tensorSums, contract.tensorSums);
  c.resize(nest.sizes, modes);
  c.resize(nest.accumulatorStrides, modes);
  for (unsigned m = 0; m < modes; ++m) {
    c.begin(Record::Mode);
    c.field(Field::Mode_size, nest.sizes[m]);
    c.field(Field::Mode_accumulatorStride, nest.accumulatorStrides[m]);
  }
  c.align();
  c.resize(nest.loops, loops);
  for (Loop &loop : nest.loops) {
    c.begin(Record::Loop);
    c.field(Field::Loop_mode, loop.mode);
    c.reserved(Field::Loop_reserved0);
    c.field(Field::Loop_count, loop.count);
    c.field(Field::Loop_weight, loop.weight);
    c.reserved(Field::Loop_reserved1);
  }
  c.resize(nest.lanes.ce, ce);
  c.resize(nest.lanes.row, row);
  c.resize(nest.lanes.column, column);
  auto lane = [&](std::optional<ModeBit> &bit) {
    c.begin(Record::Lane);
    c.optionalBit(Field::Lane_used, Field::Lane_mode, Field::Lane_bit, bit);
    c.reserved(Field::Lane_reserved0);
  };
  for (auto &bit : nest.lanes.ce)
    lane(bit);
  for (auto &bit : nest.lanes.row)
    lane(bit);
  for (auto &bit : nest.lanes.column)
    lane(bit);
  c.align();
  for (Operand &operand : nest.operands)
    codeOperand(c, operand, unsigned(modes));
}

/// A field in the bytes of a code section.
struct FieldPlace {
  Field field;
  uint64_t bit; ///< First bit, counted from the start of the section.
};

/// Encodes a list of instructions. The error names instruction and field.
llvm::Expected<std::vector<uint8_t>>
encodeCode(llvm::ArrayRef<Instruction> code);

/// Decodes a code section. `places`, when given, gets every field that was
/// read, for tools that change one. Errors are LoadErrors.
llvm::Expected<std::vector<Instruction>>
decodeCode(llvm::ArrayRef<uint8_t> bytes,
           std::vector<FieldPlace> *places = nullptr);

/// Prints one instruction, a record a line; lines behind the first begin with
/// `indent` more blanks.
void print(llvm::raw_ostream &os, const Instruction &instruction,
           unsigned indent = 0);

/// The tables of docs/ISA.md, in Markdown.
void printInstructionSet(llvm::raw_ostream &os);
/// The table of docs/BinaryFormat.md, in Markdown.
void printLoadCodes(llvm::raw_ostream &os);

} // namespace fetta::isa

#endif // FETTA_PROGRAM_INSTRUCTIONCODING_H
