//===- Npy.cpp - Arrays in NumPy's .npy format ----------------------------===//
//
// Part of the Fetta project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Support/Npy.h"
#include "fetta/Support/BFloat16.h"
#include "fetta/Support/Error.h"
#include "fetta/Support/OutputFile.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/MemoryBuffer.h"

using namespace llvm;

namespace fetta {

namespace {

struct TypeInfo {
  NpyType type;
  StringRef descr;
  StringRef name;
  unsigned size;
};

constexpr TypeInfo types[] = {
    {NpyType::Bool, "|b1", "bool", 1},   {NpyType::I8, "|i1", "int8", 1},
    {NpyType::U8, "|u1", "uint8", 1},    {NpyType::I16, "<i2", "int16", 2},
    {NpyType::U16, "<u2", "uint16", 2},  {NpyType::I32, "<i4", "int32", 4},
    {NpyType::U32, "<u4", "uint32", 4},  {NpyType::I64, "<i8", "int64", 8},
    {NpyType::U64, "<u8", "uint64", 8},  {NpyType::F16, "<f2", "float16", 2},
    {NpyType::F32, "<f4", "float32", 4}, {NpyType::F64, "<f8", "float64", 8},
};

const TypeInfo &getTypeInfo(NpyType type) {
  for (const TypeInfo &info : types)
    if (info.type == type)
      return info;
  llvm_unreachable("every NpyType is in the table");
}

constexpr char magic[] = "\x93NUMPY";
constexpr size_t magicSize = sizeof(magic) - 1;

/// The three entries of the header, a Python dictionary literal.
struct Header {
  std::string descr;
  bool fortranOrder = false;
  SmallVector<int64_t> shape;
};

/// Reads the subset of Python's literal syntax that NumPy writes: one
/// dictionary with string keys and string, bool or integer tuple values.
class HeaderParser {
public:
  HeaderParser(StringRef text, StringRef name) : rest(text), name(name) {}

  Expected<Header> parse() {
    Header header;
    bool hasDescr = false, hasOrder = false, hasShape = false;
    if (!consume('{'))
      return fail("expected '{'");
    while (!consume('}')) {
      std::string key;
      if (!parseString(key) || !consume(':'))
        return fail("expected a key in quotes and ':'");
      if (key == "descr" && !hasDescr) {
        hasDescr = true;
        if (!parseString(header.descr))
          return fail("expected a type in quotes (structured types are not "
                      "supported)");
      } else if (key == "fortran_order" && !hasOrder) {
        hasOrder = true;
        if (consumeWord("True"))
          header.fortranOrder = true;
        else if (!consumeWord("False"))
          return fail("expected True or False");
      } else if (key == "shape" && !hasShape) {
        hasShape = true;
        if (Error error = parseShape(header.shape))
          return error;
      } else {
        return fail("key '" + key + "' is unknown or repeated");
      }
      if (!consume(',') && !rest.starts_with("}"))
        return fail("expected ',' or '}'");
    }
    if (!rest.empty())
      return fail("text after '}'");
    if (!hasDescr || !hasOrder || !hasShape)
      return fail("one of 'descr', 'fortran_order', 'shape' is missing");
    return header;
  }

private:
  Error fail(const Twine &reason) {
    return makeError("{0}: malformed .npy header: {1}", name, reason.str());
  }

  void skipSpace() { rest = rest.ltrim(" \t\r\n"); }

  bool consume(char c) {
    skipSpace();
    bool found = rest.consume_front(StringRef(&c, 1));
    skipSpace();
    return found;
  }

  bool consumeWord(StringRef word) {
    bool found = rest.consume_front(word);
    skipSpace();
    return found;
  }

  bool parseString(std::string &value) {
    skipSpace();
    if (rest.empty() || (rest.front() != '\'' && rest.front() != '"'))
      return false;
    size_t end = rest.find(rest.front(), 1);
    if (end == StringRef::npos)
      return false;
    value = rest.slice(1, end).str();
    rest = rest.drop_front(end + 1);
    skipSpace();
    return true;
  }

  Error parseShape(SmallVector<int64_t> &shape) {
    if (!consume('('))
      return fail("expected '(' before the shape");
    bool comma = true;
    while (!consume(')')) {
      StringRef digits = rest.take_while([](char c) { return isDigit(c); });
      int64_t size;
      if (!comma || digits.empty() || digits.getAsInteger(10, size))
        return fail("the shape is not a tuple of sizes below 2^63");
      shape.push_back(size);
      rest = rest.drop_front(digits.size());
      comma = consume(',');
    }
    // (3) is a number in Python, and (,) is nothing at all.
    if (shape.size() == 1 && !comma)
      return fail("the shape is not a tuple");
    return Error::success();
  }

