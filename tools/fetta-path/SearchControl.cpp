//===- SearchControl.cpp - Budget, progress and Ctrl-C --------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SearchControl.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/Process.h"
#include "llvm/Support/raw_ostream.h"

#include <cmath>
#include <csignal>

using namespace llvm;
using namespace fetta;

cl::OptionCategory &fetta::pathCategory() {
  static cl::OptionCategory category("fetta-path options");
  return category;
}

static cl::opt<unsigned> exactLimit(
    "exact-limit",
    cl::desc("Prove optimality up to this many tensors (default 20, at most "
             "24; each further one at worst triples the time)"),
    cl::init(SearchOptions().exactLimit), cl::cat(pathCategory()));
static cl::opt<unsigned>
    trials("trials",
           cl::desc("Beyond the exact limit: randomized greedy orders to try "
                    "(default 32)"),
           cl::value_desc("count"), cl::init(HeuristicWork().trials),
           cl::cat(pathCategory()));
static cl::list<uint64_t> anneal(
    "anneal",
    cl::desc("Then: chains of annealing by their sweeps (default 500,500; 0: "
             "none)"),
    cl::value_desc("list"), cl::CommaSeparated, cl::cat(pathCategory()));
static cl::opt<unsigned>
    window("window",
           cl::desc("Then: improve the best orders by windows of so many "
                    "tensors, solved exactly (default 10; 3 to 16)"),
           cl::init(HeuristicWork().window), cl::cat(pathCategory()));
static cl::opt<unsigned> rounds(
    "rounds",
    cl::desc("Times that all windows are visited (default 10; 0: no windows)"),
    cl::value_desc("count"), cl::init(HeuristicWork().rounds),
    cl::cat(pathCategory()));
static cl::opt<uint64_t> seed("seed",
                              cl::desc("Seed of trials and chains (default 1)"),
                              cl::init(HeuristicWork().seed),
                              cl::cat(pathCategory()));
static cl::opt<double> seconds(
    "seconds",
    cl::desc("Beyond the exact limit: search for so long instead; the report "
             "names the work that gives the same order again. An exact search "
             "is given up after that time"),
    cl::value_desc("time"), cl::init(0), cl::cat(pathCategory()));
static cl::opt<unsigned>
    threads("threads",
            cl::desc("Threads of the search (default: all of the machine); "
                     "they do not change the result"),
            cl::init(0), cl::cat(pathCategory()));
static cl::opt<bool>
    progress("progress",
             cl::desc("Tell on stderr how the search is going, even if that is "
                      "no terminal"),
             cl::cat(pathCategory()));

std::string fetta::checkSearchOptions() {
  if (exactLimit > maxExactTensors)
    return "--exact-limit is at most " + std::to_string(maxExactTensors);
  if (window < 3 || window > 16)
    return "--window is 3 to 16";
  if (seconds.getNumOccurrences() != 0 &&
      (!std::isfinite(seconds) || seconds <= 0))
    return "--seconds is a time above 0";
  if (hasTimeLimit() &&
      (anneal.getNumOccurrences() != 0 || rounds.getNumOccurrences() != 0))
    return "--seconds decides about --anneal and --rounds: leave one out";
  return "";
}

bool fetta::hasTimeLimit() { return seconds.getNumOccurrences() != 0; }

/// One line that is written over on a terminal, else a line each time.
static void showProgress(const SearchProgress &now) {
  bool isTerminal = sys::Process::StandardErrIsDisplayed();
  errs() << (isTerminal ? "\r" : "")
         << format("%.1f s  %s %u/%u", now.seconds, now.phase.str().c_str(),
                   now.unitsDone, now.unitsPlanned);
  if (std::isfinite(now.best))
    errs() << format("  best %.4g", now.best);
  errs() << (isTerminal ? "\x1b[K" : "\n");
}

void fetta::clearProgress() {
  if (sys::Process::StandardErrIsDisplayed())
    errs() << "\r\x1b[K";
}

static volatile std::sig_atomic_t interrupted = 0;

bool fetta::wasInterrupted() { return interrupted != 0; }

void fetta::catchSignals() {
  for (int number : {SIGINT, SIGTERM}) {
    struct sigaction action = {};
    action.sa_handler = [](int) { interrupted = 1; };
    // Once: the default comes back, so the next one ends the program.
    action.sa_flags = SA_RESETHAND | SA_RESTART;
    sigaction(number, &action, nullptr);
  }
}

SearchOptions fetta::makeSearchOptions(const Objective &objective) {
  SearchOptions options;
  options.exactLimit = exactLimit;
  options.objective = objective;
  HeuristicWork &work = options.heuristic.work;
  work.trials = trials;
  if (anneal.getNumOccurrences() != 0)
    work.sweeps.assign(anneal.begin(), anneal.end());
  erase(work.sweeps, 0u);
  work.window = window;
  work.rounds = rounds;
  work.seed = seed;
  options.heuristic.seconds = seconds;
  options.heuristic.threads = threads;
  options.heuristic.shouldStop = wasInterrupted;
  if (progress || sys::Process::StandardErrIsDisplayed())
    options.heuristic.onProgress = showProgress;
  return options;
}

std::string fetta::formatWork(const HeuristicWork &work) {
  std::string sweeps =
      join(map_range(work.sweeps, [](uint64_t count) { return utostr(count); }),
           ",");
  return "--trials=" + utostr(work.trials) +
         " --anneal=" + (sweeps.empty() ? "0" : sweeps) +
         " --window=" + utostr(work.window) +
         " --rounds=" + utostr(work.rounds) + " --seed=" + utostr(work.seed);
}
