//===- Alike.cpp - Values that play the same part -------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Colour refinement: values start with what they are, then take on, round by
// round, the contractions that use them and the colours these see, until no
// further values part. Slices of a program become one.
//
//===----------------------------------------------------------------------===//

#include "JointLayouts.h"
#include "fetta/Mapping/Program.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/xxhash.h"

#include <algorithm>

using namespace fetta;
using namespace fetta::mapping;
using llvm::ArrayRef;
using llvm::SmallVector;

static uint64_t hash(ArrayRef<uint64_t> words) {
  return llvm::xxh3_64bits(
      ArrayRef(reinterpret_cast<const uint8_t *>(words.data()),
               words.size() * sizeof(uint64_t)));
}

/// What a contraction is, whatever it reads and writes.
static uint64_t hashOf(const ContractionSpec &spec) {
  SmallVector<uint64_t, 32> words = {
      uint64_t(spec.resultType), uint64_t(spec.accumulates),
      spec.dataflow ? uint64_t(*spec.dataflow) : ~uint64_t(0),
      spec.sizes.size()};
  words.append(spec.sizes.begin(), spec.sizes.end());
  for (ArrayRef<unsigned> modes : spec.modes) {
    words.push_back(modes.size());
    words.append(modes.begin(), modes.end());
  }
  for (int64_t word : spec.constraints.key())
    words.push_back(uint64_t(word));
  return hash(words);
}

static size_t distinct(std::vector<uint64_t> colours) {
  llvm::sort(colours);
  return size_t(std::unique(colours.begin(), colours.end()) - colours.begin());
}

std::vector<uint64_t> mapping::colourValues(const ProgramSpec &program) {
  std::vector<uint64_t> colours;
  for (auto [v, value] : llvm::enumerate(program.values)) {
    // A layout of its own sets a value apart; a group holds its values
    // together.
    SmallVector<uint64_t, 16> words(value.sizes.begin(), value.sizes.end());
    words.push_back(value.layout ? v : ~uint64_t(0));
    words.push_back(value.group ? *value.group : ~uint64_t(0));
    colours.push_back(hash(words));
  }
  std::vector<uint64_t> steps;
  steps.reserve(program.steps.size());
  for (const ProgramSpec::Step &step : program.steps)
    steps.push_back(hashOf(step.contraction));

  std::vector<std::vector<uint64_t>> uses(colours.size());
  for (size_t before = 0, now = distinct(colours); now > before;) {
    for (auto [v, list] : llvm::enumerate(uses))
      list.assign(1, colours[v]);
    for (auto [step, kind] : llvm::zip_equal(program.steps, steps)) {
      uint64_t seen = hash({kind, colours[step.values[0]],
                            colours[step.values[1]], colours[step.values[2]]});
      for (unsigned id = 0; id < 3; ++id)
        uses[step.values[id]].push_back(hash({seen, id}));
    }
    for (auto [v, list] : llvm::enumerate(uses)) {
      std::sort(list.begin() + 1, list.end());
      // Not a group's values: they stay together.
      if (!program.values[v].group)
        colours[v] = hash(list);
    }
    before = now;
    now = distinct(colours);
  }
  return colours;
}
