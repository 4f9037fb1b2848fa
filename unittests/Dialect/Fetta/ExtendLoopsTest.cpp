//===- ExtendLoopsTest.cpp - Loops that go on against those written out ---===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// \file
// Loop nests over tiles, written for a few turns of the outermost loop, rolled,
// extended and unrolled, against the same nests written for all turns.
//
//===----------------------------------------------------------------------===//

#include "TinyMachine.h"
#include "fetta/Dialect/Fetta/Transforms/RollSlices.h"
#include "fetta/Dialect/Fetta/Transforms/UnrollRepeats.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/FormatVariadic.h"
#include "gtest/gtest.h"

#include <random>

using namespace mlir;
using namespace fetta;
using namespace fetta::hw;

namespace {

constexpr const char *layouts = R"(
#lhs = #fetta.layout<banks [d1:0, d0:0] rows [2, 1]>
#rhs = #fetta.layout<banks [d1:0, 0] rows [1, 0]>
#res = #fetta.layout<banks [d1:0, d0:0] rows [1, 0]>
)";

constexpr const char *routes = R"(
  fetta.route @l distribution map <[l0, l1]> words "0000" masks [2, 1]
  fetta.route @r distribution map <[l0, 0]> words "a000" masks [2, 1]
  fetta.route @c reduction map <[l0, l1]> words "0000" masks [1, 2]
)";

std::string header() { return std::string(layouts) + tinyModule + routes; }

constexpr const char *contraction = R"(b_stationary
    lanes <ce [b:0] row [k:0] column [n:0]>
    loops <scope [k x 2 by 2, b x 2 by 2]>
    accumulator <base 0 strides [1, 0]> routes [@l, @r, @c]
    home <slab 2 row 0> origin "here"
    : (tensor<4x4xbf16, #lhs>, tensor<4x2xbf16, #rhs>) -> tensor<4x2xbf16, #res>
)";

/// A region of some of the letters, outermost first. Neighbours that do not
/// grow may be one dimension.
struct Shape {
  std::string letters;
  std::vector<bool> joined; ///< With the letter before.

  Shape() = default;
  Shape(std::string some, std::mt19937 &random) : letters(std::move(some)) {
    std::shuffle(letters.begin(), letters.end(), random);
    for (size_t d = 0; d < letters.size(); ++d)
      joined.push_back(d > 0 && letters[d] != 'g' && letters[d - 1] != 'g' &&
                       random() % 2);
  }
};

/// for o < turns, m < middle, t < inner: loads tile (o, t) of %a, multiplies it
/// by tile t of %p or by one that stays, stores tile (o, m, t) of the result.
/// Tiles are loaded `ahead` tiles before they are used.
struct Nest {
  int64_t middle, inner, ahead;
  bool loadsFactor;
  Shape a, result;

  explicit Nest(std::mt19937 &random) {
    middle = 1 + random() % 2;
    inner = 1 + random() % 3;
    ahead = random() % 3;
    loadsFactor = random() % 2;
    a = Shape("gtk", random);
    result = Shape("gmtn", random);
  }

  int64_t perTurn() const { return middle * inner; }
  int64_t sizeOf(char letter, int64_t turns) const {
    switch (letter) {
    case 'g':
      return 4 * turns;
    case 'm':
      return middle;
    case 't':
      return inner;
    case 'k':
      return 4;
    default:
      return 2;
    }
  }
  int64_t strideOf(const Shape &shape, char letter, int64_t turns) const {
    int64_t stride = 1;
    for (size_t d = shape.letters.find(letter) + 1; d < shape.letters.size();
         ++d)
      stride *= sizeOf(shape.letters[d], turns);
    return stride;
  }
  SmallVector<int64_t> sizes(const Shape &shape, int64_t turns) const {
    SmallVector<int64_t> sizes;
    for (size_t d = 0; d < shape.letters.size(); ++d) {
      if (!shape.joined[d])
        sizes.push_back(1);
      sizes.back() *= sizeOf(shape.letters[d], turns);
    }
    return sizes;
  }
  std::string typeOf(const Shape &shape, int64_t turns) const {
    std::string type = "tensor<";
    for (int64_t size : sizes(shape, turns))
      type += std::to_string(size) + "x";
    return type + "bf16>";
  }

