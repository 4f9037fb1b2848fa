//===- Program.h - A program for the machine, in memory ---------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// What a binary holds, decoded: tensors, routes, instructions, and the source
/// operations that reports speak of. The compiler builds one and encodes it;
/// the simulator gets one only from the decoder (docs/ISA.md,
/// docs/BinaryFormat.md). No MLIR here.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_PROGRAM_PROGRAM_H
#define FETTA_PROGRAM_PROGRAM_H

#include "fetta/Layout/Nest.h"
#include "fetta/Machine/Machine.h"
#include "fetta/Machine/Queues.h"
#include "fetta/Network/Network.h"

#include <string>
#include <variant>
#include <vector>

namespace fetta {

/// What a tensor is to the host. Inputs, parameters and targets are placed
/// before the run; results and gradients are collected after it.
enum class TensorRole : uint8_t {
  Input = 0,
  Param = 1,
  State = 2,
  Target = 3,
  Result = 4,
  Gradient = 5,
  Temporary = 6,
};
inline bool isPreloaded(TensorRole role) { return role <= TensorRole::Target; }
inline bool isCollected(TensorRole role) {
  return role == TensorRole::Result || role == TensorRole::Gradient;
}

/// A tensor in tensor memory. `shape` is what the host sees; `layout.dims` is a
/// row-major reshape of it (same number of elements, same element order).
struct TensorEntry {
  std::string name; ///< Name of the .npy file; unique unless Temporary.
  llvm::SmallVector<int64_t, 4> shape;
  ElementType elementType = ElementType::BF16;
  TensorRole role = TensorRole::Temporary;
  Layout layout;
  int64_t slab = 0;
  int64_t baseRow = 0; ///< Physical row.

  /// Physical rows: twice the layout's for FP32 (two planes).
  int64_t physicalRows() const {
    return layout.rows() * (elementType == ElementType::F32 ? 2 : 1);
  }
};

/// Elements of all regions of a program together, at most: what one can be
/// checked for.
inline constexpr int64_t MaxDramElements = int64_t(1) << 28;

/// An array in DRAM, row-major in `shape`; BF16 elements take 2 bytes, FP32
/// elements 4. What a role means is as for tensors; a temporary region is a
/// spill.
struct DramRegion {
  std::string name; ///< Name of the .npy file; unique unless Temporary.
  llvm::SmallVector<int64_t, 4> shape;
  ElementType elementType = ElementType::BF16;
  TensorRole role = TensorRole::Temporary;
  int64_t byteAddress = 0; ///< Of the first element.

