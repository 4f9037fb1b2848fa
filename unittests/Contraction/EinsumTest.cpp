//===- EinsumTest.cpp - Einsum strings and networks -----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestNetworks.h"
#include "fetta/Contraction/Path.h"

#include "gtest/gtest.h"

using namespace llvm;
using namespace fetta;
using namespace fetta::test;

static std::string reformat(StringRef text) {
  return formatEinsum(must(parseEinsum(text)));
}

TEST(Einsum, Spellings) {
  EXPECT_EQ(reformat("ab,bc->ac"), "ab,bc->ac");
  EXPECT_EQ(reformat(" ab bc ,bc ->ab "), "ab bc, bc -> ab");
  EXPECT_EQ(reformat("ab, bc -> ac"), "ab,bc->ac");
  EXPECT_EQ(reformat("b i0 i1, i1 r -> b i0 r"), "b i0 i1, i1 r -> b i0 r");
  EXPECT_EQ(reformat("i0,i0->"), "i0, i0 -> ");
  EXPECT_EQ(reformat("x_y,x_y->x_y"), "x_y, x_y -> x_y");
  EXPECT_EQ(reformat(",a->a"), ",a->a");
  EXPECT_EQ(reformat("aab->b"), "aab->b");
  EXPECT_EQ(reformat("\xCE\xB1\xCE\xB2,\xCE\xB2->\xCE\xB1"),
            "\xCE\xB1\xCE\xB2,\xCE\xB2->\xCE\xB1");
}

TEST(Einsum, ImplicitOutput) {
  EXPECT_EQ(reformat("cb,ba"), "cb,ba->ac");
  EXPECT_EQ(reformat("aa"), "aa->");
  EXPECT_EQ(reformat("n2 n1, n1 n0"), "n2 n1, n1 n0 -> n0 n2");
}

TEST(Einsum, MessagesPointIntoTheString) {
  auto message = [](StringRef text) { return messageOf(parseEinsum(text)); };
  EXPECT_EQ(message("ab,bc->ad"),
            "einsum:1:9: output index 'd' is on no operand\n"
            "  ab,bc->ad\n"
            "          ^");
  EXPECT_EQ(message("ab,bc->aca"),
            "einsum:1:10: index 'a' is twice in the output\n"
            "  ab,bc->aca\n"
            "           ^");
  EXPECT_EQ(message("b i0, i0 -> b i1"),
            "einsum:1:15: output index 'i1' is on no operand\n"
            "  b i0, i0 -> b i1\n"
            "                ^");
  EXPECT_EQ(message("a->b->c"), "einsum:1:5: a second '->'\n"
                                "  a->b->c\n"
                                "      ^");
  EXPECT_EQ(message("a->b,c"),
            "einsum:1:5: the output is one tensor: no ',' after '->'\n"
            "  a->b,c\n"
            "      ^");
  EXPECT_EQ(message("...a,a"), "einsum:1:1: an ellipsis stands for unnamed "
                               "indices: name each of them\n"
                               "  ...a,a\n"
                               "  ^");
  EXPECT_EQ(message("ab,b+"),
            "einsum:1:5: unexpected character '+': an index is a letter, or a "
            "name between spaces\n"
            "  ab,b+\n"
            "      ^");
  EXPECT_EQ(message("a b, 2 -> a"),
            "einsum:1:6: a name begins with a letter or '_'\n"
            "  a b, 2 -> a\n"
            "       ^");
  EXPECT_EQ(message("a\xFF"), "einsum:1:2: not UTF-8\n"
                              "  a\xFF\n"
                              "   ^");
  // Columns count characters.
  EXPECT_EQ(message("\xCE\xB1->b"),
            "einsum:1:4: output index 'b' is on no operand\n"
            "  \xCE\xB1->b\n"
            "     ^");
}

TEST(Einsum, Sizes) {
  EinsumSpec spec = must(parseEinsum("ab,bc->ac"));
  auto message = [&](StringRef sizes) {
    return messageOf(bindSizes(spec, sizes));
  };
  EXPECT_EQ(message(" a = 2 , b=3,c=9223372036854775807"), "");
  EXPECT_EQ(message("a=2,b=3,c=4,a=2"), "");
  EXPECT_EQ(message("a=2,b=3,c=4,b=5"),
            "sizes:1:15: index 'b' has size 3 and size 5\n"
            "  a=2,b=3,c=4,b=5\n"
            "                ^");
  EXPECT_EQ(message("a=2,b=3"), "sizes:1:8: index 'c' has no size\n"
                                "  a=2,b=3\n"
                                "         ^");
  EXPECT_EQ(message(""), "sizes:1:1: index 'a' has no size\n"
                         "  \n"
                         "  ^");
  EXPECT_EQ(message("a=2,d=3"), "sizes:1:5: index 'd' is not in the einsum\n"
                                "  a=2,d=3\n"
                                "      ^");
  EXPECT_EQ(message("a=0"),
            "sizes:1:3: size of index 'a' is 0, but must be at least 1\n"
            "  a=0\n"
            "    ^");
  EXPECT_EQ(message("a=-2"), "sizes:1:3: size of index 'a' must be a whole "
                             "number of at least 1\n"
                             "  a=-2\n"
                             "    ^");
  EXPECT_EQ(message("a=9223372036854775808"),
            "sizes:1:3: size 9223372036854775808 of index 'a' exceeds 63 bits\n"
            "  a=9223372036854775808\n"
            "    ^");
  EXPECT_EQ(message("a 2"), "sizes:1:1: expected INDEX=SIZE\n"
                            "  a 2\n"
                            "  ^");
}

