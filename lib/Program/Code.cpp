//===- Code.cpp - Encoder, decoder and disassembler of instructions -------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ContainerFormat.h"

#include "fetta/Program/InstructionCoding.h"

#include "fetta/Support/Error.h"

#include "llvm/ADT/bit.h"
#include "llvm/Support/FormatVariadic.h"

using namespace fetta;
using namespace fetta::isa;

namespace {

/// Appends fields to words, lowest bit first.
class Writer : public Coder<Writer> {
public:
  static constexpr bool reads = false;
  explicit Writer(std::vector<uint64_t> &words) : words(words) {}

  uint64_t code(Field f, uint64_t value) {
    const FieldInfo &field = info(f);
    if (LLVM_UNLIKELY(value > field.maxValue)) {
      refuseValue(field, value);
      return value;
    }
    word |= value << filled;
    filled += field.width;
    if (filled >= 64) {
      words.push_back(word);
      filled -= 64;
      word = filled ? value >> (field.width - filled) : 0;
    }
    return value;
  }
  void begin(Record) {}
  void align() {
    if (filled)
      words.push_back(word);
    word = 0;
    filled = 0;
    while (words.size() % (UnitBytes / 8))
      words.push_back(0);
  }
  void refuse(LoadCode, const char *message) {
    if (problem.empty())
      problem = message;
  }

  std::string problem;

private:
  LLVM_ATTRIBUTE_NOINLINE void refuseValue(const FieldInfo &field,
                                           uint64_t value) {
    if (problem.empty())
      problem = llvm::formatv("field {0}.{1}: the value {2} does not fit (at "
                              "most {3})",
                              info(field.record).name, field.name,
                              int64_t(value), field.maxValue);
  }

  std::vector<uint64_t> &words;
  uint64_t word = 0;   ///< The next, as far as it is known.
  unsigned filled = 0; ///< Its bits.
};

/// Takes fields from the bytes of one instruction. After the first problem it
/// gives zeros.
class Reader : public Coder<Reader> {
public:
  static constexpr bool reads = true;
  Reader(llvm::ArrayRef<uint8_t> bytes, uint64_t start,
         std::vector<FieldPlace> *places)
      : bytes(bytes), position(start * 8), places(places) {}

  uint64_t code(Field f, uint64_t) {
    const FieldInfo &field = info(f);
    if (problem)
      return 0;
    if (position + field.width > end * 8) {
      refuse(LoadCode::Length, "its length is too small for its content");
      return 0;
    }
    if (places)
      places->push_back({f, position});
    uint64_t value = 0;
    for (unsigned taken = 0, count; taken < field.width; taken += count) {
      count = std::min(8 - unsigned(position % 8), field.width - taken);
      uint64_t bits = uint64_t(bytes[position / 8]) >> position % 8;
      value |= (bits & ((1u << count) - 1)) << taken;
      position += count;
    }
    if (value > field.maxValue) {
      refuse(LoadCode::FieldValue,
             llvm::formatv("field {0}.{1}: {2} has no meaning",
                           info(field.record).name, field.name, value)
                 .str());
      return 0;
    }
    return value;
  }
  void begin(Record) {}
  void align() {
    while (!problem && position % (8 * UnitBytes)) {
      if (position / 8 >= end)
        return refuse(LoadCode::Length,
                      "its length is too small for its content");
      if (bytes[position / 8])
        return refuse(LoadCode::Reserved, "a padding bit is set");
      position += 8;
    }
  }
  void refuse(LoadCode code, std::string message) {
    if (!problem)
      problem = {code, std::move(message)};
  }
  /// Reading goes on to this byte and no further.
  void setEnd(uint64_t byte) { end = byte; }
  uint64_t byte() const { return position / 8; }

  std::optional<std::pair<LoadCode, std::string>> problem;

private:
  llvm::ArrayRef<uint8_t> bytes;
  uint64_t position, end = 0;
  std::vector<FieldPlace> *places;
};

/// Prints `record field=value ...`, a record a line.
class Printer : public Coder<Printer> {
public:
  static constexpr bool reads = false;
  Printer(llvm::raw_ostream &os, unsigned indent) : os(os), indent(indent) {}