  std::string loadOf(int64_t tile, int64_t turns) const {
    const int64_t o = tile / perTurn(), t = tile % inner;
    return llvm::formatv(
        "  %x{0} = fetta.load %a at {1} strides [{2}, {3}] home <slab 0 row "
        "{4}> : {5} -> tensor<4x4xbf16, #lhs>\n",
        tile, 4 * o * strideOf(a, 'g', turns) + t * strideOf(a, 't', turns),
        strideOf(a, 'g', turns), strideOf(a, 'k', turns),
        tile % perTurn() % 2 * 4, typeOf(a, turns));
  }
  std::string factorOf(int64_t t, const Twine &name) const {
    return llvm::formatv("  %w{0} = fetta.load %p at {1} home <slab 1 row 0> : "
                         "tensor<{2}x4x2xbf16> -> tensor<4x2xbf16, #rhs>\n",
                         name.str(), t * 8, inner);
  }
  std::string storeOf(int64_t tile, int64_t turns) const {
    const int64_t o = tile / perTurn(), m = tile % perTurn() / inner,
                  t = tile % inner;
    return llvm::formatv(
        "  %y{0} = fetta.store %c{0} into %y{1} at {2} strides [{3}, {4}] : "
        "tensor<4x2xbf16, #res>, {5}\n",
        tile, tile == 0 ? std::string("e") : std::to_string(tile - 1),
        4 * o * strideOf(result, 'g', turns) +
            m * strideOf(result, 'm', turns) + t * strideOf(result, 't', turns),
        strideOf(result, 'g', turns), strideOf(result, 'n', turns),
        typeOf(result, turns));
  }

  /// `before` and `behind` stand around it all.
  std::string write(int64_t turns, StringRef before = "",
                    StringRef behind = "") const {
    const int64_t tiles = turns * perTurn();
    std::string text = header();
    text += llvm::formatv(
        "func.func @f(%a: {0}, %p: tensor<{1}x4x2xbf16>) -> {2} {{\n"
        "  %ye = tensor.empty() : {2}\n",
        typeOf(a, turns), inner, typeOf(result, turns));
    text += before;
    if (!loadsFactor)
      text += factorOf(0, "");
    for (int64_t tile = 0; tile < std::min(ahead, tiles); ++tile)
      text += loadOf(tile, turns);
    for (int64_t tile = 0; tile < tiles; ++tile) {
      if (tile + ahead < tiles)
        text += loadOf(tile + ahead, turns);
      std::string factor = "%w";
      if (loadsFactor) {
        text += factorOf(tile % inner, Twine(tile));
        factor += std::to_string(tile);
      }
      text += llvm::formatv(
          "  %c{0} = fetta.contract \"b k, k n -> b n\" %x{0}, {1} {2}", tile,
          factor, contraction);
      text += storeOf(tile, turns);
    }
    text += behind;
    text += llvm::formatv("  return %y{0} : {1}\n}\n}\n", tiles - 1,
                          typeOf(result, turns));
    return text;
  }
};

/// What each instruction does: elements that it moves, in order, and which
/// instructions it reads from.
std::vector<std::string> describe(func::FuncOp function) {
  std::vector<std::string> lines;
  llvm::DenseMap<Value, std::string> names;
  for (BlockArgument argument : function.getArguments())
    names[argument] = "argument " + std::to_string(argument.getArgNumber());
  for (Operation &op : function.getBody().front()) {
    std::string line = op.getName().getStringRef().str();
    for (Value operand : op.getOperands())
      line += " " + names[operand];
    std::string name = "#" + std::to_string(lines.size());
    llvm::TypeSwitch<Operation *>(&op)
        .Case<LoadOp, StoreOp>([&](auto transfer) {
          RankedTensorType tile;
          if constexpr (std::is_same_v<decltype(transfer), LoadOp>) {
            tile = transfer.getType();
          } else {
            tile = transfer.getSource().getType();
            name = "the result";
          }
          SmallVector<int64_t> strides = transfer.getElementStrides();
          for (int64_t i = 0; i < tile.getDimSize(0); ++i)
            for (int64_t j = 0; j < tile.getDimSize(1); ++j)
              line += " " + std::to_string(int64_t(transfer.getAt()) +
                                           i * strides[0] + j * strides[1]);
        })
        .Case<tensor::EmptyOp>([&](auto) { name = "the result"; });
    for (Value result : op.getResults())
      names[result] = name;
    if (!isa<tensor::EmptyOp>(op))
      lines.push_back(line);
  }
  return lines;
}

