//===- Nest.h - One contraction on the array --------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// The loop nest, lane table and operands of one contract instruction, and the
/// rules that follow from them (docs/Machine.md, section 3): which index bits
/// are spatial, which lane bits must be serialised, and the bank map of every
/// operand. Mapper, router, encoder, verifier and simulator all ask here.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_LAYOUT_NEST_H
#define FETTA_LAYOUT_NEST_H

#include "fetta/Layout/AffineMap.h"
#include "fetta/Layout/Layout.h"

#include <array>

namespace fetta {

struct Machine;

enum class Dataflow : uint8_t { AStationary, BStationary, OutputStationary };
enum class ElementType : uint8_t { BF16, F32 };

/// Operands in the order of Nest::operands.
enum OperandId : unsigned { OperandA = 0, OperandB = 1, OperandC = 2 };

/// The networks. `Stream` and `Hold` distribute from banks to lanes; their
/// lanes are the row lanes and the column lanes. `Reduce` goes from column
/// lanes to banks.
enum class Net : uint8_t { Stream = 0, Hold = 1, Reduce = 2 };

/// A loop contributes counter * weight to the index of its mode.
struct Loop {
  unsigned mode = 0;
  int64_t count = 1;
  int64_t weight = 1;
  bool operator==(const Loop &o) const {
    return mode == o.mode && count == o.count && weight == o.weight;
  }
};

/// The index bit on every lane bit, or nothing.
struct LaneTable {
  llvm::SmallVector<std::optional<ModeBit>, 6> ce;     ///< c entries.
  llvm::SmallVector<std::optional<ModeBit>, 4> row;    ///< r entries.
  llvm::SmallVector<std::optional<ModeBit>, 4> column; ///< q entries.
};

/// One operand: a tensor (or a window of one) in tensor memory.
struct Operand {
  /// Per mode of the nest: its dimension here, or nothing when the operand
  /// does not hold the mode.
  llvm::SmallVector<std::optional<DimLayout>, 8> modes;
  /// Per bank bit; sources name modes of the nest.
  llvm::SmallVector<BankBit, 8> banks;
  ElementType elementType = ElementType::BF16; ///< F32 only for C.
  int64_t slab = 0;
  int64_t baseRow = 0; ///< Physical row in the slab.
  /// Lane bits of this operand's network that are visited in sub-beats, as a
  /// mask; at least the missing ones (missingLanes), more where a butterfly
  /// cannot pass the whole map at once.
  uint32_t serialLanes = 0;

  bool holds(unsigned mode) const { return modes[mode].has_value(); }
};

/// Where partial sums lie that a contraction goes on from.
struct SumsPlace {
  int64_t slab = 0;
  int64_t baseRow = 0; ///< Physical row in the slab, of the first high half.
  bool operator==(const SumsPlace &o) const {
    return slab == o.slab && baseRow == o.baseRow;
  }
  bool operator!=(const SumsPlace &o) const { return !(*this == o); }
};

/// What one contract instruction does.
struct Nest {
  Dataflow dataflow = Dataflow::BStationary;
  /// Index range of every mode: the edge for all operands.
  llvm::SmallVector<int64_t, 8> sizes;
  llvm::SmallVector<Loop, 8> loops; ///< Outermost first.
  LaneTable lanes;
  std::array<Operand, 3> operands; ///< A, B, C.
  /// Loops [0, scopeLevel) lie outside an accumulator scope. All loops over
  /// reduced modes lie inside.
  unsigned scopeLevel = 0;
  bool clearAtStart = true; ///< Clears the half before the first beat.
  bool drainAtEnd = true;   ///< Otherwise the scope stays open.
  /// Every scope goes on from FP32 partial sums, which are reloaded into the
  /// half at its start (N16): those in its rows of an FP32 result, or, where
  /// the result is BF16 and the sums end here, those in `sums`.
  bool accumulate = false;
  /// The sums of an accumulating contraction with a BF16 result: two planes
  /// that lie as the rows of the result do. Otherwise zero.
  SumsPlace sums;
  /// Accumulator row = base + sum over modes of C of
  /// ((index >> lowBits) - (index at scope start >> lowBits)) * stride.
  int64_t accumulatorBase = 0;
  llvm::SmallVector<int64_t, 8>
      accumulatorStrides; ///< Per mode; 0 if not in C.

