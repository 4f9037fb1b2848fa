//===- SweepFileTest.cpp - What a sweep file says -------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SweepTesting.h"

#include "gtest/gtest.h"

#include <set>

using namespace fetta;
using namespace fetta::test;

namespace {

using Values = std::vector<std::string>;

Values valuesIn(const std::string &text) {
  SweepSpec spec = sweepOf("vary: {rows_per_slab: " + text + "}\n");
  return spec.axes.front().values.front();
}
std::string refusal(const std::string &rest) {
  return messageOf(SweepSpec::parse(sweepText(rest), "s.yaml"));
}
std::string refusalOf(const std::string &values) {
  return refusal("vary: {rows_per_slab: " + values + "}\n");
}

TEST(SweepFile, Ranges) {
  EXPECT_EQ(valuesIn("2..64 x2"), (Values{"2", "4", "8", "16", "32", "64"}));
  EXPECT_EQ(valuesIn("2..63 x2"), (Values{"2", "4", "8", "16", "32"}));
  EXPECT_EQ(valuesIn("1..10 +4"), (Values{"1", "5", "9"}));
  EXPECT_EQ(valuesIn("7..9"), (Values{"7", "8", "9"}));
  EXPECT_EQ(valuesIn("5..5 x3"), (Values{"5"}));
  EXPECT_EQ(valuesIn("12"), (Values{"12"}));
  EXPECT_EQ(valuesIn("[3, 1..4 x2, 9]"), (Values{"3", "1", "2", "4", "9"}));
  EXPECT_EQ(valuesIn("9223372036854775806..9223372036854775807"),
            (Values{"9223372036854775806", "9223372036854775807"}));
}

TEST(SweepFile, RangesThatAreNone) {
  EXPECT_EQ(refusalOf("64..2 x2"), "s.yaml:6:23: error: range '64..2 x2': it "
                                   "is empty: 64 is beyond 2");
  EXPECT_EQ(refusalOf("0..8 x2"), "s.yaml:6:23: error: range '0..8 x2': it "
                                  "never ends: a range with a factor starts "
                                  "at 1 or above");
  EXPECT_EQ(refusalOf("2..8 x1"), "s.yaml:6:23: error: range '2..8 x1': a "
                                  "factor is a whole number from 2 on");
  EXPECT_EQ(refusalOf("2..8 +0"), "s.yaml:6:23: error: range '2..8 +0': a "
                                  "step is a whole number from 1 on");
  EXPECT_EQ(refusalOf("2..8 2"), "s.yaml:6:23: error: range '2..8 2': a step "
                                 "is written +N, a factor xN");
  EXPECT_NE(refusalOf("a..8").find("expected FROM..TO"), std::string::npos);
  EXPECT_EQ(refusalOf("[]"), "s.yaml:6:24: error: the list is empty");
  EXPECT_EQ(refusalOf("1..2000000"),
            "s.yaml:6:23: error: more than 1000000 values on one axis");
  EXPECT_EQ(refusalOf("[[1], 2]"),
            "s.yaml:6:25: error: a list holds values and ranges");
}

// All combinations once, the first axis slowest; lists of zip together.
TEST(SweepFile, ProductAndZip) {
  SweepSpec spec = sweepOf("vary:\n  rank: [2, 3]\n  slabs: [4, 5, 6]\n"
                           "zip: {pe_rows: [1, 2], pe_columns: [2, 1]}\n");
  EXPECT_EQ(spec.pointCount(), 12u);
  std::set<Values> seen;
  uint64_t number = 0;
  for (const char *rank : {"2", "3"})
    for (const char *slabs : {"4", "5", "6"})
      for (bool wide : {false, true}) {
        std::vector<llvm::StringRef> found = spec.valuesOf(number);
        Values values(found.begin(), found.end());
        EXPECT_EQ(values,
                  (Values{rank, slabs, wide ? "2" : "1", wide ? "1" : "2"}))
            << number;
        seen.insert(values);
        SweepPoint point = must(spec.resolve(number++));
        EXPECT_EQ(std::to_string(point.machine.slabs), slabs);
        EXPECT_EQ(point.machine.peRows(), wide ? 2 : 1);
        // t, i0, i1, o0, r1, o1, r2, r3 in order of appearance.
        EXPECT_EQ(std::to_string(point.layer.sizes[4]), rank);
        EXPECT_EQ(std::to_string(point.layer.sizes[7]), rank);
        EXPECT_EQ(point.layer.sizes[1], 4);
      }
  EXPECT_EQ(seen.size(), 12u);
  EXPECT_EQ(spec.workloadOf(0), "rank=2");
  EXPECT_EQ(spec.workloadOf(11), "rank=3");
}

TEST(SweepFile, SeveralIndicesTakeOneValue) {
  SweepSpec spec = sweepOf("vary:\n  i0 i1: [2, 8]\n");
  EXPECT_EQ(spec.columns.front().name, "i0+i1");
  SweepPoint point = must(spec.resolve(1));
  EXPECT_EQ(point.layer.sizes[1], 8);
  EXPECT_EQ(point.layer.sizes[2], 8);
}

TEST(SweepFile, TokensNameTheFirstIndexOfX) {
  std::string text = "machine: " + machinePath +
                     "\nlayer: {suite: TT_ATIS}\nvary: {tokens: [1, 7]}\n";
  SweepSpec spec = must(SweepSpec::parse(text, "s.yaml"));
  EXPECT_EQ(must(spec.resolve(1)).layer.sizes[0], 7);
  EXPECT_EQ(must(spec.resolve(1)).layer.sizes[1], 8);
}

TEST(SweepFile, PointsBeyond64Bits) {
  std::string rest = "vary:\n";
  for (const char *key : {"slabs", "rows_per_slab", "accumulator_rows",
                          "route_slots", "staging_rows"})
    rest += std::string("  ") + key + ": 1..10000\n";
  EXPECT_EQ(sweepOf(rest).pointCount(), SweepSpec::tooMany);
}

TEST(SweepFile, ASizeThatIsNoParameter) {
  std::string text =
      "machine: " + machinePath +
      "\nlayer: {einsum: \"t i, i r -> t r\", sizes: {t: 8, i: 4, r: rnk}, "
      "parameters: {rank: 2, tokens: 8}}\n";
  EXPECT_EQ(messageOf(SweepSpec::parse(text, "s.yaml")),
            "s.yaml:2:59: error: the size of 'r' is 'rnk', it must be a whole "
            "number from 1 to 2^40, or a parameter: rank, tokens (did you mean "
            "'rank'?)");
}

TEST(SweepFile, Refusals) {
  EXPECT_EQ(refusal("vari: {slabs: 4}\n"),
            "s.yaml:6:1: error: unknown key 'vari' (did you mean 'vary'?)");
  EXPECT_EQ(refusal("vary: {slab: 4}\n").substr(0, 67),
            "s.yaml:6:8: error: unknown key 'slab' (did you mean 'slabs'?); a "
            "sw");
  EXPECT_EQ(refusal("vary: {slabs: 4}\nzip: {slabs: [1, 2]}\n"),
            "s.yaml:7:7: error: 'slabs' varies twice");
  EXPECT_EQ(refusal("vary: {rank: 4, r1: 3}\n"),
            "s.yaml:6:17: error: the size of 'r1' varies twice: as 'rank' and "
            "as 'r1'");
  EXPECT_EQ(refusal("zip: {slabs: [1, 2], rank: [1, 2, 3]}\n"),
            "s.yaml:6:29: error: the lists of 'zip' advance together and must "
            "be equally long: 'slabs' has 2 values, 'rank' has 3");
  EXPECT_EQ(refusal("vary: {networks: [benes, butterflie]}\n"),
            "s.yaml:6:19: error: 'networks' is 'butterflie', it must be one "
            "of: benes, butterfly (did you mean 'butterfly'?)");
  EXPECT_EQ(refusal("vary: {rank: [3, x]}\n"),
            "s.yaml:6:15: error: the size of 'r1' is 'x', it must be a whole "
            "number from 1 to 2^40");
  EXPECT_EQ(refusal("vary: {rank: 0..3}\n"),
            "s.yaml:6:14: error: the size of 'r1' is '0', it must be a whole "
            "number from 1 to 2^40");
  EXPECT_EQ(refusal("mode: schedule\n"),
            "s.yaml:6:7: error: 'mode' is 'schedule', it must be cost-model or "
            "scheduled (did you mean 'scheduled'?)");
  EXPECT_EQ(refusal("order: cse\n"),
            "s.yaml:6:8: error: 'order' is 'cse', it must be one of: csse, "
            "right-to-left, btt, cores-first, greedy (did you mean 'csse'?)");
  EXPECT_NE(refusal("objective: speed\n").find("'objective' is 'speed'"),
            std::string::npos);
  EXPECT_EQ(refusal("set: {slabs: 0}\n"),
            "s.yaml:6:7: error: 'slabs' is 0, it must lie between 1 and 64");
  EXPECT_EQ(refusal("vary: [1, 2]\n"),
            "s.yaml:6:8: error: 'vary' must be a mapping of keys to values");
  std::string layer = "machine: " + machinePath + "\nlayer: {suite: TT_ATI}\n";
  EXPECT_NE(messageOf(SweepSpec::parse(layer, "s.yaml"))
                .find("(did you mean 'TT_ATIS'?)"),
            std::string::npos);
  layer = "machine: " + machinePath +
          "\nlayer: {einsum: \"ab,bc->ac\", sizes: {a: 2, b: 3}}\n";
  EXPECT_EQ(messageOf(SweepSpec::parse(layer, "s.yaml")),
            "s.yaml:2:9: error: index 'c' has no size");
}

// What the loader of machine files refuses is a row, not the end of the sweep.
TEST(SweepFile, PointsThatTheMachineRefuses) {
  SweepSpec spec = sweepOf("vary: {dram_bytes_per_second: [0, 1000]}\n");
  EXPECT_EQ(messageOf(spec.resolve(0)).substr(0, 62),
            "'dram_bytes_per_second' is 0, it must lie between 1 and 112589");
  EXPECT_TRUE(bool(spec.resolve(1)));
  spec = sweepOf("vary: {contraction_engines: [4096], pe_rows: 4}\n");
  EXPECT_NE(messageOf(spec.resolve(0)).find("lanes"), std::string::npos);
}

} // namespace
