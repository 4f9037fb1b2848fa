//===- Engine.cpp - Evaluates the points of a sweep -----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Sweep/Engine.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/ThreadPool.h"
#include "llvm/Support/Threading.h"

#include <chrono>
#include <condition_variable>
#include <map>

using namespace fetta;

using Clock = std::chrono::steady_clock;

std::string fetta::contentOf(const SweepSpec &spec, const SweepPoint &point,
                             llvm::StringRef salt) {
  Machine machine = point.machine;
  machine.name = "machine";
  std::string text = salt.str() + "\n" + machine.canonicalJson() + "\n" +
                     (spec.mode == SweepMode::CostModel ? "cost" : "scheduled");
  text += spec.dram == DramModel::Ideal ? " ideal" : " bandwidth";
  text += point.layouts == LayoutChoice::Joint ? " joint " : " separate ";
  if (!spec.modelText.empty())
    return text + stringifyContractionOrder(point.order.order).str() + " " +
           point.order.objectiveName + "\n" + spec.modelText;
  return text + contentOf(point.layer, point.order);
}

namespace {

class SweepRunner {
public:
  SweepRunner(const SweepSpec &spec, const SweepOptions &options)
      : spec(spec), options(options) {
    uint64_t stride = 1;
    for (const SweepAxis &axis : llvm::reverse(spec.axes)) {
      bool outer =
          spec.mode == SweepMode::Scheduled || spec.changesMapping(axis);
      (outer ? outerAxes : innerAxes).push_back({axis.size(), stride});
      (outer ? groups : groupSize) *= axis.size();
      stride *= axis.size();
    }
    chunks = llvm::divideCeil(groupSize, chunkSize);
    run.results.resize(groups * groupSize);
  }

  llvm::Expected<SweepRun> go();

private:
  /// Points of a group that one thread takes at a time.
  static constexpr uint64_t chunkSize = 256;

  struct Steps {
    uint64_t size, stride;
  };
  /// Point number of the combination `number` of some axes, the last of which
  /// moves slowest.
  static uint64_t pointOf(uint64_t number, llvm::ArrayRef<Steps> axes) {
    uint64_t point = 0;
    for (const Steps &axis : axes) {
      point += number % axis.size * axis.stride;
      number /= axis.size;
    }
    return point;
  }

  /// What the points of a group share.
  struct Group {
    std::once_flag once;
    std::optional<MappedLayer> mapped;
    std::string reason; ///< Why there is no mapping.
    uint64_t chunksLeft = 0;
  };

  std::shared_ptr<Group> groupOf(uint64_t number);
  void leave(uint64_t number);
  PointResult price(Group &group, const SweepPoint &point);
  void work();
  void chunk(uint64_t task);
  llvm::Error evaluate(uint64_t point, Group &group);
  bool isStopped() const { return failed || (options.stop && *options.stop); }

  const SweepSpec &spec;
  const SweepOptions &options;
  llvm::SmallVector<Steps, 4> outerAxes, innerAxes;
  uint64_t groups = 1, groupSize = 1, chunks = 1;
  SearchCache cache;
  MappingCache mappings;
  SweepRun run;

  std::atomic<uint64_t> nextTask{0}, evaluated{0}, reused{0};
  std::atomic<bool> failed{false};
  std::mutex mutex; ///< Of what follows.
  std::condition_variable changed;
  std::map<uint64_t, std::shared_ptr<Group>> open;
  unsigned running = 0;
  llvm::Error error = llvm::Error::success();
};

} // namespace

std::shared_ptr<SweepRunner::Group> SweepRunner::groupOf(uint64_t number) {
  std::lock_guard<std::mutex> lock(mutex);
  std::shared_ptr<Group> &group = open[number];
  if (!group) {
    group = std::make_shared<Group>();
    group->chunksLeft = chunks;
  }
  return group;
}

void SweepRunner::leave(uint64_t number) {
  std::lock_guard<std::mutex> lock(mutex);
  auto it = open.find(number);
  if (--it->second->chunksLeft == 0)
    open.erase(it);
}

