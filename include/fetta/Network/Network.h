//===- Network.h - Butterfly and Benes networks -----------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Switch words of the distribution and reduction networks, the routers that
/// make them and the replay that checks them (docs/Machine.md, section 4).
///
/// A network has 2^p lines and stages of 2x2 switches. Stage s of a Benes pairs
/// the lines that differ in bit min(s, 2p-2-s); stage s of a butterfly pairs
/// bit s. The upper line of a switch has that bit 0. Switch i of a stage is the
/// one whose upper line, with the stage's bit removed, is i.
///
/// A distribution enters at banks and leaves at lanes. The reduction network
/// enters at lanes and leaves at banks. Stages count from a network's input; so
/// both topologies add lane bits in ascending order, and a sum has the same
/// order, and the same bits, on either.
///
//===----------------------------------------------------------------------===//

#ifndef FETTA_NETWORK_NETWORK_H
#define FETTA_NETWORK_NETWORK_H

#include "fetta/Layout/AffineMap.h"
#include "fetta/Machine/Machine.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/Error.h"

#include <vector>

namespace fetta {

/// Codes of a switch. The low bit toggles: through/cross, the two copies, the
/// two sums.
enum SwitchCode : uint8_t {
  Through = 0,
  Cross = 1,
  UpperToBoth = 2, ///< Reduction: SumToUpper.
  LowerToBoth = 3, ///< Reduction: SumToLower.
};
inline constexpr uint8_t SumToUpper = 2;
inline constexpr uint8_t SumToLower = 3;

/// Which way a network works.
enum class NetKind : uint8_t { Distribution = 0, Reduction = 1 };

/// The wiring of a network.
struct Wiring {
  NetworkTopology topology = NetworkTopology::Benes;
  unsigned bits = 0; ///< p.
  NetKind kind = NetKind::Distribution;

  uint32_t lines() const { return uint32_t(1) << bits; }
  unsigned stages() const {
    return topology == NetworkTopology::Benes ? 2 * bits - 1 : bits;
  }
  /// Bit in which the lines of a switch of this stage differ.
  unsigned stageBit(unsigned stage) const;
  uint32_t switches() const { return lines() / 2; }
};

/// A configured network: codes and flip masks. This is what a program holds.
struct Route {
  Wiring wiring;
  /// stages * lines/2 codes, stage-major, switch 0 first.
  std::vector<uint8_t> codes;
  /// Per bank bit: the stages toggled when that bit of the constant is 1, as a
  /// p-bit mask over the last p stages of a distribution (bit 0 = stage
  /// stages-p) or the first p stages of a reduction (bit 0 = stage 0). Empty
  /// where no constant may be added.
  llvm::SmallVector<uint32_t, 12> masks;

  uint8_t code(unsigned stage, uint32_t sw) const {
    return codes[size_t(stage) * wiring.switches() + sw];
  }
  bool operator==(const Route &o) const {
    return wiring.topology == o.wiring.topology &&
           wiring.bits == o.wiring.bits && wiring.kind == o.wiring.kind &&
           codes == o.codes && masks == o.masks;
  }
};

/// Mask over all stages of what a constant toggles: the xor of masks[j] over
/// the set bits j of `constant`, shifted to its stages.
uint64_t flippedStages(const Route &route, uint32_t constant);

/// Pushes line ids forward through the words of a distribution, from the
/// banks: entry l is the bank whose word arrives at lane l.
std::vector<uint32_t> replayDistribution(const Route &route, uint32_t constant);

/// Pushes sets of lane ids forward through a reduction: entry b is the list of
/// lanes whose words are summed at bank b. `valid` has one flag per lane; a
/// sum switch with one valid input passes it on, its other output is invalid.
/// The order of each list is the order of the adding tree, left operand first.
std::vector<llvm::SmallVector<uint32_t, 4>>
replayReduction(const Route &route, uint32_t constant,
                const std::vector<bool> &valid);

/// Routes lane -> bank on a network: any affine map of any rank on a Benes, on
/// a butterfly what the link walk admits (no link may carry two words). Lane
/// bits that the map does not read are broadcast (distribution) or summed
/// (reduction); serial and empty lane bits are among them, and are told apart
/// by the capture and valid bits of a beat, not by the route. The linear part
/// alone decides; masks for every bank bit come with it. The result has been
/// replayed. The error names stage, switch and the two lanes that collide, and
/// for an affine permutation on a butterfly the first singular minor.
llvm::Expected<Route> routeAffine(const Wiring &wiring, const BitMap &map);

/// Any permutation on a Benes (looping algorithm): lane l reads bank source[l].
llvm::Expected<Route> routePermutation(const Wiring &wiring,
                                       llvm::ArrayRef<uint32_t> source);

/// A smallest set of lane bits to serialise so that the rest of `map` (without
/// their columns) passes: a superset of `serial`, equal to it on a Benes.
uint32_t serialLanesToRoute(const Wiring &wiring, const BitMap &map,
                            uint32_t serial);

/// The lifting inverse: the affine map that the words of a route realise, or an
/// error when they realise none.
llvm::Expected<BitMap> liftRoute(const Route &route);

/// The words of a route packed 2 bits a switch, stage-major, switch 0 in the
/// low bits, and back.
std::vector<uint8_t> packCodes(const Route &route);
void unpackCodes(llvm::ArrayRef<uint8_t> packed, Route &route);

} // namespace fetta

#endif // FETTA_NETWORK_NETWORK_H
