//===- AffineRouter.cpp - Routes of affine maps ---------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RouterDetail.h"

#include "llvm/ADT/STLExtras.h"

#include <cassert>
#include <numeric>
#include <optional>

using namespace fetta;

static uint32_t parity(uint32_t x) { return uint32_t(llvm::popcount(x)) & 1; }

//===----------------------------------------------------------------------===//
// Benes
//===----------------------------------------------------------------------===//

/// At level i the network falls into 2^i Benes networks of n = p - i bits, one
/// per setting of the low i bits of a line. All realise the same linear map;
/// only their constants differ. The first stage of a level sends input y to
/// half phi(y). With phi(e0) = 1 every pair of inputs parts; with phi(A e0) = 1
/// so do the two words that a pair of outputs reads, unless they are one word
/// (A e0 = 0) that the last stage copies. Lane x then reads from half
/// phi(A x + b), and its partner x + e0 from the other; half h serves, at
/// output x', the lane 2x' + t with t = phi(A 2x' + b) + h. That is again an
/// affine map, whose linear part does not depend on b and h:
///   A' x' = (A 2x' + phi(A 2x') A e0) >> 1,
///   b'    = (b + (phi(b) + h) A e0) >> 1.
/// So a change of b toggles whole stages of the second half, and no others.
static void routeBenes(Route &route, const BitMap &map) {
  const unsigned p = route.wiring.bits;
  const uint32_t switches = route.wiring.switches();
  llvm::SmallVector<uint32_t, 12> columns(p, 0); // A e_j.
  for (unsigned j = 0; j < p; ++j)
    for (unsigned i = 0; i < p; ++i)
      columns[j] |= (map.rows[i] >> j & 1) << i;
  // What is left of the unit constant of bank bit j at this level.
  llvm::SmallVector<uint32_t, 12> deltas;
  for (unsigned j = 0; j < p; ++j)
    deltas.push_back(uint32_t(1) << j);
  route.masks.assign(p, 0);
  std::vector<uint32_t> constants = {map.constant}; // By low bits of a line.
  for (unsigned level = 0; level < p; ++level) {
    uint32_t image = columns[0];
    uint32_t phi = 1;
    if (image && !(image & 1))
      phi |= image & -image;
    // phi(A 2x') as a form in x'.
    uint32_t form = 0;
    for (unsigned j = 1; j < columns.size(); ++j)
      form |= parity(phi & columns[j]) << (j - 1);
    uint8_t *first = &route.codes[size_t(level) * switches];
    uint8_t *last =
        &route.codes[size_t(route.wiring.stages() - 1 - level) * switches];
    uint8_t base = image ? Through : UpperToBoth;
    uint32_t pairs = uint32_t(1) << (p - 1 - level);
    for (uint32_t path = 0; path < constants.size(); ++path) {
      uint32_t flip = parity(phi & constants[path]);
      for (uint32_t pair = 0; pair < pairs; ++pair) {
        uint32_t sw = pair << level | path;
        first[sw] = uint8_t(parity(phi & pair << 1));
        // The middle stage is first and last; it works like a last one.
        last[sw] = uint8_t(base | (parity(form & pair) ^ flip));
      }
    }
    // Stage of the mask: the last one of this level, among the last p.
    for (unsigned j = 0; j < p; ++j) {
      uint32_t flip = parity(phi & deltas[j]);
      route.masks[j] |= flip << (p - 1 - level);
      deltas[j] = (deltas[j] ^ (flip ? image : 0)) >> 1;
    }
    size_t paths = constants.size();
    for (uint32_t h = 1; h != ~uint32_t(0); --h) {
      constants.resize(std::max(constants.size(), paths * (h + 1)));
      for (size_t path = 0; path < paths; ++path) {
        uint32_t c = constants[path];
        constants[path + h * paths] =
            (c ^ (parity(phi & c) ^ h ? image : 0)) >> 1;
      }
    }
    for (unsigned j = 1; j < columns.size(); ++j)
      columns[j - 1] =
          (columns[j] ^ (parity(phi & columns[j]) ? image : 0)) >> 1;
    columns.pop_back();
  }
}

//===----------------------------------------------------------------------===//
// Butterfly
//===----------------------------------------------------------------------===//

/// The stage's linear form over the bits of its output line that yields the
/// bank's bit `bit`, or nothing. The line has the bits `done` of lane x (`bit`
/// among them) and the other ones of bank y = A x, so the form exists iff row
/// `bit` of A lies in the span of the unit vectors of `done` and the other
/// rows; by induction over the stages that is what the link walk asks.
static std::optional<uint32_t> stageForm(llvm::ArrayRef<uint32_t> rows,
                                         unsigned bit, uint32_t done) {
  struct Vector {
    uint32_t value, combination;
  };
  // Each vector with a leading bit of its own, in descending order.
  llvm::SmallVector<Vector, 12> basis;
  auto reduce = [&](Vector v) {
    for (const Vector &b : basis)
      if (v.value & llvm::bit_floor(b.value)) {
        v.value ^= b.value;
        v.combination ^= b.combination;
      }
    return v;
  };
  for (unsigned i = 0; i < rows.size(); ++i) {
    uint32_t unit = uint32_t(1) << i;
    Vector v = reduce({done & unit ? unit : rows[i], unit});
    if (v.value) {
      auto *at = llvm::find_if(
          basis, [&](const Vector &b) { return b.value < v.value; });
      basis.insert(at, v);
    }
  }
  Vector target = reduce({rows[bit], 0});
  if (target.value)
    return std::nullopt;
  return target.combination;
}

