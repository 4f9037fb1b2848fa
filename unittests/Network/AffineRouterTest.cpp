//===- AffineRouterTest.cpp - Routes of affine maps -----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Model.h"

#include "gtest/gtest.h"

#include <random>

using namespace fetta;

namespace {

constexpr NetworkTopology topologies[] = {NetworkTopology::Benes,
                                          NetworkTopology::Butterfly};
constexpr NetKind kinds[] = {NetKind::Distribution, NetKind::Reduction};

/// Matrix number `code` of p x p bits.
BitMap matrix(unsigned p, uint64_t code, uint32_t constant = 0) {
  BitMap map;
  for (unsigned j = 0; j < p; ++j)
    map.rows.push_back(uint32_t(code >> (j * p)) & ((1u << p) - 1));
  map.constant = constant;
  return map;
}

std::vector<uint32_t> table(const BitMap &map) {
  std::vector<uint32_t> result;
  for (uint32_t x = 0; x < 1u << map.bits(); ++x)
    result.push_back(map.apply(x));
  return result;
}

/// Values of which no two sets have the same sum, for practical purposes.
uint64_t scatter(uint64_t x) {
  x = (x + 1) * 0x9e3779b97f4a7c15u;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  return (x ^ (x >> 27)) * 0x94d049bb133111ebu;
}

/// Empty when the route does what the map says with `flip` added to it.
std::string deviation(const Route &route, const BitMap &map, uint32_t flip,
                      bool allValid = false) {
  uint32_t lines = route.wiring.lines();
  std::vector<uint32_t> want(lines);
  for (uint32_t x = 0; x < lines; ++x)
    want[x] = map.apply(x) ^ flip;
  if (route.wiring.kind == NetKind::Distribution)
    return model::sources(route, flip) == want ? "" : "wrong word at a lane";
  // Every lane sends a value; some are invalid.
  std::vector<model::Word> in(lines), out(lines);
  for (uint32_t x = 0; x < lines; ++x)
    if (allValid || x % 5 != 3) {
      in[x] = scatter(x);
      out[want[x]] = out[want[x]].value_or(0) + *in[x];
    }
  return model::run(route, flip, in, std::plus<uint64_t>()) == out
             ? ""
             : "wrong sum at a bank";
}

/// Copies in the last p stages only; sums in the first p.
bool copiesOnlyWhereAllowed(const Route &route) {
  const Wiring &w = route.wiring;
  for (unsigned s = 0; s < w.stages(); ++s) {
    bool may =
        w.kind == NetKind::Reduction ? s < w.bits : s >= w.stages() - w.bits;
    for (uint32_t sw = 0; sw < w.switches() && !may; ++sw)
      if (route.code(s, sw) > Cross)
        return false;
  }
  return true;
}

Route route(const Wiring &wiring, const BitMap &map) {
  llvm::Expected<Route> result = routeAffine(wiring, map);
  if (result)
    return *result;
  ADD_FAILURE() << toString(result.takeError());
  return {};
}

std::string messageOf(llvm::Error error) { return toString(std::move(error)); }

TEST(Wiring, StageBits) {
  unsigned benes[] = {0, 1, 2, 1, 0};
  for (unsigned s = 0; s < 5; ++s)
    for (NetKind kind : kinds)
      EXPECT_EQ((Wiring{NetworkTopology::Benes, 3, kind}.stageBit(s)),
                benes[s]);
  for (unsigned s = 0; s < 3; ++s)
    for (NetKind kind : kinds)
      EXPECT_EQ((Wiring{NetworkTopology::Butterfly, 3, kind}.stageBit(s)), s);
}

// Every linear map of every rank, every constant, as words and as flips.
TEST(AffineRouter, BenesExhaustive) {
  for (unsigned p = 1; p <= 3; ++p)
    for (NetKind kind : kinds)
      for (uint64_t code = 0; code < 1u << (p * p); ++code)
        for (uint32_t c = 0; c < 1u << p; ++c) {
          BitMap map = matrix(p, code, c);
          Route r = route({NetworkTopology::Benes, p, kind}, map);
          ASSERT_TRUE(copiesOnlyWhereAllowed(r));
          for (uint32_t flip = 0; flip < (c ? 1u : 1u << p); ++flip)
            ASSERT_EQ(deviation(r, map, flip), "")
                << "matrix " << code << " constant " << c << " flip " << flip;
        }
}

TEST(AffineRouter, BenesRandom) {
  constexpr uint64_t seed = 20240601;
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  for (int trial = 0; trial < 10000; ++trial) {
    unsigned p = 4 + trial % 7;
    uint32_t all = (1u << p) - 1;
    // Rank at most `rank`: rows are combinations of so many vectors.
    unsigned rank = 1 + random() % (2 * p);
    std::vector<uint32_t> basis;
    for (unsigned i = 0; i < rank; ++i)
      basis.push_back(random() & all);
    BitMap map;
    for (unsigned j = 0; j < p; ++j) {
      uint32_t row = 0;
      for (uint32_t b : basis)
        row ^= random() & 1 ? b : 0;
      map.rows.push_back(row);
    }
    map.constant = random() & all;
    Route r = route({NetworkTopology::Benes, p, kinds[trial / 7 % 2]}, map);
    ASSERT_TRUE(copiesOnlyWhereAllowed(r));
    ASSERT_EQ(deviation(r, map, trial % 3 ? random() & all : 0), "")
        << "trial " << trial;
  }
}

/// Whether all leading (or trailing) principal minors are non-singular.
bool minorsHold(const BitMap &map, bool leading) {
  for (unsigned k = 1; k <= map.bits(); ++k) {
    unsigned first = leading ? 0 : map.bits() - k;
    BitMap block;
    for (unsigned j = 0; j < k; ++j)
      block.rows.push_back(map.rows[first + j] >> first & ((1u << k) - 1));
    if (block.rank() != k)
      return false;
  }
  return true;
}

// A butterfly routes exactly what the link walk admits; on permutations that
// is what the minors of the matrix from banks to lanes say.
TEST(AffineRouter, ButterflyExhaustive) {
  unsigned permutations[] = {0, 1, 4, 64};
  for (NetKind kind : kinds)
    for (unsigned p = 1; p <= 3; ++p) {
      unsigned routed = 0;
      for (uint64_t code = 0; code < 1u << (p * p); ++code) {
        BitMap map = matrix(p, code);
        bool admits = model::butterflyAdmits(p, table(map), kind);
        if (map.invertible()) {
          ASSERT_EQ(minorsHold(map.inverse(), kind == NetKind::Distribution),
                    admits)
              << "p " << p << " matrix " << code;
          routed += admits;
        }
        for (uint32_t c = 0; c < 1u << p; ++c) {
          map.constant = c;
          llvm::Expected<Route> r =
              routeAffine({NetworkTopology::Butterfly, p, kind}, map);
          ASSERT_EQ(bool(r), admits) << "p " << p << " matrix " << code;
          if (!r) {
            llvm::consumeError(r.takeError());
            continue;
          }
          for (uint32_t flip = 0; flip < 1u << p; ++flip)
            ASSERT_EQ(deviation(*r, map, flip), "")
                << "matrix " << code << " constant " << c << " flip " << flip;
        }
      }
      // 2^(p(p-1)) invertible matrices have non-singular leading minors.
      EXPECT_EQ(routed, permutations[p]);
    }
}

TEST(AffineRouter, ButterflyRandom) {
  constexpr uint64_t seed = 7;
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  for (int trial = 0; trial < 400; ++trial) {
    unsigned p = 4 + trial % 7;
    uint32_t all = (1u << p) - 1;
    NetKind kind = kinds[trial / 7 % 2];
    // Stage by stage from the lanes: a bank bit as a form in the lane bits of
    // the stages from the banks and in the bank bits that are known passes; one
    // more lane bit in half of the trials mostly does not.
    BitMap map;
    map.rows.assign(p, 0);
    for (unsigned i = 0; i < p; ++i) {
      bool up = kind == NetKind::Reduction;
      unsigned bit = up ? i : p - 1 - i;
      map.rows[bit] =
          random() & all & (up ? ~((1u << bit) - 1) : (2u << bit) - 1);
      for (unsigned k = 0; k < i; ++k)
        map.rows[bit] ^= random() & 1 ? map.rows[up ? k : p - 1 - k] : 0;
    }
    if (trial % 2)
      map.rows[random() % p] ^= 1u << random() % p;
    map.constant = random() & all;
    bool admits = model::butterflyAdmits(p, table(map), kind);
    EXPECT_TRUE(admits || trial % 2);
    llvm::Expected<Route> r =
        routeAffine({NetworkTopology::Butterfly, p, kinds[trial / 7 % 2]}, map);
    ASSERT_EQ(bool(r), admits) << "trial " << trial;
    if (!r) {
      llvm::consumeError(r.takeError());
      continue;
    }
    ASSERT_EQ(deviation(*r, map, random() & all), "") << "trial " << trial;
  }
}

// Lane bits that carry k are added in ascending order (docs/Machine.md, section
// 7) on both topologies: the tree is compared through a commutative hash that
// keeps its shape.
TEST(AffineRouter, SumOrder) {
  constexpr uint64_t seed = 99;
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  auto sum = [](uint64_t a, uint64_t b) {
    uint64_t low = std::min(a, b), high = std::max(a, b);
    return (low * 0x9e3779b97f4a7c15u ^ high) * 0xff51afd7ed558ccdu + 1;
  };
  for (int trial = 0; trial < 500; ++trial) {
    unsigned p = 1 + trial % 8;
    // Some lane bits are summed; the others go to distinct bank bits.
    std::vector<unsigned> banks(p);
    for (unsigned j = 0; j < p; ++j)
      banks[j] = j;
    std::shuffle(banks.begin(), banks.end(), random);
    uint32_t summed = random() & ((1u << p) - 1);
    BitMap map;
    map.rows.assign(p, 0);
    for (unsigned j = 0; j < p; ++j)
      if (!(summed >> j & 1))
        map.rows[banks[j]] = 1u << j;
    NetworkTopology topology = topologies[trial / 8 % 2];
    if (topology == NetworkTopology::Butterfly &&
        !model::butterflyAdmits(p, table(map), NetKind::Reduction)) {
      // Keep every lane bit where it is, which passes.
      for (unsigned j = 0; j < p; ++j)
        map.rows[j] = summed >> j & 1 ? 0 : 1u << j;
    }
    Route r = route({topology, p, NetKind::Reduction}, map);

    std::vector<model::Word> in(1u << p);
    for (model::Word &word : in)
      if (random() % 8)
        word = random();
    std::vector<model::Word> tree = in, want(1u << p);
    for (unsigned j = 0; j < p; ++j)
      for (uint32_t x = 0; x < 1u << p && (summed >> j & 1); ++x)
        if (!(x >> j & 1)) {
          model::Word other = tree[x | 1u << j];
          if (tree[x] && other)
            tree[x] = sum(*tree[x], *other);
          else if (other)
            tree[x] = other;
        }
    for (uint32_t x = 0; x < 1u << p; ++x)
      if (!(x & summed))
        want[map.apply(x)] = tree[x];
    ASSERT_EQ(model::run(r, 0, in, sum), want) << "trial " << trial;

    // The library's replay lists the same lanes in the tree's order.
    std::vector<bool> valid(1u << p);
    for (uint32_t x = 0; x < 1u << p; ++x)
      valid[x] = in[x].has_value();
    auto lists = replayReduction(r, 0, valid);
    for (uint32_t bank = 0; bank < 1u << p; ++bank) {
      ASSERT_EQ(lists[bank].empty(), !want[bank].has_value());
      for (uint32_t lane : lists[bank])
        ASSERT_EQ(map.apply(lane), bank);
      for (size_t i = 1; i < lists[bank].size(); ++i)
        ASSERT_LT(lists[bank][i - 1] & summed, lists[bank][i] & summed)
            << "trial " << trial;
    }
  }
}

TEST(AffineRouter, SerialLanes) {
  for (NetKind kind : kinds)
    for (unsigned p = 1; p <= 3; ++p)
      for (uint64_t code = 0; code < 1u << (p * p); ++code) {
        BitMap map = matrix(p, code);
        for (uint32_t serial = 0; serial < 1u << p; ++serial) {
          ASSERT_EQ(serialLanesToRoute({NetworkTopology::Benes, p, kind}, map,
                                       serial),
                    serial);
          uint32_t got = serialLanesToRoute(
              {NetworkTopology::Butterfly, p, kind}, map, serial);
          auto passes = [&](uint32_t set) {
            std::vector<uint32_t> source;
            for (uint32_t x = 0; x < 1u << p; ++x)
              source.push_back(map.apply(x & ~set));
            return model::butterflyAdmits(p, source, kind);
          };
          ASSERT_EQ(got & serial, serial);
          ASSERT_TRUE(passes(got));
          for (uint32_t set = 0; set < 1u << p; ++set) {
            if ((set & serial) == serial &&
                llvm::popcount(set) < llvm::popcount(got)) {
              ASSERT_FALSE(passes(set)) << "matrix " << code;
            }
          }
        }
      }
}

TEST(AffineRouter, Diagnostics) {
  // Lane bit 0 on bank bit 1 and the reverse: lanes 0 and 2 both come from
  // the upper half of the banks and end on even lines.
  BitMap swap;
  swap.rows = {2, 1};
  Wiring w{NetworkTopology::Butterfly, 2, NetKind::Distribution};
  EXPECT_EQ(messageOf(routeAffine(w, swap).takeError()),
            "a butterfly of 4 lines does not pass the map: lanes 0 (bank 0) "
            "and 2 (bank 1) meet after stage 0, switch 0, upper line; the "
            "leading 1x1 minor of the matrix from banks to lanes is singular; "
            "a Benes passes it, or visit some lane bits in sub-beats");
  w.kind = NetKind::Reduction;
  EXPECT_NE(messageOf(routeAffine(w, swap).takeError())
                .find("lanes 0 (bank 0) and 1 (bank 2) meet before stage 1, "
                      "switch 0, upper line; the trailing 1x1 minor"),
            std::string::npos);
  EXPECT_EQ(messageOf(routeAffine(w, BitMap::identity(3)).takeError()),
            "a map of 3 bits for a network of 2 lane bits");
}

TEST(Lift, InverseOfRouting) {
  BitMap map = matrix(3, 0b011'110'100, 5);
  for (NetworkTopology topology : topologies)
    for (NetKind kind : kinds) {
      llvm::Expected<Route> r = routeAffine({topology, 3, kind}, map);
      if (!r) {
        EXPECT_EQ(topology, NetworkTopology::Butterfly);
        llvm::consumeError(r.takeError());
        continue;
      }
      llvm::Expected<BitMap> lifted = liftRoute(*r);
      ASSERT_TRUE(bool(lifted));
      EXPECT_TRUE(*lifted == map);
      // A wrong mask is found.
      Route broken = *r;
      broken.masks[1] ^= 1;
      EXPECT_NE(messageOf(liftRoute(broken).takeError())
                    .find("mask of bank bit 1 is wrong"),
                std::string::npos);
    }
}

// Lifting returns the old map for exactly those changed words that leave every
// value where it was.
TEST(Lift, ChangedWords) {
  for (NetKind kind : kinds) {
    BitMap map = matrix(3, 0b000'010'101, 2);
    Route good = route({NetworkTopology::Benes, 3, kind}, map);
    good.masks.clear();
    for (size_t i = 0; i < good.codes.size(); ++i)
      for (uint8_t code = 0; code < 4; ++code) {
        Route bad = good;
        bad.codes[i] = code;
        llvm::Expected<BitMap> lifted = liftRoute(bad);
        bool same = lifted && *lifted == map;
        if (!lifted)
          llvm::consumeError(lifted.takeError());
        bad.masks.assign(3, 0);
        EXPECT_EQ(same, deviation(bad, map, 0, /*allValid=*/true).empty())
            << "word " << i << " code " << unsigned(code);
      }
  }
}

TEST(Pack, SwitchZeroInTheLowBits) {
  Route r;
  r.wiring = {NetworkTopology::Butterfly, 3, NetKind::Distribution};
  r.codes = {Through, Cross, UpperToBoth, LowerToBoth, 1, 0, 0, 0, 0, 0, 2, 3};
  std::vector<uint8_t> packed = packCodes(r);
  EXPECT_EQ(packed, (std::vector<uint8_t>{0xe4, 0x01, 0xe0}));
  Route back;
  back.wiring = r.wiring;
  unpackCodes(packed, back);
  EXPECT_TRUE(back == r);
}

} // namespace
