//===- ScalarReference.cpp - The machine's arithmetic in loops ------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ScalarReference.h"

#include <cmath>
#include <cstring>

using namespace fetta;
using namespace fetta::test;

using Index = std::vector<int64_t>;

size_t ModeArray::offset(const Index &modeIndex) const {
  size_t offset = 0;
  for (size_t i = 0; i < modes.size(); ++i)
    offset = offset * size_t(sizes[i]) + size_t(modeIndex[modes[i]]);
  return offset;
}

ReferenceSums::ReferenceSums(ModeArray shape) : array(std::move(shape)) {
  size_t count = 1;
  for (int64_t size : array.sizes)
    count *= size_t(size);
  array.values.assign(count, 0.0f);
  started.assign(count, false);
}

namespace {

/// One level of lane bits: position -> index parts and whether it is a copy.
struct Positions {
  template <typename Bits> Positions(const Bits &bits, size_t modeCount) {
    for (uint32_t p = 0; p < uint32_t(1) << bits.size(); ++p) {
      Index part(modeCount, 0);
      bool copy = false;
      for (size_t i = 0; i < bits.size(); ++i) {
        if (!(p >> i & 1))
          continue;
        if (bits[i])
          part[bits[i]->mode] += int64_t(1) << bits[i]->bit;
        else
          copy = true;
      }
      parts.push_back(part);
      copies.push_back(copy);
    }
  }
  uint32_t count() const { return uint32_t(parts.size()); }
  std::vector<Index> parts;
  std::vector<bool> copies;
};

class Reference {
public:
  Reference(const Nest &nest, const Index &offsets, const ModeArray &a,
            const ModeArray &b, ReferenceSums &sums)
      : nest(nest), offsets(offsets), a(a), b(b), sums(sums),
        ces(nest.lanes.ce, nest.sizes.size()),
        rows(nest.lanes.row, nest.sizes.size()),
        columns(nest.lanes.column, nest.sizes.size()) {
    for (uint32_t i = 0; i < nest.lanes.ce.size(); ++i)
      if (nest.lanes.ce[i] && nest.isReduced(nest.lanes.ce[i]->mode))
        reducedBits.push_back(i);
  }

  void run() {
    bool output = nest.dataflow == Dataflow::OutputStationary;
    std::vector<int64_t> counter(nest.loops.size(), 0);
    if (output)
      registers.assign(size_t(ces.count()) * rows.count() * columns.count(),
                       0.0f);
    bool first = true;
    while (true) {
      Index base(nest.sizes.size(), 0);
      for (size_t l = 0; l < nest.loops.size(); ++l)
        base[nest.loops[l].mode] += counter[l] * nest.loops[l].weight;
      if (output)
        addToRegisters(base, first);
      else
        stationaryBeat(base);
      // The next beat; a loop of a result mode that moves ends the sum that
      // the PEs hold.
      bool resultLoopMoved = false, done = true;
      for (size_t l = nest.loops.size(); l-- > 0;) {
        bool moves = nest.loops[l].count > 1;
        resultLoopMoved |= moves && !nest.isReduced(nest.loops[l].mode);
        if (++counter[l] < nest.loops[l].count) {
          done = false;
          break;
        }
        counter[l] = 0;
      }
      first = resultLoopMoved || done;
      if (output && first)
        drainRegisters(base);
      if (done)
        return;
    }
  }

private:
  float element(const ModeArray &array, const Index &index) const {
    Index whole = index;
    for (unsigned mode : array.modes) {
      if (index[mode] >= nest.sizes[mode])
        return 0.0f;
      whole[mode] += offsets[mode];
    }
    return array.values[array.offset(whole)];
  }
  static Index plus(const Index &x, const Index &y) {
    Index sum = x;
    for (size_t i = 0; i < sum.size(); ++i)
      sum[i] += y[i];
    return sum;
  }
  static float product(float x, float y) { return x * y; }

  /// Adds the values of the CEs that differ in reduced bits, lowest lane bit
  /// first, and then to the sum of the result element.
  template <typename ValueOfCE>
  void finish(const Index &index, uint32_t ce, ValueOfCE valueOf) {
    for (unsigned mode : sums.array.modes)
      if (index[mode] >= nest.sizes[mode])
        return;
    std::vector<float> values;
    for (uint32_t i = 0; i < uint32_t(1) << reducedBits.size(); ++i) {
      uint32_t other = ce;
      for (size_t j = 0; j < reducedBits.size(); ++j)
        other |= (i >> j & 1) << reducedBits[j];
      values.push_back(valueOf(other));
    }
    while (values.size() > 1) {
      std::vector<float> next;
      for (size_t i = 0; i < values.size(); i += 2)
        next.push_back(values[i] + values[i + 1]);
      values = next;
    }
    Index whole = plus(index, offsets);
    size_t at = sums.array.offset(whole);
    sums.array.values[at] =
        sums.started[at] ? sums.array.values[at] + values[0] : values[0];
    sums.started[at] = true;
  }