  /// Product of the shape, which must be legal.
  int64_t elements() const {
    int64_t product = 1;
    for (int64_t size : shape)
      product *= size;
    return product;
  }
  int64_t elementBytes() const {
    return elementType == ElementType::F32 ? 4 : 2;
  }
  int64_t bytes() const { return elements() * elementBytes(); }
};

/// Phases of a training step.
enum class Phase : uint8_t { Forward = 0, Backward = 1, WeightGradient = 2 };
/// `fp`, `bp` or `wg`.
llvm::StringRef phaseName(Phase phase);

/// A contraction of the source, for reports.
struct OpEntry {
  std::string name;     ///< e.g. "contract3".
  std::string einsum;   ///< "b i0 i1, i1 r -> b i0 r".
  std::string location; ///< "file:line:col" or empty.
  Phase phase = Phase::Forward;
};

/// The QueueCount in-order queues of the machine (docs/Queues.md, section 1).
enum class Queue : uint8_t { Contract = 0, Load = 1, Store = 2, Vector = 3 };
/// `contract`, `load`, `store` or `vector`.
llvm::StringRef queueName(Queue queue);

/// So many tokens of a semaphore; count 0 stands for none.
struct Token {
  uint8_t semaphore = 0; ///< Below SemaphoreCount.
  uint8_t count = 0;     ///< At most MaxTokens.
  bool operator==(const Token &o) const {
    return semaphore == o.semaphore && count == o.count;
  }
  bool operator!=(const Token &o) const { return !(*this == o); }
};

/// What an instruction takes before it issues and gives when it and all before
/// it in its queue have completed.
struct Tokens {
  std::array<Token, MaxTokenEntries> waits, signals;
  bool operator==(const Tokens &o) const {
    return waits == o.waits && signals == o.signals;
  }
  bool operator!=(const Tokens &o) const { return !(*this == o); }
};

/// Loads the words of a route into a slot of a network. Has no tokens.
struct LoadRoute {
  Net net = Net::Stream;
  uint16_t slot = 0;
  uint32_t route = 0; ///< Index into Program::routes.
};

/// Runs one loop nest.
struct Contract {
  Nest nest;
  std::array<uint16_t, 3> slots = {0, 0, 0}; ///< Indexed by Net.
  /// Tensors of A, B, C: indices into Program::tensors. Operand windows must
  /// lie inside them.
  std::array<uint32_t, 3> tensors = {0, 0, 0};
  /// Tensor of the sums that end in a BF16 result (Nest::sums); otherwise zero.
  uint32_t tensorSums = 0;
  uint32_t op = 0; ///< Index into Program::ops.
  Tokens tokens;
};

/// The tensor whose partial sums an accumulating contraction goes on from.
inline uint32_t sumsTensor(const Contract &contract) {
  return contract.nest.roundsSums() ? contract.tensorSums
                                    : contract.tensors[OperandC];
}

/// Moves a whole tensor from (or, store, to) a region of DRAM. The element of
/// the tensor with these indices is the element offset + sum of index * stride
/// of the region.
struct Dma {
  bool store = false;
  uint32_t region = 0; ///< Index into Program::regions.
  uint32_t tensor = 0; ///< Index into Program::tensors.
  int64_t offset = 0;  ///< In elements.
  /// In the body of a repeat: elements by which `offset` grows with every
  /// iteration, not negative. 0 outside of bodies.
  int64_t advance = 0;
  /// In elements, one per dimension of the tensor's layout; 0 for dimensions of
  /// size 1.
  llvm::SmallVector<int64_t, 6> strides;
  /// The order of the walk (docs/Queues.md, section 2). Empty: row-major.
  /// Otherwise indices in a block, for each dimension in front of the last
  /// entry; that one is for the flat row-major index of all further dimensions.
  llvm::SmallVector<int64_t, 6> blocks;
  Tokens tokens;
};

/// Waits and signals, nothing else.
struct Sync {
  Queue queue = Queue::Contract;
  Tokens tokens;
};

/// The `length` instructions behind it, its body, stand `count` times in a row:
/// means the same as the program in which they are written out, transfers with
/// the offsets of their iteration. Bodies hold neither Repeat nor Halt. Has no
/// tokens.
struct Repeat {
  uint32_t length = 0; ///< At least 1.
  uint32_t count = 0;  ///< At least 2.
};

/// Ends the stream, and with it all queues.
struct Halt {};

using Instruction = std::variant<LoadRoute, Contract, Dma, Sync, Halt, Repeat>;

/// The queue of an instruction; that of Halt and Repeat is Contract.
Queue queueOf(const Instruction &instruction);
/// Its tokens; none for LoadRoute, Halt and Repeat.
Tokens tokensOf(const Instruction &instruction);

struct Program {
  Machine machine;
  std::vector<TensorEntry> tensors;
  std::vector<DramRegion> regions;
  std::vector<Route> routes;
  std::vector<OpEntry> ops;
  /// One stream for all queues, in an order in which they may run; ends with
  /// one Halt.
  std::vector<Instruction> code;
  std::string producer; ///< Tool and options; no time stamps.
};

/// Instructions of a program with repeats when they are written out, at most:
/// what may be expanded. One with more than 127 loops, modes and banks counts
/// as several, so this bounds memory. Programs without repeats are bounded by
/// their file.
inline constexpr uint64_t MaxExpandedInstructions = uint64_t(1) << 18;

/// The program with its repeats written out; iterations share tensors, routes
/// and operations. Whoever runs a program or asks for its order does that
/// first. Costs nothing without repeats. Errors are LoadErrors: of the shape of
/// a repeat, of what transfers advance by, and of MaxExpandedInstructions, all
/// before anything is copied.
llvm::Expected<Program> expandRepeats(Program program);

/// Where the operands of a nest lie, and its partial sums if it has any.
struct NestPlaces {
  std::array<SumsPlace, 3> operands; ///< A, B, C.
  SumsPlace sums;
};

/// Appends instructions, contractions with the LoadRoutes that they need: slots
/// are used least recently first, a route already in a slot of its network is
/// not loaded again, and loads go ahead as far as their slots allow. Routes
/// equal to one of the program's are shared. A repeat starts with the slots as
/// its body leaves them: what it needs is loaded before it, inside it only what
/// the slots of a network do not hold all at once.
class ProgramBuilder {
public:
  explicit ProgramBuilder(Machine machine);
  /// Makes room for about so many instructions.
  void reserve(size_t instructions);
  uint32_t addTensor(TensorEntry tensor);
  uint32_t addRegion(DramRegion region);
  uint32_t addOp(OpEntry op);
  uint32_t addRoute(Route route);
  void addContract(Nest nest, std::array<uint32_t, 3> tensors,
                   std::array<uint32_t, 3> routes, uint32_t op,
                   Tokens tokens = {}, uint32_t tensorSums = 0);
  /// The same with a nest that many share: `nest` at other places. It must live
  /// until the program is finished.
  void addContract(const Nest *nest, const NestPlaces &places,
                   std::array<uint32_t, 3> tensors,
                   std::array<uint32_t, 3> routes, uint32_t op,
                   Tokens tokens = {}, uint32_t tensorSums = 0);
  void addDma(Dma dma);
  void addSync(Sync sync);
  /// What is added from here to endRepeat is the body of a repeat, not empty,
  /// that stands `count` times (at least twice). Repeats do not nest.
  void beginRepeat(uint32_t count);
  void endRepeat();
  /// Adds the Halt and hands the program out.
  Program finish() &&;

private:
  /// Instructions are large and come in another order at the end: until then
  /// they are numbers in these lists, with what decides the order.
  struct Entry {
    enum Kind : uint8_t {
      Load,
      Contraction,
      Transfer,
      Tokens,
      RepeatBegin,
      RepeatEnd
    } kind;
    uint32_t number;                    ///< Of RepeatBegin the iterations.
    Net net = Net::Stream;              ///< Of a load.
    std::array<uint16_t, 3> slots = {}; ///< Of each network; of a load all one.
  };
  struct Pending {
    const Nest *nest; ///< Null for one of its own.
    NestPlaces places;
    uint32_t own; ///< Its own, in `nests`.
    std::array<uint16_t, 3> slots;
    std::array<uint32_t, 3> tensors;
    uint32_t tensorSums, op;
    fetta::Tokens tokens;
  };

