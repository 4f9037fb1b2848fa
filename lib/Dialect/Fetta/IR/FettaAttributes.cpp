//===- FettaAttributes.cpp --------------------------------------*- C++ -*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Dialect/Fetta/IR/FettaAttributes.h"
#include "fetta/Machine/Queues.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/JSON.h"

using namespace mlir;
using namespace fetta;
using namespace fetta::hw;

#include "fetta/Dialect/Fetta/IR/FettaEnums.cpp.inc"

/// `waits [s3 x 1, s4 x 2] signals [s5 x 1]`, both optional.
static ParseResult parseTokens(AsmParser &parser, SmallVector<Token> &waits,
                               SmallVector<Token> &signals) {
  for (auto [keyword, tokens] :
       {std::pair("waits", &waits), {"signals", &signals}}) {
    auto parseToken = [&, &tokens = *tokens]() -> ParseResult {
      Token &token = tokens.emplace_back();
      SMLoc loc = parser.getCurrentLocation();
      StringRef name;
      if (parser.parseKeyword(&name))
        return failure();
      if (!name.consume_front("s") || name.getAsInteger(10, token.semaphore))
        return parser.emitError(loc) << "expected a semaphore as in s3";
      return failure(parser.parseKeyword("x") ||
                     parser.parseInteger(token.count));
    };
    if (succeeded(parser.parseOptionalKeyword(keyword)) &&
        parser.parseCommaSeparatedList(AsmParser::Delimiter::Square,
                                       parseToken))
      return failure();
  }
  return success();
}

static void printTokens(AsmPrinter &printer, ArrayRef<Token> waits,
                        ArrayRef<Token> signals) {
  StringRef separator;
  for (auto [keyword, tokens] :
       {std::pair("waits", waits), {"signals", signals}}) {
    if (tokens.empty())
      continue;
    printer << separator << keyword << " [";
    separator = " ";
    llvm::interleaveComma(tokens, printer, [&](const Token &token) {
      printer << 's' << token.semaphore << " x " << token.count;
    });
    printer << ']';
  }
}

#define GET_ATTRDEF_CLASSES
#include "fetta/Dialect/Fetta/IR/FettaAttributes.cpp.inc"

void FettaDialect::registerAttributes() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "fetta/Dialect/Fetta/IR/FettaAttributes.cpp.inc"
      >();
}

//===----------------------------------------------------------------------===//
// MachineAttr: the flat JSON object as `key = value, ...`
//===----------------------------------------------------------------------===//

MachineAttr MachineAttr::get(MLIRContext *context, const Machine &machine) {
  return get(context, machine.canonicalJson());
}

LogicalResult MachineAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                  StringRef json) {
  llvm::Expected<Machine> machine = Machine::fromJson(json);
  if (!machine)
    return emitError() << llvm::toString(machine.takeError());
  return success();
}

Attribute MachineAttr::parse(AsmParser &parser, Type) {
  SMLoc loc = parser.getCurrentLocation();
  llvm::json::Object object;
  auto parseEntry = [&]() -> ParseResult {
    StringRef key;
    SMLoc keyLoc = parser.getCurrentLocation();
    if (parser.parseKeyword(&key) || parser.parseEqual())
      return failure();
    if (object.get(key))
      return parser.emitError(keyLoc) << "repeated key '" << key << "'";
    std::string text;
    if (succeeded(parser.parseOptionalString(&text))) {
      object[key] = text;
      return success();
    }
    int64_t value;
    if (parser.parseInteger(value))
      return failure();
    object[key] = value;
    return success();
  };
  if (parser.parseCommaSeparatedList(AsmParser::Delimiter::LessGreater,
                                     parseEntry))
    return {};
  std::string json;
  llvm::raw_string_ostream(json) << llvm::json::Value(std::move(object));
  llvm::Expected<Machine> machine = Machine::fromJson(json);
  if (!machine) {
    parser.emitError(loc) << llvm::toString(machine.takeError());
    return {};
  }
  return get(parser.getContext(), *machine);
}

void MachineAttr::print(AsmPrinter &printer) const {
  llvm::json::Value value = llvm::cantFail(llvm::json::parse(getJson()));
  SmallVector<StringRef> keys;
  for (const auto &entry : *value.getAsObject())
    keys.push_back(entry.first);
  llvm::sort(keys);
  printer << '<';
  llvm::interleaveComma(keys, printer, [&](StringRef key) {
    const llvm::json::Value &v = *value.getAsObject()->get(key);
    printer << key << " = ";
    if (std::optional<StringRef> text = v.getAsString())
      printer.printString(*text);
    else
      printer << *v.getAsInteger();
  });
  printer << '>';
}

