//===- Program.cpp - Contractions that are mapped together ----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Mapping/Program.h"
#include "JointLayouts.h"

#include "fetta/Support/Error.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"

#include <map>
#include <memory>
#include <tuple>

using namespace fetta;
using namespace fetta::mapping;
using llvm::ArrayRef;
using llvm::Error;
using llvm::SmallVector;

using Shape = SmallVector<int64_t, 8>;

/// What a cycle of latency is worth, if one of the array's time is worth 16.
static constexpr int64_t leastLatencyWeight = 4, mostLatencyWeight = 12;

/// Without conflicts a solution need not be as close to the lower bound.
static constexpr int64_t conflictFreeSlack = 8;

/// Conflicts that cost less are left to repairs.
static constexpr int64_t nearlyPerfect = 2048;

/// Orders in which contractions are mapped one by one.
static constexpr unsigned greedyRounds = 8;

namespace {

class ProgramMapper {
public:
  ProgramMapper(const ProgramSpec &program, const Machine &machine,
                const ProgramOptions &options)
      : program(program), machine(machine), options(options),
        searches(machine) {}

  llvm::Expected<MappedProgram> run(unsigned *failedStep) {
    Error error = map();
    if (!error)
      return std::move(result);
    if (failedStep)
      *failedStep = step;
    return addErrorContext(llvm::formatv("contraction {0}", step).str(),
                           std::move(error));
  }

private:
  /// A mapping of the program, or a part of one.
  struct Assignment {
    std::vector<std::optional<Layout>> layouts; ///< By group, over its sizes.
    std::vector<std::shared_ptr<const MappedContraction>> mapped; ///< By class.
    std::vector<int64_t> scores;                                  ///< By class.
    int64_t score = 0;
    unsigned conflicts = 0; ///< Operands with missing bits.

    /// A conflict that hides behind other work still reads rows twice.
    int64_t worth() const { return score + score / 1024 * conflicts; }
  };

  Error map() {
    if (Error error = makeGroups())
      return error;
    if (Error error = makeClasses())
      return error;
    start.mapped.resize(classes.size());
    start.scores.resize(classes.size(), 0);
    for (unsigned c = 0; c < classes.size(); ++c)
      programOrder.push_back(c);
    order = programOrder;
    if (Error error = chooseMappings())
      return error;
    result.steps.reserve(classOf.size());
    for (unsigned c : classOf) {
      const MappedContraction &mapping = *now.mapped[c];
      result.steps.push_back(mapping);
      const SerialCycles &cycles = mapping.cycles;
      result.occupancy += cycles.beats + cycles.bankConflict +
                          cycles.stationaryReload + cycles.drainBusy;
      result.conflicts += conflictsOf(mapping);
    }
    result.classes = unsigned(classes.size());
    result.layouts = layoutsOfValues(program, groupOf, now.layouts, machine);
    return Error::success();
  }

  /// How a contraction that has no mapping yet gets one.
  enum class Method {
    Alone,  ///< Best serial schedule on the layouts that are there.
    Greedy, ///< The same, weighed as part of a program.
    Joint,  ///< On the layouts of the joint search.
  };

  /// Where chains of dependent contractions take longer than all their beats,
  /// latency counts more.
  void weighLatency() {
    int64_t occupancy = 0, longest = 0;
    std::vector<int64_t> links(program.values.size(), 0);
    for (auto [s, c] : llvm::enumerate(classOf)) {
      const std::array<unsigned, 3> &values = program.steps[s].values;
      int64_t macs = 1;
      for (int64_t size : classes[c].spec.sizes)
        macs *= size;
      occupancy += int64_t(llvm::divideCeil(macs, machine.pes()));
      int64_t &end = links[values[OperandC]];
      end =
          std::max({end, links[values[OperandA]], links[values[OperandB]]}) + 1;
      longest = std::max(longest, end);
    }
    int64_t waiting = longest * (machine.pipelineCycles() + 2);
    int64_t weight = std::clamp<int64_t>(leastLatencyWeight * 8 * waiting /
                                             std::max<int64_t>(1, occupancy),
                                         leastLatencyWeight, mostLatencyWeight);
    for (ProgramClass &cls : classes)
      cls.latencyWeight = weight;
  }

