//===- Engine.h - Evaluates the points of a sweep ---------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Runs a sweep on several threads. Points that share a mapping are evaluated
/// together; results stand in the order of the points, whatever the number of
/// threads.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_SWEEP_ENGINE_H
#define FETTA_SWEEP_ENGINE_H

#include "fetta/Sweep/Journal.h"
#include "fetta/Sweep/SweepFile.h"

#include <atomic>
#include <functional>

namespace fetta {

/// Evaluates points of scheduled mode: something that compiles.
class PointEvaluator {
public:
  virtual ~PointEvaluator() = default;
  /// Any thread. An error is one of the sweep as a whole; what is wrong with
  /// the point is in its result.
  virtual llvm::Expected<PointResult> evaluate(const SweepSpec &spec,
                                               const SweepPoint &point) = 0;
};

struct SweepProgress {
  uint64_t done = 0, all = 0;
  uint64_t reused = 0; ///< Of those done: from the journal.
  double seconds = 0;
};

struct SweepOptions {
  unsigned jobs = 0; ///< 0: as many as there are cores.
  SweepJournal *journal = nullptr;
  PointEvaluator *evaluator = nullptr; ///< Of scheduled mode.
  /// What results depend on besides the points, e.g. a hash of the program.
  std::string salt;
  /// Looked at before every point; true ends the sweep.
  const std::atomic<bool> *stop = nullptr;
  /// Called now and then, on the calling thread.
  std::function<void(const SweepProgress &)> progress;
};

struct SweepRun {
  std::vector<PointResult> results; ///< By point.
  uint64_t evaluated = 0, reused = 0;
  bool stopped = false; ///< Some points are not done.
  double seconds = 0;
};

/// Errors: the journal cannot be written, the evaluator gave up. Results up to
/// then are in the journal.
llvm::Expected<SweepRun> runSweep(const SweepSpec &spec,
                                  const SweepOptions &options);

/// Everything that the result of a point depends on, as text.
std::string contentOf(const SweepSpec &spec, const SweepPoint &point,
                      llvm::StringRef salt);

} // namespace fetta

#endif // FETTA_SWEEP_ENGINE_H