static bool passesButterfly(const Wiring &wiring,
                            llvm::ArrayRef<uint32_t> rows) {
  uint32_t done = 0;
  for (unsigned stage = 0; stage < wiring.bits; ++stage) {
    unsigned bit = detail::bitFromBanks(wiring, stage);
    done |= uint32_t(1) << bit;
    if (!stageForm(rows, bit, done))
      return false;
  }
  return true;
}

static llvm::Error refuse(const Wiring &wiring, const BitMap &map,
                          unsigned stage) {
  std::vector<uint32_t> source(wiring.lines());
  for (uint32_t lane = 0; lane < source.size(); ++lane)
    source[lane] = map.apply(lane);
  std::vector<uint8_t> codes;
  std::string message = toString(detail::walkButterfly(wiring, source, codes));
  if (map.invertible()) {
    std::string size = std::to_string(stage + 1);
    message += "; the ";
    message += wiring.kind == NetKind::Distribution ? "leading " : "trailing ";
    message += size + "x" + size +
               " minor of the matrix from banks to lanes is singular";
  }
  return llvm::createStringError(
      message + "; a Benes passes it, or visit some lane bits in sub-beats");
}

static llvm::Error routeButterfly(Route &route, const BitMap &map) {
  const Wiring &w = route.wiring;
  const uint32_t switches = w.switches();
  route.masks.assign(w.bits, 0);
  uint32_t done = 0;
  for (unsigned stage = 0; stage < w.bits; ++stage) {
    unsigned bit = detail::bitFromBanks(w, stage);
    uint32_t unit = uint32_t(1) << bit;
    done |= unit;
    std::optional<uint32_t> form = stageForm(map.rows, bit, done);
    if (!form)
      return refuse(w, map, stage);
    // What a constant adds: the bit itself, and what the form sees of those
    // bits of y that are still on the line.
    uint32_t seen = unit | (*form & ~done);
    uint8_t base = *form & unit ? Through : UpperToBoth;
    uint32_t flip = parity(seen & map.constant);
    for (uint32_t sw = 0; sw < switches; ++sw) {
      uint32_t upper = (sw & ~(unit - 1)) << 1 | (sw & (unit - 1));
      route.codes[size_t(stage) * switches + sw] =
          uint8_t(base | (parity(*form & upper) ^ flip));
    }
    for (unsigned j = 0; j < w.bits; ++j)
      route.masks[j] |= (seen >> j & 1) << stage;
  }
  return llvm::Error::success();
}

//===----------------------------------------------------------------------===//
// Entry points
//===----------------------------------------------------------------------===//

llvm::Expected<Route> fetta::routeAffine(const Wiring &wiring,
                                         const BitMap &map) {
  if (map.bits() != wiring.bits || wiring.bits == 0)
    return llvm::createStringError(
        "a map of %u bits for a network of %u lane bits", map.bits(),
        wiring.bits);
  Route route;
  route.wiring = wiring;
  route.codes.assign(size_t(wiring.stages()) * wiring.switches(), Through);
  if (wiring.topology == NetworkTopology::Benes)
    routeBenes(route, map);
  else if (llvm::Error error = routeButterfly(route, map))
    return error;
  detail::orient(route);
  llvm::Expected<BitMap> lifted = liftRoute(route);
  if (!lifted)
    return llvm::createStringError("internal error: the replay of a routed "
                                   "map went astray: " +
                                   toString(lifted.takeError()));
  if (!(*lifted == map))
    return llvm::createStringError(
        "internal error: a routed map replays as another");
  return route;
}

uint32_t fetta::serialLanesToRoute(const Wiring &wiring, const BitMap &map,
                                   uint32_t serial) {
  assert(map.bits() == wiring.bits && "a map of another network");
  if (wiring.topology == NetworkTopology::Benes)
    return serial;
  uint32_t all = wiring.lines() - 1;
  // By number of lane bits, then by mask; without any lane bit the map is a
  // broadcast of one bank, which passes.
  for (int count = llvm::popcount(serial); count <= int(wiring.bits); ++count)
    for (uint32_t set = serial; set <= all; ++set) {
      if ((set & serial) != serial || llvm::popcount(set) != count)
        continue;
      llvm::SmallVector<uint32_t, 12> rows(map.rows);
      for (uint32_t &row : rows)
        row &= ~set;
      if (passesButterfly(wiring, rows))
        return set;
    }
  llvm_unreachable("a constant map passes every butterfly");
}
