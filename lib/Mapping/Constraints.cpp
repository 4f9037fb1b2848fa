//===- Constraints.cpp - Mappings that are held to something by hand ------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What a search cannot meet is said in the terms of the constraint, with the
// nearest that is possible.
//
//===----------------------------------------------------------------------===//

#include "LaneCatalog.h"

#include "fetta/Support/Error.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/MathExtras.h"

#include <algorithm>
#include <cstdlib>

using namespace fetta;
using namespace fetta::mapping;
using llvm::ArrayRef;
using llvm::Error;
using llvm::SmallVector;

bool MappingConstraints::empty() const {
  return rows.empty() && columns.empty() && ces.empty() && scope.empty() &&
         loops.empty();
}

SmallVector<int64_t, 0> MappingConstraints::key() const {
  SmallVector<int64_t, 0> words;
  if (empty())
    return words;
  auto add = [&](const auto &list) {
    words.push_back(int64_t(list.size()));
    for (const auto &entry : list)
      words.push_back(entry ? int64_t(*entry) : -1);
  };
  add(rows);
  add(columns);
  add(ces);
  add(scope);
  words.append(loops.begin(), loops.end());
  return words;
}

namespace {

class Checker {
public:
  Checker(const ContractionSpec &spec, const Machine &machine)
      : spec(spec), machine(machine), constraints(spec.constraints) {}

  Error run() {
    if (Error error = checkNumbers())
      return error;
    if (Error error = checkPlaces())
      return error;
    if (possible(spec))
      return Error::success();
    return explainScope();
  }

private:
  std::string nameOf(unsigned m) const {
    return m < spec.names.size() ? spec.names[m] : std::to_string(m);
  }
  static unsigned at(const MappingConstraints::PerMode<unsigned> &list,
                     unsigned m) {
    return m < list.size() ? list[m].value_or(0) : 0;
  }
  bool holds(unsigned id, unsigned m) const {
    return llvm::is_contained(spec.modes[id], m);
  }

  /// Every number for itself: bits of a mode, bits of the machine.
  Error checkNumbers() const {
    struct Place {
      const char *name;
      const MappingConstraints::PerMode<unsigned> &list;
      unsigned bits;
    };
    for (const Place &place :
         {Place{"rows", constraints.rows, machine.peRowBits},
          Place{"columns", constraints.columns, machine.peColumnBits},
          Place{"ces", constraints.ces, machine.ceBits}}) {
      unsigned sum = 0;
      for (unsigned m = 0; m < place.list.size(); ++m)
        sum += at(place.list, m);
      if (sum > place.bits)
        return makeError("{0}: {1} bits are asked for, the machine has {2}: at "
                         "most {2} in all",
                         place.name, sum, place.bits);
    }
    for (unsigned m = 0; m < spec.sizes.size(); ++m) {
      unsigned bits = llvm::Log2_64_Ceil(uint64_t(spec.sizes[m]));
      unsigned sum = at(constraints.rows, m) + at(constraints.columns, m) +
                     at(constraints.ces, m);
      if (sum > bits)
        return makeError("rows, columns and ces: {0} bits of mode {1} are "
                         "asked for, its size {2} has {3}: at most {3} in all",
                         sum, nameOf(m), spec.sizes[m], bits);
      if (m < constraints.scope.size() && constraints.scope[m]) {
        if (*constraints.scope[m] < 1)
          return makeError("scope: {0} indices of mode {1}: at least 1",
                           *constraints.scope[m], nameOf(m));
        if (!holds(OperandC, m) && *constraints.scope[m] < spec.sizes[m])
          return makeError("scope: mode {0} is reduced, all of its {1} indices "
                           "lie inside a scope: at least {1}",
                           nameOf(m), spec.sizes[m]);
      }
    }
    for (auto [i, m] : llvm::enumerate(constraints.loops)) {
      if (!holds(OperandC, m))
        return makeError("loops: mode {0} is reduced; its loop has its place "
                         "by the dataflow: name modes of the result only",
                         nameOf(m));
      if (llvm::is_contained(ArrayRef(constraints.loops).take_front(i), m))
        return makeError("loops: mode {0} is named twice", nameOf(m));
    }
    return Error::success();
  }

  /// Whether a dataflow has the mode on its rows or columns.
  Error checkPlaces() const {
    SmallVector<std::string, 3> reasons;
    for (Dataflow dataflow : allDataflows) {
      if (spec.dataflow && *spec.dataflow != dataflow)
        continue;
      Problem problem = makeProblem(spec, machine, dataflow);
      if (problem.possible)
        return Error::success();
      for (unsigned m = 0; m < problem.modes.size(); ++m)
        for (bool rows : {true, false}) {
          unsigned bits = at(rows ? constraints.rows : constraints.columns, m);
          if (bits == 0 || (rows ? problem.onRows(m) : problem.onColumns(m)))
            continue;
          reasons.push_back(
              llvm::formatv("{0}: mode {1} cannot lie there {2}, where {3}",
                            rows ? "rows" : "columns", nameOf(m),
                            dataflowName(dataflow), allowed(problem, rows))
                  .str());
          m = unsigned(problem.modes.size());
          break;
        }
    }
    return makeError("{0}", llvm::join(reasons, "; "));
  }

  std::string allowed(const Problem &problem, bool rows) const {
    SmallVector<std::string, 8> names;
    for (unsigned m = 0; m < problem.modes.size(); ++m)
      if (problem.modes[m].bits > 0 &&
          (rows ? problem.onRows(m) : problem.onColumns(m)))
        names.push_back(nameOf(m));
    return names.empty() ? "no mode can"
                         : "only " + llvm::join(names, ", ") + " can";
  }

  bool possible(const ContractionSpec &with) const {
    std::optional<Candidate> best;
    LaneCatalogs catalogs(machine);
    for (Dataflow dataflow : allDataflows)
      if (!best && (!with.dataflow || *with.dataflow == dataflow))
        search(makeProblem(with, machine, dataflow), CostWeights(), catalogs,
               best);
    return best.has_value();
  }

  /// All but the scope fits; what would, instead of one of its entries?
  Error explainScope() const {
    for (unsigned m = 0; m < constraints.scope.size(); ++m) {
      if (!constraints.scope[m])
        continue;
      int64_t wanted = *constraints.scope[m], size = spec.sizes[m];
      // Nearest first; tries are quick, but sizes may be large.
      ContractionSpec other = spec;
      for (int64_t distance = 1; distance <= std::min<int64_t>(size, 256);
           ++distance)
        for (int64_t extent : {wanted - distance, wanted + distance}) {
          if (extent < 1 || extent > size)
            continue;
          other.constraints.scope[m] = extent;
          if (possible(other))
            return tooMuch(m, llvm::formatv("{0} would do", extent).str());
        }
      other.constraints.scope[m].reset();
      if (possible(other))
        return tooMuch(m, "without this constraint there is a mapping");
    }
    return makeError("scope: no mapping has these scopes and these rows, "
                     "columns and ces; name fewer");
  }

  Error tooMuch(unsigned m, llvm::StringRef nearest) const {
    return makeError(
        "scope: no mapping holds {0} indices of mode {1} inside a scope: they "
        "have to be whole blocks of its lane bits, and the rows of a scope fit "
        "{2} accumulator rows; {3}",
        *constraints.scope[m], nameOf(m), machine.accumulatorRows, nearest);
  }

  const ContractionSpec &spec;
  const Machine &machine;
  const MappingConstraints &constraints;
};

} // namespace

Error mapping::checkConstraints(const ContractionSpec &spec,
                                const Machine &machine) {
  return Checker(spec, machine).run();
}