//===----------------------------------------------------------------------===//
// LayoutAttr
//===----------------------------------------------------------------------===//

LayoutAttr LayoutAttr::get(MLIRContext *context, const Layout &layout) {
  SmallVector<int64_t> strides;
  for (const DimLayout &dim : layout.dims)
    strides.push_back(dim.rowStride);
  return get(context, layout.banks, strides);
}

Layout LayoutAttr::getLayout(ArrayRef<int64_t> shape) const {
  Layout layout;
  layout.banks.assign(getBanks().begin(), getBanks().end());
  for (auto [size, stride] : llvm::zip_equal(shape, getRowStrides()))
    layout.dims.push_back({size, 0, stride});
  for (const BankBit &bank : getBanks())
    if (bank.source && bank.source->mode < layout.dims.size())
      ++layout.dims[bank.source->mode].lowBits;
  return layout;
}

LogicalResult
LayoutAttr::verifyEncoding(ArrayRef<int64_t> shape, Type elementType,
                           function_ref<InFlightDiagnostic()> emitError) const {
  if (shape.size() != getRowStrides().size())
    return emitError() << "layout has " << getRowStrides().size()
                       << " row strides, the tensor has " << shape.size()
                       << " dimensions";
  if (!elementType.isBF16() && !elementType.isF32())
    return emitError() << "a tensor in tensor memory holds bf16 or f32, got "
                       << elementType;
  if (llvm::Error error = getLayout(shape).verify(getBanks().size()))
    return emitError() << llvm::toString(std::move(error));
  return success();
}

Attribute LayoutAttr::parse(AsmParser &parser, Type) {
  SmallVector<BankBit> banks;
  SmallVector<int64_t> strides;
  auto parseBank = [&]() -> ParseResult {
    SMLoc loc = parser.getCurrentLocation();
    int64_t constant;
    OptionalParseResult integer = parser.parseOptionalInteger(constant);
    if (integer.has_value()) {
      if (failed(*integer))
        return failure();
      if (constant != 0 && constant != 1)
        return parser.emitError(loc)
               << "a constant bank bit is 0 or 1, got " << constant;
      banks.push_back({std::nullopt, constant == 1});
      return success();
    }
    StringRef dim;
    unsigned number, bit;
    if (parser.parseKeyword(&dim) || parser.parseColon() ||
        parser.parseInteger(bit))
      return failure();
    if (!dim.consume_front("d") || dim.getAsInteger(10, number))
      return parser.emitError(loc)
             << "expected a bank bit: 0, 1 or a bit of a dimension as in d2:0";
    banks.push_back({ModeBit{number, bit}, false});
    return success();
  };
  auto parseStride = [&]() {
    return parser.parseInteger(strides.emplace_back());
  };
  if (parser.parseLess() || parser.parseKeyword("banks") ||
      parser.parseCommaSeparatedList(AsmParser::Delimiter::Square, parseBank) ||
      parser.parseKeyword("rows") ||
      parser.parseCommaSeparatedList(AsmParser::Delimiter::Square,
                                     parseStride) ||
      parser.parseGreater())
    return {};
  return get(parser.getContext(), banks, strides);
}

void LayoutAttr::print(AsmPrinter &printer) const {
  printer << "<banks [";
  llvm::interleaveComma(getBanks(), printer, [&](const BankBit &bank) {
    if (bank.source)
      printer << 'd' << bank.source->mode << ':' << bank.source->bit;
    else
      printer << (bank.constant ? 1 : 0);
  });
  printer << "] rows [";
  llvm::interleaveComma(getRowStrides(), printer);
  printer << "]>";
}

//===----------------------------------------------------------------------===//
// LaneTableAttr and LoopsAttr
//===----------------------------------------------------------------------===//

/// The names of modes are keywords: letters, digits and '_'.
static ParseResult parseMode(AsmParser &parser, StringAttr &mode) {
  StringRef name;
  if (parser.parseKeyword(&name))
    return failure();
  mode = StringAttr::get(parser.getContext(), name);
  return success();
}

static ParseResult parseNamedBits(AsmParser &parser, StringRef keyword,
                                  SmallVectorImpl<NamedBit> &bits) {
  auto parseBit = [&]() -> ParseResult {
    NamedBit &bit = bits.emplace_back();
    if (succeeded(parser.parseOptionalMinus()))
      return success();
    return failure(parseMode(parser, bit.mode) || parser.parseColon() ||
                   parser.parseInteger(bit.bit));
  };
  return failure(
      parser.parseKeyword(keyword) ||
      parser.parseCommaSeparatedList(AsmParser::Delimiter::Square, parseBit));
}

