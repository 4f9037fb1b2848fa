//===- Report.h - What fetta-path prints ------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// A contraction order for readers and for programs.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_TOOLS_FETTA_PATH_REPORT_H
#define FETTA_TOOLS_FETTA_PATH_REPORT_H

#include "fetta/Contraction/Einsum.h"
#include "fetta/Contraction/FixedOrder.h"
#include "fetta/Contraction/Pareto.h"
#include "fetta/Contraction/Slicing.h"
#include "fetta/Contraction/TrainingPlan.h"
#include "fetta/Mapping/MachineOrder.h"

#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"

namespace fetta {

/// All phases of a layer, planned together.
struct TrainingPlan {
  unsigned input;  ///< The operand that is X; the others are cores.
  SharedPlan plan; ///< Phases: forward, dX, then the cores in their order.
  TrainingGoal goal;
  TrainingResult result;
  PlanMemory memory;
  unsigned elementBytes;
  std::optional<ParetoFront> front; ///< By \c axis.
  MemoryAxis axis;
};

/// What a machine makes of orders.
struct MachineReport {
  Machine machine;
  ModelObjective objective = ModelObjective::Latency; ///< Of the order.
  std::optional<MachineOrder> order; ///< If the machine decided.
  std::vector<ModelTree> front;      ///< Of latency and energy, if asked for.
};

/// An order that was found and looked at by the independent checker.
struct PathReport {
  EinsumSpec spec;
  PreparedNetwork prepared;
  ContractionOrder order;
  Objective objective; ///< What the values of results mean.
  SearchResult result;
  TreeCost cost;
  bool optimalityChecked = false;

  /// The searched order that this one is compared with (--check, --train,
  /// --machine).
  struct Reference {
    SearchResult result;
    bool optimalityChecked = false;
  };
  std::optional<Reference> reference;
  /// How somebody else's path was written (--check).
  std::optional<PathFormat> checkedFormat;
  std::optional<TrainingPlan> training;
  std::optional<SlicedPlan> sliced;     ///< With --memory-limit.
  std::optional<MachineReport> machine; ///< With --machine.
};

/// What is shown besides the report itself.
struct ReportOptions {
  bool tree = false; ///< The tree, as text or nested JSON objects.
  bool dot = false;  ///< The tree as Graphviz graph; as text, nothing else.
  bool ssa = false;  ///< The path in the SSA format, too.
};

/// Path, cost, certificate and a table of the steps; of a training step, a
/// table of the phases, one of the steps, and what is stored.
void printText(const PathReport &report, const ReportOptions &options,
               llvm::raw_ostream &os);

/// One JSON object on one line.
void printJson(const PathReport &report, const ReportOptions &options,
               llvm::raw_ostream &os);

/// The part of a training step in text, and as attribute "training".
void printTrainingText(const PathReport &report, llvm::raw_ostream &os);
void printTrainingJson(const PathReport &report, llvm::json::OStream &json);

/// Columns as wide as their widest entry.
class Table {
public:
  explicit Table(llvm::SmallVector<std::string> header) {
    rows.push_back(std::move(header));
  }
  void add(llvm::SmallVector<std::string> row) {
    rows.push_back(std::move(row));
  }
  /// The first \p numRight columns are flush right.
  void print(llvm::raw_ostream &os, size_t numRight) const;

private:
  std::vector<llvm::SmallVector<std::string>> rows;
};

/// The name of a field, and the stream for its value.
llvm::raw_ostream &printField(llvm::raw_ostream &os, llvm::StringRef name);

/// "33.3%", "1.813x" (empty for a zero denominator).
std::string formatShare(Cost part, Cost whole);
std::string formatRatio(Cost cost, Cost other);

/// What is known of a result, in words.
std::string describeCertificate(const SearchResult &result,
                                bool optimalityChecked);

} // namespace fetta

#endif // FETTA_TOOLS_FETTA_PATH_REPORT_H
