//===- Search.h - The space of mappings and its search ----------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// What the mapper chooses between: how many bits of every mode lie on PE rows
/// or columns and on CEs, and where the accumulator scope cuts the loops. Which
/// bit goes to which lane, and the layouts that are free, follow from these
/// numbers (Mapper.cpp).
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_LIB_MAPPING_SEARCH_H
#define FETTA_LIB_MAPPING_SEARCH_H

#include "fetta/Mapping/Mapping.h"

namespace fetta::mapping {

class LaneCatalogs;

/// Role of a mode under one dataflow. `StreamFree` is a mode of the streamed
/// operand and the result, `HoldFree` one of the held operand and the result.
enum class Group : uint8_t { Batch, StreamFree, HoldFree, Reduced };

struct Mode {
  int64_t size = 1;
  unsigned bits = 0; ///< ceil(log2 size): more on lanes would carry nothing.
  Group group = Group::Batch;
  std::array<bool, 3> in = {false, false, false}; ///< Held by A, B, C.
  /// By hand: bits on rows or columns, bits on CEs, indices inside a scope.
  std::optional<unsigned> position, ce;
  std::optional<int64_t> scope;
};

/// One contraction under one dataflow.
struct Problem {
  const Machine &machine;
  Dataflow dataflow;
  OperandId streamed, held; ///< Output-stationary: A and B.
  llvm::SmallVector<Mode, 8> modes;
  /// Low bits of every mode in the layouts that are given.
  std::array<std::optional<llvm::SmallVector<unsigned, 8>>, 3> lowBits;
  int64_t planes;   ///< Memory rows per row of the result.
  bool accumulates; ///< No two scopes share a row of the result.
  /// A and B are written by other contractions of the program.
  std::array<bool, 2> produced = {};
  /// By hand: these loops lie in this order.
  llvm::SmallVector<unsigned, 4> loopOrder;
  /// The dataflow allows what is asked for.
  bool possible = true;

