//===- Model.h - A second, plain model of the networks ----------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Written from docs/Machine.md, section 4, alone: it takes switch words and
/// moves values. The library's replay is not used.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_UNITTESTS_NETWORK_MODEL_H
#define FETTA_UNITTESTS_NETWORK_MODEL_H

#include "fetta/Network/Network.h"

#include <functional>
#include <optional>
#include <set>

namespace fetta::model {

using Word = std::optional<uint64_t>; ///< Nothing: invalid.
using Sum = std::function<uint64_t(uint64_t, uint64_t)>;

/// Bit in which the lines of stage s differ.
inline unsigned pairBit(const Wiring &w, unsigned s) {
  if (w.topology == NetworkTopology::Butterfly)
    return s;
  return s < w.bits ? s : 2 * w.bits - 2 - s;
}

/// Words at the outputs for words at the inputs.
inline std::vector<Word> run(const Route &route, uint32_t constant,
                             std::vector<Word> in, const Sum &sum = {}) {
  const Wiring &w = route.wiring;
  bool reduces = w.kind == NetKind::Reduction;
  unsigned p = w.bits;
  unsigned stages = w.topology == NetworkTopology::Benes ? 2 * p - 1 : p;
  for (unsigned s = 0; s < stages; ++s) {
    unsigned bit = pairBit(w, s);
    // Is the stage flipped? Masks cover the last p stages of a distribution,
    // the first p of a reduction.
    bool flip = false;
    for (unsigned j = 0; j < p; ++j)
      if (constant >> j & 1) {
        if (reduces)
          flip ^= s < p && (route.masks[j] >> s & 1);
        else
          flip ^= s >= stages - p && (route.masks[j] >> (s + p - stages) & 1);
      }
    std::vector<Word> out(in.size());
    uint32_t sw = 0;
    for (uint32_t upper = 0; upper < in.size(); ++upper) {
      if (upper & (1u << bit))
        continue;
      uint32_t lower = upper + (1u << bit);
      // Switches are numbered by their upper lines in ascending order.
      unsigned code = route.codes[size_t(s) * (in.size() / 2) + sw++];
      code = flip ? code ^ 1 : code;
      if (code < 2) {
        out[upper] = code == 0 ? in[upper] : in[lower];
        out[lower] = code == 0 ? in[lower] : in[upper];
      } else if (!reduces) {
        out[upper] = out[lower] = code == 2 ? in[upper] : in[lower];
      } else {
        Word &target = code == 2 ? out[upper] : out[lower];
        if (in[upper] && in[lower])
          target = sum(*in[upper], *in[lower]);
        else
          target = in[upper] ? in[upper] : in[lower];
      }
    }
    in = out;
  }
  return in;
}

/// Lane -> bank of a distribution, by moving bank numbers.
inline std::vector<uint32_t> sources(const Route &route, uint32_t constant) {
  std::vector<Word> in(route.wiring.lines());
  for (uint32_t i = 0; i < in.size(); ++i)
    in[i] = i;
  std::vector<uint32_t> result;
  for (const Word &word : run(route, constant, in))
    result.push_back(uint32_t(*word));
  return result;
}

/// The link walk on a butterfly: does any link carry two words? Between two
/// stages the bits of the stages passed are those of the target, the others
/// those of the origin.
inline bool butterflyAdmits(unsigned p, const std::vector<uint32_t> &bank,
                            NetKind kind = NetKind::Distribution) {
  bool reduces = kind == NetKind::Reduction;
  for (unsigned passed = 1; passed < p; ++passed) {
    std::vector<std::set<uint32_t>> onLink(bank.size());
    for (uint32_t lane = 0; lane < bank.size(); ++lane) {
      uint32_t from = reduces ? lane : bank[lane];
      uint32_t to = reduces ? bank[lane] : lane;
      uint32_t line = 0;
      for (unsigned b = 0; b < p; ++b)
        line |= ((b < passed ? to : from) >> b & 1) << b;
      // Two lanes of one sum share a link once they have met.
      onLink[line].insert(bank[lane]);
    }
    for (const auto &words : onLink)
      if (words.size() > 1)
        return false;
  }
  return true;
}

} // namespace fetta::model

#endif // FETTA_UNITTESTS_NETWORK_MODEL_H
