//===- EngineTest.cpp - Sweeps with many threads and with stops -----------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SweepTesting.h"
#include "fetta/Sweep/Results.h"

#include "llvm/Support/FileSystem.h"

#include "gtest/gtest.h"

using namespace fetta;
using namespace fetta::test;

namespace {

const char *const axes =
    "vary:\n  contraction_engines: [2, 4, 3, 8]\n  rank: [2, 5]\n"
    "  clock_mhz: [500, 1000]\n  dram_bytes_per_second: [0, 1000000000]\n"
    "zip: {pe_rows: [2, 4], slabs: [4, 1]}\n";

std::string csvOf(const SweepSpec &spec, const SweepRun &run) {
  std::string text;
  llvm::raw_string_ostream os(text);
  must(SweepResults::create(spec, run)).writeCsv(os);
  return text;
}

TEST(Sweep, AnyNumberOfThreads) {
  SweepSpec spec = sweepOf(axes);
  std::string expected;
  for (unsigned jobs : {1u, 2u, 7u}) {
    SweepOptions options;
    options.jobs = jobs;
    SweepRun run = must(runSweep(spec, options));
    EXPECT_EQ(run.evaluated, spec.pointCount());
    EXPECT_FALSE(run.stopped);
    std::string csv = csvOf(spec, run);
    if (expected.empty())
      expected = csv;
    EXPECT_EQ(csv, expected);
    for (uint64_t i = 0; i < spec.pointCount(); ++i) {
      std::vector<llvm::StringRef> values = spec.valuesOf(i);
      // Three engines and no bandwidth are rows with a reason.
      bool refused = values[0] == "3" || values[3] == "0";
      EXPECT_EQ(run.results[i].status == PointResult::Refused, refused) << i;
      EXPECT_EQ(run.results[i].reason.empty(), !refused) << i;
    }
  }
}

// A point of a sweep is what the model says of it alone.
TEST(Sweep, PointsThatShareAMappingAreRight) {
  SweepSpec spec = sweepOf(axes);
  SweepRun run = must(runSweep(spec, SweepOptions()));
  SearchCache cache;
  MappingCache mappings;
  for (uint64_t i = 0; i < spec.pointCount(); i += 5) {
    llvm::Expected<SweepPoint> point = spec.resolve(i);
    if (!point) {
      llvm::consumeError(point.takeError());
      continue;
    }
    LayerPlan plan =
        must(planLayer(point->layer, point->order, point->machine, cache));
    // The machine itself, not what mappings depend on.
    MappedLayer mapped =
        must(mapLayer(plan, point->machine, LayoutChoice::Joint, mappings));
    RawFigures alone = priceLayer(mapped, point->machine, spec.dram);
    EXPECT_EQ(run.results[i].figures.cycles, alone.cycles) << i;
    EXPECT_EQ(run.results[i].figures.dramBytes, alone.dramBytes) << i;
    EXPECT_EQ(run.results[i].figures.weights, alone.weights) << i;
  }
}

// Stopped again and again after a few points, the sweep ends with the same
// bytes, and does no point twice.
TEST(Sweep, GoesOnAfterStops) {
  SweepSpec spec = sweepOf(axes);
  llvm::SmallString<64> path;
  ASSERT_FALSE(llvm::sys::fs::createTemporaryFile("sweep", "journal", path));
  llvm::sys::fs::remove(path);
  uint64_t evaluated = 0, runs = 0;
  for (bool stopped = true; stopped; ++runs) {
    ASSERT_LT(runs, 500u);
    auto journal = must(SweepJournal::open(path, 1));
    std::atomic<bool> stop{false};
    SweepOptions options;
    options.jobs = 1;
    options.journal = journal.get();
    options.stop = &stop;
    // Nothing is done before the first look at the flag if it is set at once,
    // so it is set from a point's own evaluation: see the evaluator below.
    struct Stopper : PointEvaluator {
      llvm::Expected<PointResult> evaluate(const SweepSpec &spec,
                                           const SweepPoint &point) override {
        PointResult result;
        result.status = PointResult::Done;
        result.figures.cycles = point.machine.slabs + point.layer.sizes[4] * 10;
        *stop = ++done == 5;
        return result;
      }
      std::atomic<bool> *stop = nullptr;
      unsigned done = 0;
    } stopper;
    stopper.stop = &stop;
    options.evaluator = &stopper;
    SweepSpec scheduled = spec;
    scheduled.mode = SweepMode::Scheduled;
    SweepRun run = must(runSweep(scheduled, options));
    stopped = run.stopped;
    evaluated += stopper.done;
    for (const PointResult &result : run.results)
      EXPECT_TRUE(stopped || result.status != PointResult::NotDone);
  }
  EXPECT_GT(runs, 3u);
  uint64_t valid = 0;
  for (uint64_t i = 0; i < spec.pointCount(); ++i) {
    llvm::Expected<SweepPoint> point = spec.resolve(i);
    valid += bool(point);
    if (!point)
      llvm::consumeError(point.takeError());
  }
  EXPECT_EQ(evaluated, valid);
  llvm::sys::fs::remove(path);
}

// Orders by energy depend on the table: points of another preset have plans of
// their own.
TEST(Sweep, OrdersForAMachine) {
  SweepSpec spec = sweepOf("vary:\n  objective: [flops, latency, energy, edp]\n"
                           "  energy_preset: [tpu7nm, cacti7-scaled]\n"
                           "  dram_latency_cycles: [10, 20]\n");
  EXPECT_TRUE(spec.changesMapping(spec.axes[1]));
  EXPECT_FALSE(spec.changesMapping(spec.axes[2]));
  EXPECT_FALSE(sweepOf("vary: {energy_preset: [tpu7nm]}\n")
                   .changesMapping(
                       sweepOf("vary: {energy_preset: [tpu7nm]}\n").axes[0]));
  SweepRun run = must(runSweep(spec, SweepOptions()));
  SearchCache cache;
  MappingCache mappings;
  for (uint64_t i = 0; i < spec.pointCount(); ++i) {
    SweepPoint point = must(spec.resolve(i));
    LayerPlan plan =
        must(planLayer(point.layer, point.order, point.machine, cache));
    MappedLayer mapped =
        must(mapLayer(plan, point.machine, LayoutChoice::Joint, mappings));
    RawFigures alone = priceLayer(mapped, point.machine, spec.dram);
    EXPECT_EQ(run.results[i].figures.cycles, alone.cycles) << i;
    EXPECT_EQ(run.results[i].figures.weights, alone.weights) << i;
  }
}

// An evaluator that gives up ends the sweep with its error.
TEST(Sweep, EvaluatorsMayGiveUp) {
  SweepSpec spec = sweepOf(axes);
  spec.mode = SweepMode::Scheduled;
  struct Broken : PointEvaluator {
    llvm::Expected<PointResult> evaluate(const SweepSpec &,
                                         const SweepPoint &) override {
      return llvm::createStringError("no compiler");
    }
  } broken;
  SweepOptions options;
  options.evaluator = &broken;
  EXPECT_EQ(messageOf(runSweep(spec, options)), "no compiler");
}

// Results of another order, machine or program are not taken for this one's.
TEST(Sweep, ContentNamesAllThatMatters) {
  SweepSpec spec = sweepOf(axes);
  SweepPoint point = must(spec.resolve(2));
  std::string base = contentOf(spec, point, "");
  SweepPoint other = point;
  other.machine.name = "renamed";
  EXPECT_EQ(contentOf(spec, other, ""), base);
  other.order.order = ContractionOrder::BTT;
  EXPECT_NE(contentOf(spec, other, ""), base);
  other = point;
  other.order.objective = Objective::size();
  EXPECT_NE(contentOf(spec, other, ""), base);
  other = point;
  other.order.model = ModelObjective::Energy;
  EXPECT_NE(contentOf(spec, other, ""), base);
  other = point;
  other.layouts = LayoutChoice::Separate;
  EXPECT_NE(contentOf(spec, other, ""), base);
  other = point;
  other.layer.sizes[2] += 1;
  EXPECT_NE(contentOf(spec, other, ""), base);
  EXPECT_NE(contentOf(spec, point, "build"), base);
  for (llvm::StringRef key : Machine::keys()) {
    other = point;
    for (const char *value :
         {"1", "2", "systolic", "butterfly", "cacti7-scaled"})
      if (other.machine.get(key) != value)
        if (!llvm::errorToBool(other.machine.set(key, value)))
          break;
    EXPECT_NE(contentOf(spec, other, ""), base) << key.str();
  }
  SweepSpec ideal = spec;
  ideal.dram = DramModel::Ideal;
  EXPECT_NE(contentOf(ideal, point, ""), base);
}

} // namespace