  Error chooseMappings() {
    if (options.layouts == LayoutChoice::Separate)
      return assign(Method::Alone);
    weighLatency();
    LowerBound bound = searches.boundOf(classes);
    result.occupancyBound = bound.occupancy;
    std::optional<Assignment> best;
    auto good = [&] {
      if (!best)
        return false;
      int64_t slack = best->score - bound.score;
      return slack <= bound.score / closeEnough ||
             (best->conflicts == 0 && slack <= bound.score / conflictFreeSlack);
    };
    std::vector<int64_t> blame(classes.size(), 0);
    // Often enough the contractions get along one by one, if those that came
    // too late come first in the next round.
    for (unsigned round = 0; round < greedyRounds; ++round) {
      if (Error error = assign(Method::Greedy)) {
        // A view that the first one did not know of.
        llvm::consumeError(std::move(error));
        break;
      }
      if (!best || now.worth() < best->worth())
        best = now;
      if (good() && (now.conflicts == 0 ||
                     best->score - bound.score <= bound.score / nearlyPerfect))
        break;
      for (unsigned c = 0; c < classes.size(); ++c) {
        blame[c] /= 2;
        if (conflictsOf(*now.mapped[c]) > 0)
          blame[c] += 1 + now.scores[c] -
                      classes[c].count *
                          searches.best(classes[c], classes[c].spec, {})->score;
      }
      llvm::stable_sort(
          order, [&](unsigned a, unsigned b) { return blame[a] > blame[b]; });
    }
    if (best && best->conflicts > 0)
      repair(*best);
    if (!good()) {
      joint = chooseLayouts(groups, classes, machine);
      result.candidates = joint.candidates;
      result.states = joint.states;
      order = programOrder;
      if (Error error = assign(Method::Joint))
        return error;
      Assignment together = now;
      if (together.conflicts > 0)
        repair(together);
      if (!best || together.worth() < best->worth())
        best = std::move(together);
    }
    now = std::move(*best);
    return Error::success();
  }

  /// Maps all classes in `order`.
  Error assign(Method method) {
    now = start;
    return mapClasses(order, method);
  }

  Error mapClasses(ArrayRef<unsigned> list, Method method) {
    for (unsigned c : list) {
      step = classes[c].firstStep;
      if (Error error = mapClass(c, method))
        return error;
    }
    now.score = now.conflicts = 0;
    for (unsigned c = 0; c < classes.size(); ++c) {
      now.score += now.scores[c];
      now.conflicts += conflictsOf(*now.mapped[c]);
    }
    return Error::success();
  }

  /// Local search: a contraction that meets a conflict chooses anew, and after
  /// it those that share a value with it; the layouts of these values are
  /// forgotten, the others stay. First the values with conflicts only, then all
  /// of the contraction, then all of its neighbours.
  void repair(Assignment &best) {
    for (bool better = true; better && best.conflicts > 0;) {
      better = false;
      for (unsigned c = 0; c < classes.size() && !better; ++c) {
        if (conflictsOf(*best.mapped[c]) == 0)
          continue;
        SmallVector<unsigned, 16> free, touched;
        for (unsigned id = 0; id < 3; ++id)
          if (best.mapped[c]->nest.operands[id].serialLanes)
            free.push_back(classes[c].views[id].group);
        for (unsigned reach = 0; reach < 3 && !better; ++reach) {
          touched = {c};
          for (unsigned other = 0; other < classes.size(); ++other)
            if (other != c && touches(other, free))
              touched.push_back(other);
          now = best;
          for (unsigned group : free)
            now.layouts[group] = start.layouts[group];
          if (Error error = mapClasses(touched, Method::Greedy)) {
            llvm::consumeError(std::move(error));
          } else if (now.worth() < best.worth()) {
            best = now;
            better = true;
          }
          for (unsigned next : reach == 0 ? ArrayRef(c) : ArrayRef(touched))
            for (const GroupView &view : classes[next].views)
              if (!llvm::is_contained(free, view.group))
                free.push_back(view.group);
        }
      }
    }
  }

  bool touches(unsigned c, ArrayRef<unsigned> list) const {
    return llvm::any_of(classes[c].views, [&](const GroupView &view) {
      return llvm::is_contained(list, view.group);
    });
  }

  static unsigned conflictsOf(const MappedContraction &mapping) {
    return unsigned(
        llvm::count_if(mapping.nest.operands, [](const Operand &operand) {
          return operand.serialLanes != 0;
        }));
  }

  //===--------------------------------------------------------------------===//
  // Values that share a layout, contractions that share a mapping
  //===--------------------------------------------------------------------===//

  unsigned addGroup(const ProgramSpec::Value &value) {
    LayoutGroup group;
    group.sizes = value.sizes;
    if (value.layout) {
      group.fixed.emplace();
      for (auto [d, dim] : llvm::enumerate(value.layout->dims))
        (*group.fixed)[unsigned(d)] = uint8_t(dim.lowBits);
    }
    groups.push_back(std::move(group));
    start.layouts.push_back(value.layout);
    return unsigned(groups.size() - 1);
  }