  bool outputStationary() const {
    return dataflow == Dataflow::OutputStationary;
  }
  /// The modes whose bits the PE rows carry, and the PE columns.
  Group rowGroup() const {
    return outputStationary() ? Group::StreamFree : Group::Reduced;
  }
  bool onRows(unsigned mode) const { return modes[mode].group == rowGroup(); }
  bool onColumns(unsigned mode) const {
    return modes[mode].group == Group::HoldFree;
  }
};

/// Lane bits of one mode. CE bits come first, then row bits; column bits come
/// before CE bits. So an operand that does not see the row bits (they are
/// temporal in a load and in a drain) needs the lowest bits only.
struct LaneShare {
  unsigned position = 0; ///< Row or column bits, whichever the mode may use.
  unsigned ce = 0;
  unsigned total() const { return position + ce; }
};

/// What a mapping costs. The array is taken for `occupancy` cycles; `transfer`
/// and `drain` are exposed where nothing else runs meanwhile.
struct MappingCost {
  int64_t occupancy = 0; ///< Beats, conflicts, reload and drain-busy.
  int64_t transfer = 0;  ///< First load; output-stationary: last tile's drain.
  /// Rows of the last scope, times planes; further sub-beats before them.
  int64_t drain = 0;
  /// For which the array stands still, behind the contraction that writes an
  /// operand, until that one's last row can be read.
  int64_t wait = 0;
  int64_t rowAccesses = 0;
};

/// What a cycle of each part is worth. All equal: the serial schedule.
struct CostWeights {
  int64_t occupancy = 1, transfer = 1, drain = 1, wait = 0;
  int64_t score(const MappingCost &cost) const {
    return occupancy * cost.occupancy + transfer * cost.transfer +
           drain * cost.drain + wait * cost.wait;
  }
};

/// The numbers from which a mapping's cost follows for any conflicts.
struct CutNumbers {
  int64_t beats = 1;
  int64_t tile = 1;      ///< Beats of a tile.
  int64_t rowsInUse = 1; ///< PE rows: accesses of a load or tile drain.
  int64_t scopes = 1;
  int64_t drain = 1;     ///< Of a full scope, in accesses.
  int64_t lastDrain = 1; ///< Of the last one.
  /// Beats that need the last row of the streamed operand or come later, and
  /// the same for the held one; 0 if no other contraction writes it.
  int64_t streamedWait = 0, heldWait = 0;
  /// From the last beat of a contraction to the first one that can read its
  /// first row.
  int64_t latency = 0;
  bool outputStationary = false;
  /// With 2^beatBits sub-beats in a beat and 2^transferBits in a transfer; the
  /// sums of a beat leave in 2^fillBits sub-beats after its last word.
  MappingCost cost(unsigned beatBits, unsigned transferBits,
                   unsigned fillBits) const;
  /// The wait alone, from the other parts.
  int64_t wait(const MappingCost &cost) const;
};

struct Candidate {
  Dataflow dataflow = Dataflow::BStationary;
  llvm::SmallVector<LaneShare, 8> lanes; ///< Per mode.
  /// Modes of the result that have loops, outermost first, and how many
  /// iterations of each lie inside the scope.
  llvm::SmallVector<unsigned, 8> resultLoops;
  llvm::SmallVector<int64_t, 8> inside;
  CutNumbers numbers;
  MappingCost cost;
  int64_t score = 0; ///< In a search; weights may differ between dataflows.
};

/// What an enumeration is for.
class CandidateVisitor {
public:
  virtual ~CandidateVisitor() = default;
  /// Mappings that take the array for longer are of no interest.
  virtual int64_t mostOccupancy() const = 0;
  /// Whether mappings that cost at least this are of no interest.
  virtual bool skip(const MappingCost &cost) const = 0;
  /// A mapping; valid during the call only. Cuts of one lane assignment come
  /// in a row.
  /// Whether it was of use.
  virtual bool visit(const Candidate &candidate) = 0;
};

/// Spatial bits of a mode for an operand that holds it.
unsigned spatialBits(const Problem &problem, unsigned mode, LaneShare share,
                     OperandId operand);

/// Low bits of every mode in an operand's layout: those that are given, else
/// its spatial bits and then, until the row is full, what makes the tensor take
/// few rows: always the mode whose chunks shrink most, the one with most chunks
/// among equals.
llvm::SmallVector<unsigned, 8> operandLowBits(const Problem &problem,
                                              llvm::ArrayRef<LaneShare> lanes,
                                              OperandId operand);

/// The most rows that `extent` consecutive index values take, the first one a
/// multiple of `extent`.
int64_t rowsOfExtent(int64_t extent, int64_t size, unsigned lowBits);

/// Visits all lane assignments that the visitor does not skip, each with every
/// cut of its loops; the one without lanes comes first, so something is always
/// visited unless constraints forbid it. Fewest beats come first.
/// Deterministic; `catalogs`, of the problem's machine, save work only.
void enumerate(const Problem &problem, CandidateVisitor &visitor,
               LaneCatalogs &catalogs);

/// The same for one lane assignment.
void enumerateCuts(const Problem &problem, llvm::ArrayRef<LaneShare> lanes,
                   CandidateVisitor &visitor);

/// Replaces `best` where the problem has something with a lower score, or with
/// an equal one and fewer row accesses.
void search(const Problem &problem, const CostWeights &weights,
            LaneCatalogs &catalogs, std::optional<Candidate> &best);
/// The same among the cuts of one lane assignment.
void searchCuts(const Problem &problem, const CostWeights &weights,
                llvm::ArrayRef<LaneShare> lanes,
                std::optional<Candidate> &best);

/// Lane assignments that are looked at per dataflow and range of beats. The
/// limit keeps odd contractions quick and is deterministic.
constexpr int64_t searchBudget = 1024;
/// Assignments come best bound first; a search ends when so many in a row were
/// of no use.
constexpr int64_t patience = 96;

constexpr std::array<Dataflow, 3> allDataflows = {
    Dataflow::BStationary, Dataflow::AStationary, Dataflow::OutputStationary};

/// Whether `spec` is a contraction that can be mapped; the message says what is
/// wrong.
llvm::Error checkSpec(const ContractionSpec &spec, const Machine &machine);

/// Whether some mapping meets the constraints of `spec`.
llvm::Error checkConstraints(const ContractionSpec &spec,
                             const Machine &machine);

Problem makeProblem(const ContractionSpec &spec, const Machine &machine,
                    Dataflow dataflow);

/// The nest of a candidate. Operands without a layout get one: on the banks of
/// their lanes what is spatial for them, as far as the problem's low bits allow
/// it, then the other low bits.
MappedContraction buildNest(const ContractionSpec &spec, const Problem &problem,
                            const Candidate &candidate);

} // namespace fetta::mapping

#endif // FETTA_LIB_MAPPING_SEARCH_H