  uint64_t code(Field f, uint64_t value) {
    const FieldInfo &field = info(f);
    if (field.isReserved())
      return value;
    os << ' ' << field.name << '=';
    llvm::StringRef name = field.valueName(value);
    if (name.empty())
      os << int64_t(value);
    else
      os << name;
    return value;
  }
  void begin(Record record) {
    if (!first)
      (os << '\n').indent(indent + 2)
          << llvm::StringRef(info(record).name).lower();
    first = false;
  }
  void align() {}
  void refuse(LoadCode, const char *) {}

private:
  llvm::raw_ostream &os;
  unsigned indent;
  bool first = true;
};

Opcode opcodeOf(const LoadRoute &) { return Opcode::LoadRoute; }
Opcode opcodeOf(const Contract &) { return Opcode::Contract; }
Opcode opcodeOf(const Dma &dma) {
  return dma.store ? Opcode::DmaStore : Opcode::DmaLoad;
}
Opcode opcodeOf(const Sync &) { return Opcode::Sync; }
Opcode opcodeOf(const Halt &) { return Opcode::Halt; }
Opcode opcodeOf(const Repeat &) { return Opcode::Repeat; }

const OpcodeInfo &infoOf(Opcode opcode) {
  for (const OpcodeInfo &op : opcodes())
    if (op.opcode == opcode)
      return op;
  llvm_unreachable("every opcode is in the table");
}

/// `queue=load wait=3*1 signal=...` as far as it is not the usual.
void printTokens(llvm::raw_ostream &os, const Instruction &instruction) {
  if (std::holds_alternative<Sync>(instruction))
    os << " queue=" << queueName(queueOf(instruction));
  Tokens tokens = tokensOf(instruction);
  for (const Token &t : tokens.waits)
    if (t.count)
      os << " wait=" << unsigned(t.semaphore) << '*' << unsigned(t.count);
  for (const Token &t : tokens.signals)
    if (t.count)
      os << " signal=" << unsigned(t.semaphore) << '*' << unsigned(t.count);
}

/// The lists of a nest that have one entry per mode.
const char *unequalLists(const Instruction &instruction) {
  const auto *contract = std::get_if<Contract>(&instruction);
  if (!contract)
    return nullptr;
  const Nest &nest = contract->nest;
  if (nest.accumulatorStrides.size() != nest.sizes.size())
    return "one accumulator stride per mode is needed";
  for (const Operand &operand : nest.operands)
    if (operand.modes.size() != nest.sizes.size())
      return "every operand needs one entry per mode";
  return nullptr;
}

} // namespace

/// Room for an instruction, in words; where most take more, the list grows.
static constexpr size_t RoomForInstruction = 96;

llvm::Expected<std::vector<uint64_t>>
container::encodeWords(llvm::ArrayRef<Instruction> code) {
  std::vector<uint64_t> words, headWords;
  words.reserve(code.size() * RoomForInstruction);
  for (auto [index, instruction] : llvm::enumerate(code)) {
    auto refused = [&, i = index](llvm::StringRef problem) {
      return makeError("instruction {0} cannot be encoded: {1}", i, problem);
    };
    if (const char *problem = unequalLists(instruction))
      return refused(problem);
    // The length is known only at the end: the body comes first.
    const size_t start = words.size();
    words.push_back(0);
    Writer body(words);
    Head head;
    head.queue = unsigned(queueOf(instruction));
    head.tokens = tokensOf(instruction);
    std::visit(
        [&](const auto &alternative) {
          head.opcode = unsigned(opcodeOf(alternative));
          // Coders that do not read change nothing.
          codeBody(body, const_cast<std::decay_t<decltype(alternative)> &>(
                             alternative));
        },
        instruction);
    if (!body.problem.empty())
      return refused(body.problem);
    head.length = unsigned((words.size() - start) * 8 / UnitBytes);
    headWords.clear();
    Writer first(headWords);
    codeHead(first, head);
    if (!first.problem.empty())
      return refused(first.problem);
    words[start] = headWords.front();
  }
  if (llvm::endianness::native != llvm::endianness::little)
    for (uint64_t &word : words)
      word = llvm::byteswap(word);
  return words;
}