Attribute LaneTableAttr::parse(AsmParser &parser, Type) {
  SmallVector<NamedBit> ce, row, column;
  if (parser.parseLess() || parseNamedBits(parser, "ce", ce) ||
      parseNamedBits(parser, "row", row) ||
      parseNamedBits(parser, "column", column) || parser.parseGreater())
    return {};
  return get(parser.getContext(), ce, row, column);
}

void LaneTableAttr::print(AsmPrinter &printer) const {
  auto printBits = [&](StringRef keyword, ArrayRef<NamedBit> bits) {
    printer << keyword << " [";
    llvm::interleaveComma(bits, printer, [&](const NamedBit &bit) {
      if (bit.mode)
        printer << bit.mode.getValue() << ':' << bit.bit;
      else
        printer << '-';
    });
    printer << ']';
  };
  printer << '<';
  printBits("ce", getCe());
  printer << ' ';
  printBits("row", getRow());
  printer << ' ';
  printBits("column", getColumn());
  printer << '>';
}

static ParseResult parseLoopList(AsmParser &parser,
                                 SmallVectorImpl<NamedLoop> &loops) {
  return parser.parseCommaSeparatedList(
      AsmParser::Delimiter::Square, [&]() -> ParseResult {
        NamedLoop &loop = loops.emplace_back();
        return failure(
            parseMode(parser, loop.mode) || parser.parseKeyword("x") ||
            parser.parseInteger(loop.count) || parser.parseKeyword("by") ||
            parser.parseInteger(loop.weight));
      });
}

Attribute LoopsAttr::parse(AsmParser &parser, Type) {
  SmallVector<NamedLoop> outer, inner;
  if (parser.parseLess())
    return {};
  if (failed(parser.parseOptionalKeyword("scope"))) {
    if (parseLoopList(parser, outer) || parser.parseKeyword("scope"))
      return {};
  }
  if (parseLoopList(parser, inner) || parser.parseGreater())
    return {};
  return get(parser.getContext(), outer, inner);
}

void LoopsAttr::print(AsmPrinter &printer) const {
  auto printLoops = [&](ArrayRef<NamedLoop> loops) {
    printer << '[';
    llvm::interleaveComma(loops, printer, [&](const NamedLoop &loop) {
      printer << loop.mode.getValue() << " x " << loop.count << " by "
              << loop.weight;
    });
    printer << ']';
  };
  printer << '<';
  if (!getOuter().empty()) {
    printLoops(getOuter());
    printer << ' ';
  }
  printer << "scope ";
  printLoops(getInner());
  printer << '>';
}

//===----------------------------------------------------------------------===//
// SerialAttr and BitMapAttr
//===----------------------------------------------------------------------===//

/// `l3`: lane bit 3, of at most 32.
static ParseResult parseLaneBit(AsmParser &parser, unsigned &lane) {
  SMLoc loc = parser.getCurrentLocation();
  StringRef name;
  if (parser.parseKeyword(&name))
    return failure();
  if (!name.consume_front("l") || name.getAsInteger(10, lane) || lane >= 32)
    return parser.emitError(loc) << "expected a lane bit as in l3";
  return success();
}

Attribute SerialAttr::parse(AsmParser &parser, Type) {
  uint32_t masks[3] = {0, 0, 0};
  StringRef names[3] = {"lhs", "rhs", "result"};
  if (parser.parseLess())
    return {};
  bool any = false;
  for (unsigned i = 0; i < 3; ++i) {
    if (failed(parser.parseOptionalKeyword(names[i])))
      continue;
    any = true;
    auto parseLane = [&]() -> ParseResult {
      unsigned lane;
      if (parseLaneBit(parser, lane))
        return failure();
      masks[i] |= uint32_t(1) << lane;
      return success();
    };
    if (parser.parseCommaSeparatedList(AsmParser::Delimiter::Square, parseLane))
      return {};
  }
  if (!any) {
    parser.emitError(parser.getCurrentLocation())
        << "expected serial lane bits of lhs, rhs or result";
    return {};
  }
  if (parser.parseGreater())
    return {};
  return get(parser.getContext(), masks[0], masks[1], masks[2]);
}

