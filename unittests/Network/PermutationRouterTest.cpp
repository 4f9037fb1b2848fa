//===- PermutationRouterTest.cpp - Arbitrary permutations -----------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Model.h"

#include "gtest/gtest.h"

#include <algorithm>
#include <numeric>
#include <random>

using namespace fetta;

namespace {

std::vector<uint32_t> identity(unsigned lines) {
  std::vector<uint32_t> source(lines);
  std::iota(source.begin(), source.end(), 0);
  return source;
}

/// Moves lane numbers through a reduction.
std::vector<uint32_t> arrivals(const Route &route) {
  std::vector<model::Word> in(route.wiring.lines());
  for (uint32_t i = 0; i < in.size(); ++i)
    in[i] = i;
  std::vector<uint32_t> bank(in.size(), ~0u);
  auto noSum = [](uint64_t, uint64_t) -> uint64_t {
    ADD_FAILURE() << "a permutation adds nothing";
    return 0;
  };
  std::vector<model::Word> out = model::run(route, 0, in, noSum);
  for (uint32_t b = 0; b < out.size(); ++b)
    if (out[b])
      bank[*out[b]] = b;
  return bank;
}

TEST(PermutationRouter, AllOfEightLanes) {
  for (unsigned p = 1; p <= 3; ++p) {
    std::vector<uint32_t> source = identity(1u << p);
    do {
      llvm::Expected<Route> d =
          routePermutation({NetworkTopology::Benes, p}, source);
      ASSERT_TRUE(bool(d));
      ASSERT_EQ(model::sources(*d, 0), source);
      llvm::Expected<Route> r = routePermutation(
          {NetworkTopology::Benes, p, NetKind::Reduction}, source);
      ASSERT_TRUE(bool(r));
      ASSERT_EQ(arrivals(*r), source);
    } while (std::next_permutation(source.begin(), source.end()));
  }
}

TEST(PermutationRouter, Random) {
  constexpr uint64_t seed = 11;
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  for (int trial = 0; trial < 300; ++trial) {
    unsigned p = 4 + trial % 7;
    std::vector<uint32_t> source = identity(1u << p);
    std::shuffle(source.begin(), source.end(), random);
    llvm::Expected<Route> r =
        routePermutation({NetworkTopology::Benes, p}, source);
    ASSERT_TRUE(bool(r));
    ASSERT_EQ(model::sources(*r, 0), source) << "trial " << trial;
  }
}

// One butterfly realises 2^(pN/2) permutations: one per setting.
TEST(PermutationRouter, Butterfly) {
  unsigned expected[] = {0, 2, 16, 4096};
  for (NetKind kind : {NetKind::Distribution, NetKind::Reduction})
    for (unsigned p = 1; p <= 3; ++p) {
      std::vector<uint32_t> source = identity(1u << p);
      unsigned passed = 0;
      do {
        llvm::Expected<Route> r =
            routePermutation({NetworkTopology::Butterfly, p, kind}, source);
        ASSERT_EQ(bool(r), model::butterflyAdmits(p, source, kind));
        if (!r) {
          llvm::consumeError(r.takeError());
          continue;
        }
        ++passed;
        ASSERT_EQ(kind == NetKind::Distribution ? model::sources(*r, 0)
                                                : arrivals(*r),
                  source);
      } while (std::next_permutation(source.begin(), source.end()));
      EXPECT_EQ(passed, expected[p]);
    }
}

TEST(PermutationRouter, RefusesOtherMaps) {
  Wiring w{NetworkTopology::Benes, 2};
  auto message = [&](std::vector<uint32_t> source) {
    return toString(routePermutation(w, source).takeError());
  };
  EXPECT_EQ(message({0, 1, 1, 2}), "no permutation: lanes 1 and 2 both use "
                                   "bank 1");
  EXPECT_EQ(message({0, 1, 2, 4}), "lane 3: there is no bank 4 (of 4)");
  EXPECT_EQ(message({0, 1}), "a permutation of 2 lanes for a network of 4");
}

// Not affine: lifting says so. The swap of two lanes of eight.
TEST(PermutationRouter, LiftRefuses) {
  std::vector<uint32_t> source = {0, 1, 2, 3, 4, 5, 7, 6};
  for (NetKind kind : {NetKind::Distribution, NetKind::Reduction}) {
    llvm::Expected<Route> r =
        routePermutation({NetworkTopology::Benes, 3, kind}, source);
    ASSERT_TRUE(bool(r));
    EXPECT_EQ(toString(liftRoute(*r).takeError()),
              "the words realise no affine map: lane 6 goes with bank 7; the "
              "lanes 0, 1, 2, 4, ... would ask for bank 6");
  }
}

} // namespace