  struct Slot {
    uint32_t route;
    uint64_t lastUse;
  };
  using Slots = std::array<std::vector<Slot>, 3>; ///< Of each network.
  /// Number of a slot, and whether the route must be loaded into it.
  std::pair<uint16_t, bool> use(Slots &slots, unsigned net, uint32_t route);
  void addLoad(unsigned net, uint16_t slot, uint32_t route);
  void useSlots(Entry &contraction, std::array<uint32_t, 3> routes);
  void append(Pending contract, std::array<uint32_t, 3> routes);
  std::vector<Entry> hoistRouteLoads() const;

  Program program;
  std::vector<Entry> entries;
  std::vector<LoadRoute> loads;
  std::vector<Pending> contracts;
  std::vector<Nest> nests;
  std::vector<Dma> transfers;
  std::vector<Sync> syncs;
  Slots slots;
  uint64_t useCounter = 0;
  /// The repeat whose body is being added: its iterations, its first entry, and
  /// the routes of its contractions.
  std::optional<uint32_t> openRepeat;
  size_t bodyBegin = 0;
  std::vector<std::array<uint32_t, 3>> bodyRoutes;
};

/// Encodes to the container format. Deterministic: equal programs give equal
/// bytes.
llvm::Expected<std::vector<uint8_t>> encodeProgram(const Program &program);

/// Why a binary is refused: stable numbers, listed in docs/BinaryFormat.md.
enum class LoadCode : unsigned {
#define FETTA_LOAD_CODE(stage, name, number, meaning) name = (number),
#include "fetta/Program/LoadCodes.def"
};

/// A refused binary: the check that failed and where.
class LoadError : public llvm::ErrorInfo<LoadError> {
public:
  static char ID;
  /// In the order in which the loader checks.
  enum class Stage : uint8_t {
    Bytes,
    Sections,
    Machine,
    Decode,
    Semantics,
    Synchronisation,
    Initialisation,
  };
  LoadError(Stage stage, unsigned code, std::string section, uint64_t offset,
            std::string message)
      : stage(stage), code(code), section(std::move(section)), offset(offset),
        message(std::move(message)) {}
  /// The stage follows from the code.
  LoadError(LoadCode code, std::string section, uint64_t offset,
            std::string message);
  void log(llvm::raw_ostream &os) const override;
  std::error_code convertToErrorCode() const override;

  Stage stage;
  unsigned code;       ///< Stable number, listed in docs/BinaryFormat.md.
  std::string section; ///< Empty for the file as a whole.
  uint64_t offset;     ///< Of the section (bytes).
  std::string message;
};

/// Decodes and runs all seven checks; what comes back may be executed.
/// `expected`: when given, a program for a machine with another fingerprint is
/// refused.
llvm::Expected<Program> decodeProgram(llvm::ArrayRef<uint8_t> bytes,
                                      const Machine *expected = nullptr);

/// Checks 5 to 7 on a program in memory, with its repeats written out: every
/// access inside its tensor or region, route words legal and equal to what each
/// operand needs (replayed), tokens that play, accesses of different queues in
/// order, every read of words that hold what is read, every result complete
/// (docs/ISA.md, Rules of a program). Errors are LoadErrors whose offset is 0.
llvm::Error verifyProgram(const Program &program);

/// The tables and the disassembled code as text.
void print(llvm::raw_ostream &os, const Program &program);

} // namespace fetta

#endif // FETTA_PROGRAM_PROGRAM_H