  StringRef rest, name;
};

} // namespace

unsigned getNpyTypeSize(NpyType type) { return getTypeInfo(type).size; }
StringRef getNpyTypeName(NpyType type) { return getTypeInfo(type).name; }

/// Appends integers of the host as little-endian bytes.
template <typename T>
static void appendLittleEndian(std::vector<uint8_t> &bytes, T value) {
  uint8_t raw[sizeof(T)];
  support::endian::write<T, endianness::little>(raw, value);
  bytes.insert(bytes.end(), raw, raw + sizeof(T));
}

NpyArray NpyArray::fromFloats(ArrayRef<int64_t> shape, ArrayRef<float> values) {
  NpyArray array{NpyType::F32, SmallVector<int64_t>(shape), {}};
  assert(array.getNumElements() == int64_t(values.size()) &&
         "as many values as the shape has elements");
  array.bytes.reserve(values.size() * sizeof(float));
  for (float value : values)
    appendLittleEndian(array.bytes, bit_cast<uint32_t>(value));
  return array;
}

NpyArray NpyArray::fromUInt16(ArrayRef<int64_t> shape,
                              ArrayRef<uint16_t> values) {
  NpyArray array{NpyType::U16, SmallVector<int64_t>(shape), {}};
  assert(array.getNumElements() == int64_t(values.size()) &&
         "as many values as the shape has elements");
  array.bytes.reserve(values.size() * sizeof(uint16_t));
  for (uint16_t value : values)
    appendLittleEndian(array.bytes, value);
  return array;
}

NpyArray NpyArray::fromBF16(ArrayRef<int64_t> shape, ArrayRef<uint16_t> values,
                            bool raw) {
  if (raw)
    return fromUInt16(shape, values);
  std::vector<float> floats(values.size());
  transform(values, floats.begin(), bf16ToFloat);
  return fromFloats(shape, floats);
}

int64_t NpyArray::getNumElements() const {
  int64_t count = 1;
  for (int64_t size : shape)
    count *= size;
  return count;
}

Expected<std::vector<float>> NpyArray::toFloats(StringRef name) const {
  std::vector<float> values(getNumElements());
  if (type == NpyType::F32) {
    for (size_t i = 0; i < values.size(); ++i)
      values[i] = bit_cast<float>(support::endian::read32le(&bytes[4 * i]));
  } else if (type == NpyType::F64) {
    for (size_t i = 0; i < values.size(); ++i)
      values[i] = static_cast<float>(
          bit_cast<double>(support::endian::read64le(&bytes[8 * i])));
  } else {
    return makeError("{0}: the elements are {1}; expected float32 or float64",
                     name, getNpyTypeName(type));
  }
  return values;
}

Expected<std::vector<uint16_t>> NpyArray::toBF16(StringRef name,
                                                 bool raw) const {
  if (raw)
    return toUInt16(name);
  Expected<std::vector<float>> floats = toFloats(name);
  if (!floats)
    return floats.takeError();
  std::vector<uint16_t> values(floats->size());
  transform(*floats, values.begin(), floatToBF16);
  return values;
}

Expected<std::vector<uint16_t>> NpyArray::toUInt16(StringRef name) const {
  if (type != NpyType::U16)
    return makeError("{0}: the elements are {1}; expected uint16", name,
                     getNpyTypeName(type));
  std::vector<uint16_t> values(getNumElements());
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = support::endian::read16le(&bytes[2 * i]);
  return values;
}

std::string formatShape(ArrayRef<int64_t> shape) {
  if (shape.empty())
    return "scalar";
  std::string text;
  raw_string_ostream os(text);
  interleave(shape, os, "x");
  return text;
}

Expected<NpyArray> parseNpy(StringRef contents, StringRef name) {
  auto truncated = [&](StringRef part, uint64_t need) {
    return makeError("{0}: truncated .npy file: {1} needs {2} bytes, the file "
                     "has {3}",
                     name, part, need, contents.size());
  };
  StringRef expectedMagic(magic, magicSize);
  if (!contents.starts_with(expectedMagic)) {
    if (contents.size() < magicSize && expectedMagic.starts_with(contents))
      return truncated("its signature", magicSize);
    return makeError("{0}: not a .npy file (signature missing)", name);
  }
  if (contents.size() < magicSize + 2)
    return truncated("its version", magicSize + 2);
  unsigned major = static_cast<uint8_t>(contents[magicSize]);
  unsigned minor = static_cast<uint8_t>(contents[magicSize + 1]);
  if (major < 1 || major > 3 || minor != 0)
    return makeError("{0}: .npy version {1}.{2}; supported are 1.0, 2.0, 3.0",
                     name, major, minor);
  size_t lengthOffset = magicSize + 2;
  size_t headerOffset = lengthOffset + (major == 1 ? 2 : 4);
  if (contents.size() < headerOffset)
    return truncated("the length of its header", headerOffset);
  uint64_t length =
      major == 1 ? support::endian::read16le(contents.data() + lengthOffset)
                 : support::endian::read32le(contents.data() + lengthOffset);
  if (contents.size() - headerOffset < length)
    return truncated("its header", headerOffset + length);

  Expected<Header> header =
      HeaderParser(contents.substr(headerOffset, length), name).parse();
  if (!header)
    return header.takeError();
  const TypeInfo *info = nullptr;
  for (const TypeInfo &candidate : types)
    if (candidate.descr == header->descr ||
        // One byte has no order, yet some writers state one.
        (candidate.size == 1 && header->descr.size() == 3 &&
         candidate.descr.drop_front() == StringRef(header->descr).drop_front()))
      info = &candidate;
  if (!info) {
    if (StringRef(header->descr).starts_with(">"))
      return makeError("{0}: the elements are big-endian ('{1}'); convert with "
                       "array.astype(array.dtype.newbyteorder('<'))",
                       name, header->descr);
    return makeError("{0}: unsupported element type '{1}'; supported are bool, "
                     "(u)int8 to (u)int64 and float16 to float64",
                     name, header->descr);
  }
  // The order of a vector or scalar is both.
  if (header->fortranOrder && header->shape.size() > 1)
    return makeError("{0}: the array is in Fortran order; save "
                     "numpy.ascontiguousarray(array) instead",
                     name);

  uint64_t need = info->size;
  bool overflow = false;
  for (int64_t size : header->shape)
    need = SaturatingMultiply(need, uint64_t(size), &overflow);
  // A size of 0 makes any product 0; without it, a saturated one is too large.
  if (is_contained(header->shape, 0))
    need = 0;
  else if (overflow || need > uint64_t(INT64_MAX))
    return makeError("{0}: shape {1} of {2} is beyond 2^63 bytes", name,
                     formatShape(header->shape), info->name);
  StringRef data = contents.substr(headerOffset + length);
  if (data.size() < need)
    return makeError("{0}: truncated .npy file: shape {1} of {2} needs {3} "
                     "bytes of data, the file has {4}",
                     name, formatShape(header->shape), info->name, need,
                     data.size());
  if (data.size() > need)
    return makeError("{0}: shape {1} of {2} needs {3} bytes of data, the file "
                     "has {4}: {5} too many",
                     name, formatShape(header->shape), info->name, need,
                     data.size(), data.size() - need);
  return NpyArray{info->type, header->shape,
                  std::vector<uint8_t>(data.bytes_begin(), data.bytes_end())};
}

Expected<NpyArray> readNpy(StringRef path) {
  ErrorOr<std::unique_ptr<MemoryBuffer>> buffer = MemoryBuffer::getFileOrSTDIN(
      path, /*IsText=*/false, /*RequiresNullTerminator=*/false);
  if (!buffer)
    return makeError("cannot read '{0}': {1}", path,
                     buffer.getError().message());
  return parseNpy((*buffer)->getBuffer(), path);
}

Error checkNpyShape(const NpyArray &array, ArrayRef<int64_t> expected,
                    StringRef name) {
  if (ArrayRef<int64_t>(array.shape) == expected)
    return Error::success();
  return makeError("{0}: the array has shape {1}; expected {2}", name,
                   formatShape(array.shape), formatShape(expected));
}

void writeNpy(const NpyArray &array, raw_ostream &os) {
  std::string header;
  raw_string_ostream text(header);
  text << "{'descr': '" << getTypeInfo(array.type).descr
       << "', 'fortran_order': False, 'shape': (";
  for (int64_t size : array.shape)
    text << size << (array.shape.size() == 1 ? "," : ", ");
  StringRef shape = StringRef(header).rtrim();
  if (array.shape.size() > 1)
    shape = shape.drop_back();
  header = (shape + "), }").str();

  // Version 1.0 keeps the length of the header in 16 bits, 2.0 in 32.
  size_t fixed = magicSize + 2 + 2;
  bool isLong = alignTo(fixed + header.size() + 1, 64) - fixed > UINT16_MAX;
  fixed += isLong ? 2 : 0;
  size_t length = alignTo(fixed + header.size() + 1, 64) - fixed;
  header.append(length - 1 - header.size(), ' ');
  header += '\n';

  os.write(magic, magicSize);
  os << (isLong ? '\x02' : '\x01') << '\0';
  char raw[4];
  support::endian::write32le(raw, static_cast<uint32_t>(length));
  os.write(raw, isLong ? 4 : 2);
  os << header;
  os.write(reinterpret_cast<const char *>(array.bytes.data()),
           array.bytes.size());
}

Error writeNpyFile(const NpyArray &array, StringRef path) {
  return writeOutputFile(path, [&](raw_ostream &os) {
    writeNpy(array, os);
    return Error::success();
  });
}

} // namespace fetta