  Error makeGroups() {
    groupOf.resize(program.values.size());
    writer.resize(program.values.size(), false);
    for (step = 0; step < program.steps.size(); ++step) {
      const ProgramSpec::Step &s = program.steps[step];
      for (unsigned value : s.values)
        if (value >= program.values.size())
          return makeError("there is no value {0}", value);
      writer[s.values[OperandC]] = true;
    }
    step = 0;
    std::vector<uint64_t> colours = colourValues(program);
    std::map<uint64_t, unsigned> known;
    for (auto [v, value] : llvm::enumerate(program.values)) {
      if (value.sizes.size() > maxDims)
        return makeError("value {0} has {1} dimensions; instructions hold {2} "
                         "modes",
                         v, value.sizes.size(), maxDims);
      auto [it, isNew] = value.group ? named.try_emplace(*value.group, 0)
                                     : known.try_emplace(colours[v], 0);
      if (isNew)
        it->second = addGroup(value);
      else if (groups[it->second].sizes != value.sizes)
        return makeError("value {0} has another shape than others of its group",
                         v);
      groupOf[v] = it->second;
    }
    return Error::success();
  }

  Error makeClasses() {
    using Key = std::tuple<Shape, std::array<SmallVector<unsigned, 8>, 3>,
                           unsigned, unsigned, bool, std::array<unsigned, 3>,
                           SmallVector<int64_t, 0>>;
    std::map<Key, unsigned> known;
    for (step = 0; step < program.steps.size(); ++step) {
      const ProgramSpec::Step &s = program.steps[step];
      ContractionSpec spec = s.contraction;
      spec.layouts = {};
      std::array<unsigned, 3> operands;
      for (unsigned id = 0; id < 3; ++id)
        operands[id] = groupOf[s.values[id]];
      Key key(Shape(spec.sizes.begin(), spec.sizes.end()), spec.modes,
              unsigned(spec.resultType),
              spec.dataflow ? unsigned(*spec.dataflow) : 3u, spec.accumulates,
              operands, spec.constraints.key());
      auto [it, isNew] = known.try_emplace(key, unsigned(classes.size()));
      if (isNew) {
        if (Error error = checkSpec(spec, machine))
          return error;
        ProgramClass cls;
        cls.spec = spec;
        cls.firstStep = step;
        for (unsigned id = 0; id < 3; ++id)
          cls.views[id].group = operands[id];
        if (Error error = addViews(cls))
          return error;
        for (unsigned id = 0; id < 2; ++id)
          cls.produced[id] = writer[s.values[id]];
        classes.push_back(std::move(cls));
      }
      ++classes[it->second].count;
      classOf.push_back(it->second);
    }
    return Error::success();
  }

  static Shape viewShape(const ContractionSpec &spec, unsigned id) {
    Shape shape;
    for (unsigned m : spec.modes[id])
      shape.push_back(spec.sizes[m]);
    return shape;
  }

  /// How a class sees its values; its shapes become merges of the groups.
  Error addViews(ProgramClass &cls) {
    for (unsigned id = 0; id < 3; ++id) {
      GroupView &view = cls.views[id];
      LayoutGroup &group = groups[view.group];
      auto merged = mergedDims(group.sizes, viewShape(cls.spec, id));
      if (!merged)
        return makeError("operand {0} has a shape that does not merge "
                         "neighbours of its value's",
                         id);
      view.dims.resize(cls.spec.sizes.size());
      for (auto [m, dims] : llvm::zip_equal(cls.spec.modes[id], *merged)) {
        view.dims[m] = dims;
        if (dims.size() > 1 && !llvm::is_contained(group.merges, dims))
          group.merges.push_back(dims);
      }
    }
    return Error::success();
  }

  //===--------------------------------------------------------------------===//
  // Nests
  //===--------------------------------------------------------------------===//

  /// The layouts that are known by now, as the class sees them.
  Error setLayouts(const ProgramClass &cls, ContractionSpec &spec) const {
    for (unsigned id = 0; id < 3; ++id) {
      const std::optional<Layout> &layout = now.layouts[cls.views[id].group];
      spec.layouts[id].reset();
      if (!layout)
        continue;
      spec.layouts[id] = relabel(*layout, viewShape(spec, id));
      if (!spec.layouts[id])
        return makeError("the layout of operand {0} does not allow the shape "
                         "in which it is used",
                         id);
    }
    return Error::success();
  }

