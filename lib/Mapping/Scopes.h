//===- Scopes.h - The cycles of a nest, scope by scope ----------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// The recurrence over accumulator scopes behind serialCycles(): halves of the
/// accumulators, drains and reloads from one scope to the next. Scopes that
/// repeat what came before, measured from their own start, are not walked but
/// multiplied.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_LIB_MAPPING_SCOPES_H
#define FETTA_LIB_MAPPING_SCOPES_H

#include "fetta/Layout/Nest.h"

namespace fetta::mapping {

/// Rows that the drain of a scope visits: the product over the result's modes.
class ScopeRows {
public:
  explicit ScopeRows(const Nest &nest);

  /// Rows of the scope at `counters`, those of the loops outside it.
  int64_t rows(llvm::ArrayRef<int64_t> counters) const;
  /// How many iterations of loop `level` after the one at `counters` have
  /// scopes of the same rows, in the same order.
  int64_t alike(unsigned level, llvm::ArrayRef<int64_t> counters) const;

private:
  struct ModeRows {
    unsigned mode = 0;
    int64_t block = 1; ///< Indices on lanes.
    int64_t span = 0;  ///< From the first to the last index inside the scope.
    bool contiguous = true; ///< These indices are all that lie between.
    /// The indices of a scope share a row wherever it begins.
    bool oneRow = false;
    int64_t row = 1; ///< Indices in a memory row.
  };
  int64_t startOf(unsigned mode, llvm::ArrayRef<int64_t> counters,
                  unsigned levels) const;
  int64_t rowsOf(const ModeRows &m, int64_t start) const;

  const Nest &nest;
  llvm::SmallVector<ModeRows, 8> modes;
};

/// What the recurrence needs to know of a nest, in cycles.
struct ScopeCosts {
  bool outputStationary = false;
  int64_t perScope = 1; ///< Beats.
  int64_t tile = 1;     ///< Beats of a tile, which may outlast a scope.
  int64_t beat = 1;     ///< Cycles of a beat.
  int64_t transfer = 1; ///< Of a tile: load or drain.
  int64_t planes = 1;   ///< Accesses of the result per row.
};

class ScopeTimeline {
public:
  ScopeTimeline(const Nest &nest, const ScopeCosts &costs);
  void run() { walk(0); }

  /// Cycles count from the end of the first load, without the fill.
  int64_t end() const { return now; } ///< Of the last beat.
  int64_t reload() const { return reloads; }
  /// Of the last scope: what its drain waits for the drain before, its tile's
  /// own drain into the accumulators, and its rows.
  int64_t lastWait() const { return waited; }
  int64_t lastTransfer() const { return transferred - now; }
  int64_t lastRows() const { return rows; }

private:
  /// What the next scope sees, measured from the end of the beats so far.
  struct Relative {
    int64_t tileStart, transferred, own, other;
    bool operator==(const Relative &o) const {
      return tileStart == o.tileStart && transferred == o.transferred &&
             own == o.own && other == o.other;
    }
  };
  Relative relative() const;
  void walk(unsigned level);
  void scope();

  const Nest &nest;
  const ScopeCosts costs;
  ScopeRows scopeRows;
  llvm::SmallVector<int64_t, 8> counters; ///< Of the loops outside the scope.
  int64_t tilesPerScope, scopesPerTile, tileCycles, period;

  int64_t now = 0; ///< End of the beats so far.
  int64_t reloads = 0;
  int64_t tileStart;       ///< Of the latest stationary tile.
  int64_t transferred = 0; ///< End of the latest output-stationary drain.
  /// Ends of the last drains of the half that the next scope takes, and of the
  /// other one.
  int64_t own = 0, other = 0;
  int64_t phase = 0; ///< Scopes since a tile began.
  int64_t waited = 0, rows = 0;
};

} // namespace fetta::mapping

#endif // FETTA_LIB_MAPPING_SCOPES_H