  bool isRepresentative(uint32_t ce) const {
    if (ces.copies[ce])
      return false;
    for (uint32_t bit : reducedBits)
      if (ce >> bit & 1)
        return false;
    return true;
  }

  void stationaryBeat(const Index &base) {
    for (uint32_t ce = 0; ce < ces.count(); ++ce) {
      if (!isRepresentative(ce))
        continue;
      for (uint32_t column = 0; column < columns.count(); ++column) {
        if (columns.copies[column])
          continue;
        Index index = plus(plus(base, ces.parts[ce]), columns.parts[column]);
        finish(index, ce, [&](uint32_t other) {
          Index here =
              plus(plus(base, ces.parts[other]), columns.parts[column]);
          float sum = 0;
          for (uint32_t row = 0; row < rows.count(); ++row) {
            Index at = plus(here, rows.parts[row]);
            float p = rows.copies[row]
                          ? product(0.0f, 0.0f)
                          : product(element(a, at), element(b, at));
            sum = row == 0 ? p : sum + p;
          }
          return sum;
        });
      }
    }
  }

  float &registerAt(uint32_t ce, uint32_t row, uint32_t column) {
    return registers[(size_t(ce) * rows.count() + row) * columns.count() +
                     column];
  }

  void addToRegisters(const Index &base, bool first) {
    for (uint32_t ce = 0; ce < ces.count(); ++ce)
      for (uint32_t row = 0; row < rows.count(); ++row)
        for (uint32_t column = 0; column < columns.count(); ++column) {
          Index at = plus(plus(base, ces.parts[ce]),
                          plus(rows.parts[row], columns.parts[column]));
          float p = product(element(a, at), element(b, at));
          float &sum = registerAt(ce, row, column);
          sum = first ? p : sum + p;
        }
  }

  void drainRegisters(const Index &base) {
    for (uint32_t row = 0; row < rows.count(); ++row) {
      if (rows.copies[row])
        continue;
      for (uint32_t ce = 0; ce < ces.count(); ++ce) {
        if (!isRepresentative(ce))
          continue;
        for (uint32_t column = 0; column < columns.count(); ++column) {
          if (columns.copies[column])
            continue;
          Index index = plus(plus(base, ces.parts[ce]),
                             plus(rows.parts[row], columns.parts[column]));
          finish(index, ce, [&](uint32_t other) {
            return registerAt(other, row, column);
          });
        }
      }
    }
  }

  const Nest &nest;
  const Index &offsets;
  const ModeArray &a, &b;
  ReferenceSums &sums;
  Positions ces, rows, columns;
  std::vector<uint32_t> reducedBits; ///< CE bits, ascending.
  std::vector<float> registers;
};

} // namespace

void fetta::test::referenceContract(const Nest &nest, const Index &offsets,
                                    const ModeArray &a, const ModeArray &b,
                                    ReferenceSums &sums) {
  Reference(nest, offsets, a, b, sums).run();
}

std::vector<float> fetta::test::referenceDrain(const ReferenceSums &sums,
                                               ElementType type) {
  std::vector<float> result;
  for (float value : sums.array.values) {
    uint32_t bits;
    std::memcpy(&bits, &value, sizeof bits);
    if (std::isnan(value)) {
      bits = 0x7FC00000;
    } else if (type == ElementType::BF16) {
      // Nearest even, by comparing the part that is cut off with one half.
      uint32_t cut = bits & 0xFFFF;
      bits &= 0xFFFF0000;
      if (cut > 0x8000 || (cut == 0x8000 && (bits & 0x10000)))
        bits += 0x10000;
    }
    std::memcpy(&value, &bits, sizeof bits);
    result.push_back(value);
  }
  return result;
}

DoubleResult fetta::test::doubleContract(const Index &modeSizes,
                                         const ModeArray &a, const ModeArray &b,
                                         const ModeArray &c) {
  size_t count = 1;
  for (int64_t size : c.sizes)
    count *= size_t(size);
  DoubleResult result;
  result.value.assign(count, 0);
  result.magnitude.assign(count, 0);
  Index index(modeSizes.size(), 0);
  while (true) {
    double p =
        double(a.values[a.offset(index)]) * double(b.values[b.offset(index)]);
    result.value[c.offset(index)] += p;
    result.magnitude[c.offset(index)] += std::abs(p);
    size_t mode = modeSizes.size();
    while (mode > 0 && ++index[mode - 1] == modeSizes[mode - 1])
      index[--mode] = 0;
    if (mode == 0)
      return result;
  }
}
