//===- NpyTest.cpp - Arrays in NumPy's .npy format ------------------------===//
//
// Part of the Fetta project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Support/Npy.h"
#include "llvm/Support/raw_ostream.h"
#include "gtest/gtest.h"
#include <cmath>
#include <limits>

using namespace fetta;
using namespace llvm;

namespace {

std::string write(const NpyArray &array) {
  std::string text;
  raw_string_ostream os(text);
  writeNpy(array, os);
  return text;
}

/// A file of version 1.0 with the given header, unpadded.
std::string makeFile(StringRef header, StringRef data = "") {
  std::string text("\x93NUMPY\x01\x00", 8);
  text += static_cast<char>(header.size() & 0xFF);
  text += static_cast<char>(header.size() >> 8);
  return text + header.str() + data.str();
}

std::string parseError(StringRef contents) {
  Expected<NpyArray> array = parseNpy(contents, "x.npy");
  return array ? "accepted" : toString(array.takeError());
}

TEST(Npy, WritesWhatNumPyWrites) {
  // numpy.save of numpy.array([[1.0, -2.0]], dtype=numpy.float32).
  std::string expected("\x93NUMPY\x01\x00\x76\x00", 10);
  expected += "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2), }";
  expected.append(127 - expected.size(), ' ');
  expected += '\n';
  expected += std::string("\x00\x00\x80\x3F\x00\x00\x00\xC0", 8);
  EXPECT_EQ(write(NpyArray::fromFloats({1, 2}, {1.0f, -2.0f})), expected);
}

TEST(Npy, RoundTripOfEveryTypeAndRank) {
  for (NpyType type : {NpyType::Bool, NpyType::I8, NpyType::U8, NpyType::I16,
                       NpyType::U16, NpyType::I32, NpyType::U32, NpyType::I64,
                       NpyType::U64, NpyType::F16, NpyType::F32, NpyType::F64})
    for (SmallVector<int64_t> shape :
         {SmallVector<int64_t>{}, SmallVector<int64_t>{5},
          SmallVector<int64_t>{2, 3}, SmallVector<int64_t>{2, 0, 3},
          SmallVector<int64_t>{1, 2, 1, 3, 2}}) {
      NpyArray array{type, shape, {}};
      array.bytes.resize(array.getNumElements() * getNpyTypeSize(type));
      for (size_t i = 0; i < array.bytes.size(); ++i)
        array.bytes[i] = static_cast<uint8_t>(37 * i + 1);
      std::string file = write(array);
      EXPECT_EQ((file.size() - array.bytes.size()) % 64, 0u);
      Expected<NpyArray> copy = parseNpy(file, "copy");
      ASSERT_TRUE(bool(copy)) << toString(copy.takeError());
      EXPECT_EQ(copy->type, type);
      EXPECT_EQ(copy->shape, shape);
      EXPECT_EQ(copy->bytes, array.bytes);
    }
}

TEST(Npy, LongHeadersUseVersion2) {
  NpyArray array{NpyType::U8, SmallVector<int64_t>(30000, 1), {7}};
  std::string file = write(array);
  EXPECT_EQ(file[6], 2);
  Expected<NpyArray> copy = parseNpy(file, "copy");
  ASSERT_TRUE(bool(copy)) << toString(copy.takeError());
  EXPECT_EQ(copy->shape, array.shape);
}

TEST(Npy, Version3IsRead) {
  std::string file("\x93NUMPY\x03\x00", 8);
  StringRef header = "{'descr':'<u2','fortran_order':False,'shape':()}";
  file += static_cast<char>(header.size());
  file += std::string(3, '\0');
  file += header.str() + "\x34\x12";
  Expected<NpyArray> array = parseNpy(file, "x.npy");
  ASSERT_TRUE(bool(array)) << toString(array.takeError());
  EXPECT_EQ(cantFail(array->toUInt16("x")), std::vector<uint16_t>{0x1234});
}

TEST(Npy, EveryTruncationIsRefused) {
  std::string file = write(NpyArray::fromFloats({2, 3}, {1, 2, 3, 4, 5, 6}));
  for (size_t size = 0; size < file.size(); ++size) {
    std::string text = parseError(StringRef(file).take_front(size));
    EXPECT_NE(text.find("x.npy: truncated"), std::string::npos)
        << size << ": " << text;
  }
  EXPECT_EQ(parseError(file + "!"),
            "x.npy: shape 2x3 of float32 needs 24 bytes of data, the file has "
            "25: 1 too many");
}

TEST(Npy, RefusesWhatItDoesNotRead) {
  auto header = [](StringRef descr, StringRef order, StringRef shape) {
    return makeFile(("{'descr': " + descr + ", 'fortran_order': " + order +
                     ", 'shape': " + shape + ", }")
                        .str(),
                    std::string(8, '\0'));
  };
  EXPECT_EQ(parseError(header("'<f4'", "False", "(2,)")), "accepted");
  EXPECT_EQ(parseError(header("'<f4'", "False", "(1, 2)")), "accepted");
  EXPECT_EQ(parseError(header("'<f4'", "True", "(2,)")), "accepted");
  struct Case {
    std::string file, message;
  } cases[] = {
      {"PK\x03\x04 a zip archive", "not a .npy file"},
      {header("'<f4'", "True", "(1, 2)"), "Fortran order"},
      {header("'>f4'", "False", "(2,)"), "big-endian"},
      {header("'<c8'", "False", "(1,)"), "unsupported element type '<c8'"},
      {header("[('a', '<f4')]", "False", "(2,)"), "structured"},
      {header("'<f4'", "false", "(2,)"), "True or False"},
      {header("'<f4'", "False", "(2)"), "not a tuple"},
      {header("'<f4'", "False", "(,)"), "tuple"},
      {header("'<f4'", "False", "(1 2)"), "tuple"},
      {header("'<f4'", "False", "(-1, 2)"), "tuple"},
      {header("'<f4'", "False", "(9223372036854775808,)"), "below 2^63"},
      {header("'<f4'", "False", "(4294967296, 4294967296)"), "beyond 2^63"},
      {header("'<f4'", "False", "(2305843009213693952,)"), "beyond 2^63"},
      {makeFile("{'descr': '<f4', 'shape': (2,)}"), "missing"},
      {makeFile("{'descr': '<f4', 'descr': '<f4'}"), "repeated"},
      {makeFile("{'descr': '<f4' 'shape': (2,)}"), "expected ',' or '}'"},
      {makeFile("{'descr': '<f4', 'kind': 1}"), "'kind' is unknown"},
      {makeFile("['descr']"), "expected '{'"},
      {makeFile("{'descr': '<f4"), "in quotes"},
  };
  for (const Case &test : cases) {
    std::string text = parseError(test.file);
    EXPECT_NE(text.find(test.message), std::string::npos) << text;
    EXPECT_EQ(text.find("x.npy: "), 0u) << text;
  }
  std::string version = header("'<f4'", "False", "(2,)");
  version[6] = 4;
  EXPECT_NE(parseError(version).find(".npy version 4.0"), std::string::npos);
}

TEST(Npy, ConvertsToFloats) {
  NpyArray array{NpyType::F64, {2}, std::vector<uint8_t>(16)};
  // 1 + 2^-24 lies half-way between two floats; the even one is 1.
  double values[] = {1.0 + std::ldexp(1.0, -24), -0.5};
  memcpy(array.bytes.data(), values, sizeof(values));
  EXPECT_EQ(cantFail(array.toFloats("x")), (std::vector<float>{1.0f, -0.5f}));
  float infinity = std::numeric_limits<float>::infinity();
  EXPECT_EQ(cantFail(NpyArray::fromFloats({1}, {infinity}).toFloats("x")),
            std::vector<float>{infinity});
  NpyArray raw = NpyArray::fromUInt16({2}, {1, 0xFFFF});
  EXPECT_EQ(cantFail(raw.toUInt16("x")), (std::vector<uint16_t>{1, 0xFFFF}));
  EXPECT_EQ(toString(raw.toFloats("x").takeError()),
            "x: the elements are uint16; expected float32 or float64");
  EXPECT_EQ(toString(array.toUInt16("x").takeError()),
            "x: the elements are float64; expected uint16");
}

TEST(Npy, BFloat16TravelsAsFloatsOrRaw) {
  // 1 + 2^-8 lies half-way between 1 and its neighbour.
  NpyArray floats = NpyArray::fromFloats({3}, {1.0f, 1.00390625f, -2.0f});
  std::vector<uint16_t> bits = {0x3F80, 0x3F80, 0xC000};
  EXPECT_EQ(cantFail(floats.toBF16("x")), bits);
  EXPECT_EQ(cantFail(NpyArray::fromBF16({3}, bits).toFloats("x")),
            (std::vector<float>{1.0f, 1.0f, -2.0f}));
  NpyArray raw = NpyArray::fromBF16({3}, bits, /*raw=*/true);
  EXPECT_EQ(cantFail(raw.toBF16("x", /*raw=*/true)), bits);
  EXPECT_EQ(toString(raw.toBF16("x").takeError()),
            "x: the elements are uint16; expected float32 or float64");
  EXPECT_EQ(toString(floats.toBF16("x", /*raw=*/true).takeError()),
            "x: the elements are float32; expected uint16");
}

TEST(Npy, WrongShapeShowsBothShapes) {
  NpyArray array = NpyArray::fromFloats({1, 2}, {0, 0});
  EXPECT_FALSE(checkNpyShape(array, {1, 2}, "G0"));
  EXPECT_EQ(toString(checkNpyShape(array, {2, 1}, "G0")),
            "G0: the array has shape 1x2; expected 2x1");
  EXPECT_EQ(toString(checkNpyShape(array, {}, "G0")),
            "G0: the array has shape 1x2; expected scalar");
}

TEST(Npy, MissingFileNamesThePath) {
  EXPECT_NE(toString(readNpy("no/such.npy").takeError()).find("'no/such.npy'"),
            std::string::npos);
}

} // namespace