PointResult SweepRunner::price(Group &group, const SweepPoint &point) {
  std::call_once(group.once, [&] {
    // What an order may depend on besides the mapping.
    Machine machine = mappingMachine(point.machine);
    machine.energyPreset = point.machine.energyPreset;
    machine.clockHz = point.machine.clockHz;
    llvm::Expected<LayerPlan> plan =
        planLayer(point.layer, point.order, machine, cache);
    if (!plan) {
      group.reason = toString(plan.takeError());
      return;
    }
    llvm::Expected<MappedLayer> mapped =
        mapLayer(*plan, mappingMachine(point.machine), point.layouts, mappings);
    if (mapped)
      group.mapped = std::move(*mapped);
    else
      group.reason = toString(mapped.takeError());
  });
  PointResult result;
  if (!group.mapped) {
    result.status = PointResult::Refused;
    result.reason = group.reason;
    return result;
  }
  result.status = PointResult::Done;
  result.figures = priceLayer(*group.mapped, point.machine, spec.dram);
  return result;
}

llvm::Error SweepRunner::evaluate(uint64_t number, Group &group) {
  PointResult &result = run.results[number];
  llvm::Expected<SweepPoint> point = spec.resolve(number);
  if (!point) {
    result.status = PointResult::Refused;
    result.reason = toString(point.takeError());
    ++evaluated;
    return llvm::Error::success();
  }
  PointKey key;
  if (options.journal) {
    key = pointKey(contentOf(spec, *point, options.salt));
    if (const PointResult *known = options.journal->find(key)) {
      result = *known;
      ++reused;
      return llvm::Error::success();
    }
  }
  if (spec.mode == SweepMode::Scheduled) {
    llvm::Expected<PointResult> found =
        options.evaluator->evaluate(spec, *point);
    if (!found)
      return found.takeError();
    result = std::move(*found);
    if (result.status == PointResult::NotDone)
      return llvm::Error::success();
  } else {
    result = price(group, *point);
  }
  ++evaluated;
  return options.journal && result.lasting
             ? options.journal->append(key, result)
             : llvm::Error::success();
}

void SweepRunner::chunk(uint64_t task) {
  uint64_t number = task / chunks, first = task % chunks * chunkSize;
  uint64_t base = pointOf(number, outerAxes);
  std::shared_ptr<Group> group = groupOf(number);
  for (uint64_t i = first; i < std::min(first + chunkSize, groupSize); ++i) {
    if (isStopped())
      break;
    if (llvm::Error e = evaluate(base + pointOf(i, innerAxes), *group)) {
      std::lock_guard<std::mutex> lock(mutex);
      if (failed.exchange(true))
        llvm::consumeError(std::move(e));
      else
        error = std::move(e);
    }
  }
  leave(number);
}

void SweepRunner::work() {
  for (uint64_t task; !isStopped() && (task = nextTask++) < groups * chunks;)
    chunk(task);
  std::lock_guard<std::mutex> lock(mutex);
  --running;
  changed.notify_all();
}

llvm::Expected<SweepRun> SweepRunner::go() {
  Clock::time_point start = Clock::now();
  llvm::ThreadPoolStrategy strategy = llvm::hardware_concurrency(options.jobs);
  unsigned threads = unsigned(
      std::min<uint64_t>(strategy.compute_thread_count(), groups * chunks));
  running = threads;
  auto seconds = [&] {
    return std::chrono::duration<double>(Clock::now() - start).count();
  };
  {
    llvm::DefaultThreadPool pool(strategy);
    for (unsigned i = 0; i < threads; ++i)
      pool.async([this] { work(); });
    std::unique_lock<std::mutex> lock(mutex);
    while (running) {
      changed.wait_for(lock, std::chrono::milliseconds(200));
      if (!options.progress)
        continue;
      SweepProgress progress{evaluated + reused, groups * groupSize, reused,
                             seconds()};
      lock.unlock();
      options.progress(progress);
      lock.lock();
    }
  }
  if (options.journal)
    if (llvm::Error e = options.journal->sync())
      error = llvm::joinErrors(std::move(error), std::move(e));
  if (error)
    return std::move(error);
  run.evaluated = evaluated;
  run.reused = reused;
  run.stopped = evaluated + reused < groups * groupSize;
  run.seconds = seconds();
  return std::move(run);
}

llvm::Expected<SweepRun> fetta::runSweep(const SweepSpec &spec,
                                         const SweepOptions &options) {
  return SweepRunner(spec, options).go();
}