void SerialAttr::print(AsmPrinter &printer) const {
  printer << '<';
  StringRef separator;
  for (auto [name, mask] : {std::pair("lhs", getLhs()),
                            {"rhs", getRhs()},
                            {"result", getResult()}}) {
    if (!mask && !(isNone() && StringRef(name) == "lhs"))
      continue;
    printer << separator << name << " [";
    separator = " ";
    SmallVector<unsigned> lanes;
    for (unsigned lane = 0; lane < 32; ++lane)
      if (mask >> lane & 1)
        lanes.push_back(lane);
    llvm::interleaveComma(lanes, printer,
                          [&](unsigned lane) { printer << 'l' << lane; });
    printer << ']';
  }
  printer << '>';
}

LogicalResult SyncAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                               ArrayRef<Token> waits, ArrayRef<Token> signals) {
  for (auto [what, tokens] :
       {std::pair("waits for", waits), std::pair("signals", signals)}) {
    if (tokens.size() > MaxTokenEntries)
      return emitError() << what << " " << tokens.size()
                         << " semaphores, an instruction has room for "
                         << MaxTokenEntries;
    for (auto [index, token] : llvm::enumerate(tokens)) {
      if (token.semaphore >= SemaphoreCount)
        return emitError() << what << " semaphore " << token.semaphore
                           << ", there are " << SemaphoreCount;
      if (token.count < 1 || token.count > MaxTokens)
        return emitError() << what << " " << token.count
                           << " tokens of semaphore " << token.semaphore
                           << ", a count is 1 to " << MaxTokens;
      if (index && tokens[index - 1].semaphore == token.semaphore)
        return emitError() << what << " semaphore " << token.semaphore
                           << " twice";
    }
  }
  return success();
}

BitMapAttr BitMapAttr::get(MLIRContext *context, const BitMap &map) {
  return get(context, map.rows, map.constant);
}

BitMap BitMapAttr::getMap() const {
  BitMap map;
  map.rows.assign(getRows().begin(), getRows().end());
  map.constant = getConstant();
  return map;
}

LogicalResult BitMapAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                 ArrayRef<uint32_t> rows, uint32_t constant) {
  if (rows.size() > 31)
    return emitError() << "a map has at most 31 bank bits, got " << rows.size();
  for (auto [bank, row] : llvm::enumerate(rows))
    if (row >> rows.size())
      return emitError() << "bank bit " << bank << " reads lane bit "
                         << llvm::Log2_32(row) << ", but there are "
                         << rows.size() << " lane bits, as many as bank bits";
  return success();
}

Attribute BitMapAttr::parse(AsmParser &parser, Type) {
  SmallVector<uint32_t> rows;
  uint32_t constant = 0;
  auto parseTerm = [&]() -> ParseResult {
    SMLoc loc = parser.getCurrentLocation();
    int64_t value;
    OptionalParseResult integer = parser.parseOptionalInteger(value);
    if (integer.has_value()) {
      if (failed(*integer))
        return failure();
      if (value != 0 && value != 1)
        return parser.emitError(loc) << "a constant is 0 or 1, got " << value;
      constant ^= uint32_t(value) << (rows.size() - 1);
      return success();
    }
    unsigned lane;
    if (parseLaneBit(parser, lane))
      return failure();
    rows.back() ^= uint32_t(1) << lane;
    return success();
  };
  auto parseRow = [&]() -> ParseResult {
    if (rows.size() == 31)
      return parser.emitError(parser.getCurrentLocation())
             << "a map has at most 31 bank bits";
    rows.push_back(0);
    do {
      if (parseTerm())
        return failure();
    } while (succeeded(parser.parseOptionalKeyword("xor")));
    return success();
  };
  if (parser.parseLess() ||
      parser.parseCommaSeparatedList(AsmParser::Delimiter::Square, parseRow) ||
      parser.parseGreater())
    return {};
  return getChecked([&]() { return parser.emitError(parser.getNameLoc()); },
                    parser.getContext(), rows, constant);
}

void BitMapAttr::print(AsmPrinter &printer) const {
  printer << "<[";
  llvm::interleaveComma(llvm::enumerate(getRows()), printer, [&](auto entry) {
    bool constant = getConstant() >> entry.index() & 1;
    StringRef separator;
    for (unsigned lane = 0; lane < getRows().size(); ++lane) {
      if (!(entry.value() >> lane & 1))
        continue;
      printer << separator << 'l' << lane;
      separator = " xor ";
    }
    if (constant || separator.empty())
      printer << separator << (constant ? 1 : 0);
  });
  printer << "]>";
}