llvm::Expected<std::vector<uint8_t>>
isa::encodeCode(llvm::ArrayRef<Instruction> code) {
  llvm::Expected<std::vector<uint64_t>> words = container::encodeWords(code);
  if (!words)
    return words.takeError();
  const auto *bytes = reinterpret_cast<const uint8_t *>(words->data());
  return std::vector<uint8_t>(bytes, bytes + words->size() * 8);
}

llvm::Expected<std::vector<Instruction>>
isa::decodeCode(llvm::ArrayRef<uint8_t> bytes,
                std::vector<FieldPlace> *places) {
  std::vector<Instruction> code;
  uint64_t start = 0;
  auto refused = [&](LoadCode reason, llvm::StringRef message) {
    return llvm::make_error<LoadError>(
        reason, "code", 0,
        llvm::formatv("instruction {0} at byte {1} of the code: {2}",
                      code.size(), start, message)
            .str());
  };
  while (start < bytes.size()) {
    if (bytes.size() - start < UnitBytes)
      return refused(LoadCode::CodeSize, "the code ends inside it");
    Reader reader(bytes, start, places);
    reader.setEnd(start + UnitBytes);
    Head head;
    codeHead(reader, head);
    if (reader.problem)
      return refused(reader.problem->first, reader.problem->second);
    if (head.length == 0)
      return refused(LoadCode::Length, "length 0");
    if (head.length > (bytes.size() - start) / UnitBytes)
      return refused(LoadCode::CodeSize, "the code ends inside it");
    reader.setEnd(start + uint64_t(head.length) * UnitBytes);
    auto decode = [&](auto body) {
      codeBody(reader, body);
      code.emplace_back(std::move(body));
    };
    Contract contract;
    Dma dma;
    contract.tokens = dma.tokens = head.tokens;
    switch (Opcode(head.opcode)) {
    case Opcode::LoadRoute:
      decode(LoadRoute());
      break;
    case Opcode::Contract:
      decode(std::move(contract));
      break;
    case Opcode::DmaStore:
      dma.store = true;
      [[fallthrough]];
    case Opcode::DmaLoad:
      decode(std::move(dma));
      break;
    case Opcode::Sync:
      decode(Sync{Queue(head.queue), head.tokens});
      break;
    case Opcode::Halt:
      decode(Halt());
      break;
    case Opcode::Repeat:
      decode(Repeat());
      break;
    default:
      return refused(LoadCode::Opcode, "opcode " + std::to_string(head.opcode));
    }
    uint64_t stop = start + uint64_t(head.length) * UnitBytes;
    Instruction instruction = std::move(code.back());
    code.pop_back();
    if (reader.problem)
      return refused(reader.problem->first, reader.problem->second);
    if (reader.byte() != stop)
      return refused(LoadCode::Length, "its length is too large for its "
                                       "content");
    auto queue = unsigned(queueOf(instruction));
    const char *mnemonic = infoOf(Opcode(head.opcode)).mnemonic;
    if (head.queue != queue || queue >= QueueCount)
      return refused(
          LoadCode::Queue,
          llvm::formatv("{0} in queue {1}", mnemonic, head.queue).str());
    if (tokensOf(instruction) != head.tokens)
      return refused(LoadCode::Semaphore,
                     llvm::formatv("{0} waits for and signals nothing, but "
                                   "tokens are named",
                                   mnemonic)
                         .str());
    code.push_back(std::move(instruction));
    start = stop;
  }
  return code;
}

void isa::print(llvm::raw_ostream &os, const Instruction &instruction,
                unsigned indent) {
  std::visit(
      [&](auto copy) {
        os << infoOf(opcodeOf(copy)).mnemonic;
        printTokens(os, instruction);
        Printer printer(os, indent);
        codeBody(printer, copy);
        os << '\n';
      },
      instruction);
}