class ExtendLoopsTest : public ::testing::Test {
protected:
  ExtendLoopsTest() {
    context
        .loadDialect<FettaDialect, tensor::TensorDialect, func::FuncDialect>();
  }

  func::FuncOp parse(const std::string &text) {
    modules.push_back(parseSourceString<ModuleOp>(text, &context));
    return modules.back() ? *modules.back()->getOps<func::FuncOp>().begin()
                          : func::FuncOp();
  }
  /// Rolls a function and extends it to the type of another one.
  std::string extend(func::FuncOp function, int64_t contracts,
                     FunctionType full) {
    llvm::Expected<RepeatOp> repeat = rollSlices(function, contracts);
    if (!repeat)
      return "not rolled: " + llvm::toString(repeat.takeError());
    return llvm::toString(extendBatch(function, *repeat, full));
  }

  MLIRContext context;
  std::vector<OwningOpRef<ModuleOp>> modules;
};

TEST_F(ExtendLoopsTest, AreThoseOfAllTurns) {
  int extended = 0, extendedFreely = 0;
  for (unsigned seed = 1; seed <= 250; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    modules.clear();
    std::mt19937 random(seed);
    const Nest nest(random);
    const int64_t few = 3 + random() % 3, all = few + 1 + random() % 5;
    func::FuncOp function = parse(nest.write(few)),
                 full = parse(nest.write(all));
    ASSERT_TRUE(function && full);
    // With any period, it is right or refused.
    const bool isFree = random() % 4 == 0;
    std::string error =
        extend(function, isFree ? 0 : nest.perTurn(), full.getFunctionType());
    // An iteration carries what the one before it has made, and two of them lie
    // between the first loads, which are all ahead, and the last ones.
    const bool isEnough = nest.perTurn() > nest.ahead &&
                          nest.perTurn() * (few - 2) >= 2 * nest.ahead;
    if (!isFree && isEnough) {
      EXPECT_EQ(error, "") << nest.write(few);
    }
    if (!error.empty())
      continue;
    ++(isFree ? extendedFreely : extended);
    EXPECT_TRUE(succeeded(verify(*modules.front())));
    EXPECT_EQ(function.getFunctionType(), full.getFunctionType());
    ASSERT_TRUE(succeeded(unrollRepeats(function)));
    EXPECT_TRUE(succeeded(verify(*modules.front())));
    EXPECT_EQ(describe(function), describe(full));
  }
  EXPECT_GT(extended, 100);
  EXPECT_GT(extendedFreely, 10);
}

TEST_F(ExtendLoopsTest, KeepTheBeginningFromTheEnd) {
  for (unsigned seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    modules.clear();
    std::mt19937 random(seed);
    Nest nest(random);
    nest.ahead = random() % nest.perTurn();
    const int64_t last = 4 * nest.perTurn() - 1;
    FunctionType full = parse(nest.write(6)).getFunctionType();
    auto expectRefused = [&](StringRef before, StringRef behind) {
      func::FuncOp function = parse(nest.write(4, before, behind));
      ASSERT_TRUE(function);
      std::string error = extend(function, nest.perTurn(), full);
      EXPECT_TRUE(
          StringRef(error).contains("the beginning and the end overlap"))
          << error;
    };
    auto renamed = [&](int64_t tile) {
      return "  %z" +
             StringRef(nest.loadOf(tile, 4)).ltrim().drop_front(2).str();
    };
    expectRefused(renamed(last), "");
    expectRefused("", renamed(0));
  }
}

TEST_F(ExtendLoopsTest, KeepTheirTilesWithinRows) {
  // Two rows of four are stored as one run over the end of the rows, which the
  // larger region has elsewhere.
  const std::string text = header() + R"(
  func.func @f(%a: tensor<4x20xbf16>) {
    fetta.repeat 2 {
      %0 = fetta.load %a at 18 advance 4 home <slab 0 row 0>
          : tensor<4x20xbf16> -> tensor<4x4xbf16, #lhs>
      fetta.yield
    }
    return
  }
})";
  func::FuncOp function = parse(text);
  ASSERT_TRUE(function);
  auto type = RankedTensorType::get({4, 40}, BFloat16Type::get(&context));
  EXPECT_EQ(
      llvm::toString(extendBatch(function, *function.getOps<RepeatOp>().begin(),
                                 FunctionType::get(&context, {type}, {}))),
      "a tile of argument #0 at 18 goes from the end of dimension 1 on to "
      "its beginning and has no like in a larger region");
}

} // namespace