TEST(Einsum, Shapes) {
  EinsumSpec spec = must(parseEinsum("ab,bc->ac"));
  EXPECT_EQ(messageOf(bindShapes(spec, {{2, 3}, {3, 4}})), "");
  EXPECT_EQ(messageOf(bindShapes(spec, {{2, 3}, {5, 4}})),
            "index 'b' has size 3 in operand 0, but size 5 in operand 1");
  EXPECT_EQ(messageOf(bindShapes(spec, {{2, 3}})),
            "the einsum has 2 operands, but 1 shape is given");
  EXPECT_EQ(messageOf(bindShapes(spec, {{2, 3}, {3, 4, 5}})),
            "operand 1 names 2 indices, but its shape has 3 dimensions");
  EXPECT_EQ(messageOf(bindShapes(spec, {{2, 3}, {3, 0}})),
            "operand 1 gives index 'c' the size 0, but it must be at least 1");
}

TEST(TensorNetwork, RefusesWhatIsNoNetwork) {
  EXPECT_EQ(messageOf(TensorNetwork::create({}, {}, {})),
            "an einsum needs at least one tensor");
  EXPECT_EQ(messageOf(TensorNetwork::create({{"a", 0}}, {{0}}, {})),
            "size of index 'a' is 0, but must be at least 1");
  EXPECT_EQ(messageOf(TensorNetwork::create({{"a", 2}}, {{1}}, {})),
            "tensor 0 names index number 1, but there are 1");
  EXPECT_EQ(messageOf(TensorNetwork::create({{"a", 2}}, {{0}}, {0, 0})),
            "index 'a' is twice in the output");
  EXPECT_EQ(messageOf(TensorNetwork::create({{"a", 2}, {"b", 2}}, {{0}}, {1})),
            "output index 'b' is on no tensor");
  EXPECT_EQ(messageOf(ClosedNetwork::create({}, {{}})),
            "a closed network needs two leaves, but has 1");
  EXPECT_EQ(messageOf(ClosedNetwork::create({{"a", 2}}, {{0, 0}, {0}})),
            "index 'a' is twice on leaf 0: take the diagonal first");
  EXPECT_EQ(messageOf(ClosedNetwork::create({{"a", 2}}, {{}, {0}})),
            "index 'a' is only on leaf 1: sum over it first");
}

TEST(TensorNetwork, DiagonalsAndSumsAreTakenOut) {
  // b is a diagonal that stays, c is a diagonal and a sum, d a sum; e is
  // summed with another tensor; f has size 1.
  PreparedNetwork prepared = must(prepareNetwork(
      makeNetwork("abbccde,e,f->abf", "a=2,b=3,c=5,d=7,e=11,f=1")));
  ASSERT_EQ(prepared.reductions.size(), 1u);
  const TensorReduction &reduction = prepared.reductions[0];
  EXPECT_EQ(reduction.tensor, 0u);
  EXPECT_EQ(reduction.diagonal, (IndexList{1, 2}));
  EXPECT_EQ(reduction.summed, (IndexList{2, 3}));
  EXPECT_EQ(toString(reduction.elements), std::to_string(2 * 3 * 5 * 7 * 11));
  EXPECT_EQ(prepared.numSizeOne, 1u);
  const ClosedNetwork &network = prepared.network;
  ASSERT_EQ(network.numLeaves(), 4u);
  EXPECT_EQ(network.getLeaves()[0], (IndexList{0, 1, 4}));
  EXPECT_EQ(network.getLeaves()[3], (IndexList{0, 1, 5}));
  EXPECT_TRUE(network.ends(2).none());
  EXPECT_EQ(network.formatIndices(network.openIndices(network.onlyLeaf(0))),
            "a b e");
}

TEST(Path, Text) {
  EXPECT_EQ(formatContractionPath(
                must(parseContractionPath("[(0, 1), (10,2 ),( 3 , 4)]"))),
            "[(0, 1), (10, 2), (3, 4)]");
  EXPECT_EQ(formatContractionPath(must(parseContractionPath(" (0,1)(0,1)"))),
            "[(0, 1), (0, 1)]");
  EXPECT_EQ(formatContractionPath(must(parseContractionPath("[(0,)]"))),
            "[(0,)]");
  EXPECT_EQ(formatContractionPath(must(parseContractionPath(""))), "[]");
  auto message = [](StringRef text) {
    std::string all = messageOf(parseContractionPath(text));
    return all.substr(0, all.find('\n'));
  };
  EXPECT_EQ(message("[(0, 1)"), "path:1:8: expected ']'");
  EXPECT_EQ(message("0, 1"),
            "path:1:1: expected '(' and the operands of a step");
  EXPECT_EQ(message("(0, a)"), "path:1:5: expected the number of an operand");
  EXPECT_EQ(message("(0 1)"), "path:1:4: expected ',' or ')'");
  EXPECT_EQ(message("(0, 1"), "path:1:6: expected ')'");
  EXPECT_EQ(message("(0, 4294967296)"),
            "path:1:5: operand number 4294967296 exceeds 31 bits");
}