  const Operand &a() const { return operands[OperandA]; }
  const Operand &b() const { return operands[OperandB]; }
  const Operand &c() const { return operands[OperandC]; }
  unsigned modeCount() const { return sizes.size(); }
  /// Whether the sums that it goes on from end in a BF16 result.
  bool roundsSums() const {
    return accumulate && c().elementType == ElementType::BF16;
  }
  /// Where the partial sums lie that it goes on from, if it does.
  SumsPlace sumsPlace() const {
    return roundsSums() ? sums : SumsPlace{c().slab, c().baseRow};
  }
  /// These sums as an operand.
  Operand partialSums() const {
    Operand operand = c();
    operand.elementType = ElementType::F32;
    operand.slab = sumsPlace().slab;
    operand.baseRow = sumsPlace().baseRow;
    return operand;
  }
  /// A reduced mode is one that the result does not hold.
  bool isReduced(unsigned mode) const { return !c().holds(mode); }
};

/// The operand that enters through `net`: B-stationary streams A and holds B,
/// A-stationary the reverse, output-stationary streams A and holds B in time.
OperandId operandOn(Dataflow dataflow, Net net);
/// The network that serves an operand.
Net netOf(Dataflow dataflow, OperandId operand);

/// Lane bit l of a network carries this index bit; nothing for a lane bit that
/// carries nothing. Position bits come first (row bits for Stream, column bits
/// for Hold and Reduce), then CE bits. Has machine.laneBits() entries.
llvm::SmallVector<std::optional<ModeBit>, 12>
laneBits(const Nest &nest, Net net, const Machine &machine);

/// Lane bits of the operand's network that carry an index bit of a mode it
/// holds: its spatial bits.
uint32_t spatialLanes(const Nest &nest, OperandId operand,
                      const Machine &machine);
/// Spatial lane bits whose index bit is not one of the operand's bank bits.
/// Each doubles the beat (access rule).
uint32_t missingLanes(const Nest &nest, OperandId operand,
                      const Machine &machine);

/// What drives a bank bit while a beat is served: a lane bit, an index bit
/// that is constant over the beat (temporal), or a constant of the layout.
struct BankDriver {
  enum Kind : uint8_t { Lane, Temporal, Constant } kind = Constant;
  unsigned lane = 0;
  ModeBit temporal;
  bool constant = false;
};
/// Drivers of all bank bits, with operand.serialLanes taken as temporal.
llvm::SmallVector<BankDriver, 8>
bankDrivers(const Nest &nest, OperandId operand, const Machine &machine);
/// The linear part of the map lane -> bank, constant 0; temporal and constant
/// bits are added per beat through the route's masks.
BitMap bankMap(const Nest &nest, OperandId operand, const Machine &machine);

/// Sub-beats of one beat for this operand: 2^popcount(serialLanes).
inline int64_t subBeats(const Operand &operand) {
  return int64_t(1) << llvm::popcount(operand.serialLanes);
}

/// First and last physical row of the window that an operand sees.
std::pair<int64_t, int64_t> rowRange(const Operand &operand);

/// Beats of the loop nest: the product of all loop counts.
int64_t beats(const Nest &nest);
/// Multiply-adds that are not idle: the product of the mode sizes.
int64_t multiplyAdds(const Nest &nest);

/// Every rule of docs/Machine.md section 3 that one instruction can break;
/// each message starts with the rule's number (N1, N2, ...) from docs/ISA.md.
llvm::Error verifyNest(const Nest &nest, const Machine &machine);

} // namespace fetta

#endif // FETTA_LAYOUT_NEST_H