  /// Whether all operands of one group got the group's layout.
  bool agrees(const ProgramClass &cls, const MappedContraction &mapped) const {
    for (unsigned id = 0; id < 3; ++id)
      if (relabel(*now.layouts[cls.views[id].group], viewShape(cls.spec, id)) !=
          mapped.layouts[id])
        return false;
    return true;
  }

  Error mapClass(unsigned c, Method method) {
    const ProgramClass &cls = classes[c];
    std::shared_ptr<const MappedContraction> &mapping = now.mapped[c];
    ContractionSpec spec = cls.spec;
    int64_t score = 0;
    // The second time, layouts that two operands share are known.
    for (unsigned round = 0; round < 2; ++round) {
      if (Error error = setLayouts(cls, spec))
        return error;
      if (method == Method::Alone) {
        llvm::Expected<MappedContraction> alone = mapContraction(spec, machine);
        if (!alone)
          return alone.takeError();
        mapping = std::make_shared<MappedContraction>(std::move(*alone));
      } else {
        auto weighed = mapOnLayouts(c, spec, method, score);
        if (!weighed)
          return weighed.takeError();
        mapping = std::move(*weighed);
      }
      for (unsigned id = 0; id < 3; ++id) {
        unsigned group = cls.views[id].group;
        std::optional<Layout> &layout = now.layouts[group];
        if (layout)
          continue;
        layout = relabel(mapping->layouts[id], groups[group].sizes);
        if (!layout)
          return makeError("no layout of operand {0} allows all shapes in "
                           "which it is used",
                           id);
      }
      if (agrees(cls, *mapping)) {
        now.scores[c] = cls.count * score;
        return Error::success();
      }
    }
    return makeError("reads one tensor in two shapes, which no layout of it "
                     "allows");
  }

  /// With the joint search low bits are chosen, and the bank bits of what is
  /// not placed yet are free.
  llvm::Expected<std::shared_ptr<const MappedContraction>>
  mapOnLayouts(unsigned c, const ContractionSpec &spec, Method method,
               int64_t &score) {
    const ProgramClass &cls = classes[c];
    auto lowBits = cls.problem(spec, machine, Dataflow::BStationary).lowBits;
    for (unsigned id = 0; id < 3 && method == Method::Joint; ++id) {
      if (lowBits[id])
        continue;
      lowBits[id].emplace(spec.sizes.size(), 0);
      const GroupView &view = cls.views[id];
      for (auto [m, dims] : llvm::enumerate(view.dims))
        for (unsigned d : dims)
          (*lowBits[id])[m] += joint.layouts[view.group][d];
    }
    auto problemOn = [&](Dataflow dataflow) {
      Problem problem = cls.problem(spec, machine, dataflow);
      problem.lowBits = lowBits;
      return problem;
    };
    std::optional<Candidate> best;
    if (method == Method::Joint) {
      const auto &[dataflow, shares] = joint.lanes[c];
      searchCuts(problemOn(dataflow), cls.weights(dataflow), shares, best);
    }
    const Candidate *other = searches.best(cls, spec, lowBits);
    if (other && (!best || other->score < best->score)) {
      score = other->score;
      return searches.nestOf(spec, problemOn(other->dataflow), *other);
    }
    if (!best)
      return makeError("no mapping meets its constraints on the layouts of "
                       "other contractions: leave its scope free");
    score = best->score;
    return std::make_shared<MappedContraction>(
        buildNest(spec, problemOn(best->dataflow), *best));
  }

  const ProgramSpec &program;
  const Machine &machine;
  const ProgramOptions &options;
  unsigned step = 0; ///< At hand, for messages.
  MappedProgram result;

  std::vector<LayoutGroup> groups;
  std::vector<unsigned> groupOf;      ///< By value.
  std::vector<bool> writer;           ///< By value: a step writes it.
  std::map<uint64_t, unsigned> named; ///< Groups of the caller.
  std::vector<ProgramClass> classes;
  std::vector<unsigned> classOf;             ///< By step.
  std::vector<unsigned> programOrder, order; ///< Of classes.
  JointLayouts joint;
  ProgramSearch searches;
  Assignment start, now; ///< What is given; the mapping at hand.
};

} // namespace

llvm::Expected<MappedProgram> fetta::mapProgram(const ProgramSpec &program,
                                                const Machine &machine,
                                                const ProgramOptions &options,
                                                unsigned *failedStep) {
  return ProgramMapper(program, machine, options).run(failedStep);
}
