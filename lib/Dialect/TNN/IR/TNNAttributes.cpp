//===- TNNAttributes.cpp ----------------------------------------*- C++ -*-===//
//
// Part of Fetta, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Dialect/TNN/IR/TNNAttributes.h"
#include "mlir/IR/AffineExpr.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace fetta::tnn;

#include "fetta/Dialect/TNN/IR/TNNAttrInterfaces.cpp.inc"

#define GET_ATTRDEF_CLASSES
#include "fetta/Dialect/TNN/IR/TNNAttributes.cpp.inc"

void TNNDialect::registerAttributes() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "fetta/Dialect/TNN/IR/TNNAttributes.cpp.inc"
      >();
}

std::optional<int64_t> fetta::tnn::checkedProduct(ArrayRef<int64_t> sizes) {
  int64_t product = 1;
  for (int64_t size : sizes)
    if (llvm::MulOverflow(product, size, product))
      return std::nullopt;
  return product;
}

int64_t fetta::tnn::productOfModes(ArrayRef<int64_t> modes) {
  std::optional<int64_t> product = checkedProduct(modes);
  assert(product && "the verifier admits products of 63 bits only");
  return *product;
}

std::string fetta::tnn::joinModes(ArrayRef<StringAttr> modes) {
  return llvm::join(
      llvm::map_range(modes, [](StringAttr mode) { return mode.getValue(); }),
      " ");
}

//===----------------------------------------------------------------------===//
// EinsumAttr
//===----------------------------------------------------------------------===//

static bool isModeName(StringRef name) {
  return !name.empty() &&
         (llvm::isAlpha(name.front()) || name.front() == '_') &&
         llvm::all_of(name,
                      [](char c) { return llvm::isAlnum(c) || c == '_'; });
}

static SmallVector<StringAttr> toModes(ArrayAttr modes) {
  return llvm::map_to_vector(
      modes, [](Attribute mode) { return cast<StringAttr>(mode); });
}

static ArrayAttr fromModes(MLIRContext *context, ArrayRef<StringAttr> modes) {
  return ArrayAttr::get(context,
                        SmallVector<Attribute>(modes.begin(), modes.end()));
}

EinsumAttr EinsumAttr::get(MLIRContext *context,
                           ArrayRef<SmallVector<StringAttr>> inputs,
                           ArrayRef<StringAttr> output) {
  SmallVector<ArrayAttr> inputAttrs;
  for (ArrayRef<StringAttr> modes : inputs)
    inputAttrs.push_back(fromModes(context, modes));
  return get(context, inputAttrs, fromModes(context, output));
}

EinsumAttr EinsumAttr::parseSpec(MLIRContext *context, StringRef spec,
                                 function_ref<InFlightDiagnostic()> emitError) {
  size_t arrow = spec.find("->");
  if (arrow == StringRef::npos ||
      spec.find("->", arrow + 2) != StringRef::npos) {
    emitError() << "einsum \"" << spec
                << "\" should have one '->' between operands and result";
    return {};
  }
  // Without any space, every character is a mode.
  bool isSugar = spec.find_first_of(" \t\n") == StringRef::npos;
  bool isMalformed = false;
  auto parseModes = [&](StringRef text) {
    SmallVector<Attribute> modes;
    SmallVector<StringRef> names;
    if (isSugar)
      for (size_t i = 0; i < text.size(); ++i)
        names.push_back(text.substr(i, 1));
    else
      llvm::SplitString(text, names, " \t\n");
    for (StringRef name : names) {
      if (!isModeName(name) || (isSugar && !llvm::isAlpha(name.front()))) {
        InFlightDiagnostic diag = emitError();
        diag << "einsum \"" << spec << "\": '" << name
             << "' is not the name of a mode";
        if (isSugar)
          diag << "; without spaces every mode is a single letter, with spaces "
                  "it is a name";
        isMalformed = true;
        break;
      }
      modes.push_back(StringAttr::get(context, name));
    }
    return ArrayAttr::get(context, modes);
  };
  SmallVector<StringRef> operands;
  spec.take_front(arrow).split(operands, ',');
  SmallVector<ArrayAttr> inputs;
  for (StringRef operand : operands) {
    inputs.push_back(parseModes(operand));
    if (isMalformed)
      return {};
  }
  ArrayAttr output = parseModes(spec.drop_front(arrow + 2));
  if (isMalformed)
    return {};
  return getChecked(emitError, context, inputs, output);
}

static std::string formatSpec(ArrayRef<ArrayAttr> inputs, ArrayAttr output) {
  return llvm::join(llvm::map_range(inputs,
                                    [](ArrayAttr modes) {
                                      return joinModes(toModes(modes));
                                    }),
                    ", ") +
         " -> " + joinModes(toModes(output));
}

LogicalResult EinsumAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                 ArrayRef<ArrayAttr> inputs, ArrayAttr output) {
  for (ArrayAttr modes :
       llvm::concat<const ArrayAttr>(inputs, ArrayRef(output)))
    for (Attribute mode : modes)
      if (!isa<StringAttr>(mode) || !isModeName(cast<StringAttr>(mode)))
        return emitError() << mode << " is not the name of a mode";
  std::string spec = formatSpec(inputs, output);
  auto error = [&]() { return emitError() << "einsum \"" << spec << "\": "; };
  if (inputs.empty())
    return error() << "expected at least one operand";

  DenseMap<Attribute, std::pair<unsigned, unsigned>> countAndFirst;
  for (auto [i, modes] : llvm::enumerate(inputs)) {
    llvm::SmallDenseSet<Attribute> seen;
    for (Attribute mode : modes) {
      if (!seen.insert(mode).second)
        return error() << "mode '" << cast<StringAttr>(mode).getValue()
                       << "' appears twice in operand #" << i << " (\""
                       << joinModes(toModes(modes))
                       << "\"); take the diagonal before the einsum";
      auto [entry, isNew] = countAndFirst.try_emplace(mode, 0u, (unsigned)i);
      ++entry->second.first;
    }
  }
  llvm::SmallDenseSet<Attribute> outputModes;
  for (Attribute mode : output) {
    StringRef name = cast<StringAttr>(mode).getValue();
    if (!outputModes.insert(mode).second)
      return error() << "mode '" << name << "' appears twice in the result (\""
                     << joinModes(toModes(output)) << "\")";
    if (!countAndFirst.count(mode))
      return error() << "mode '" << name
                     << "' of the result appears in no operand";
  }
  for (auto [i, modes] : llvm::enumerate(inputs))
    for (Attribute mode : modes)
      if (countAndFirst[mode].first == 1 && !outputModes.count(mode))
        return error() << "mode '" << cast<StringAttr>(mode).getValue()
                       << "' appears only in operand #" << i << " (\""
                       << joinModes(toModes(modes))
                       << "\") and not in the result; sum it before the einsum";
  return success();
}

SmallVector<StringAttr> EinsumAttr::getInputModes(unsigned input) const {
  return toModes(getInputs()[input]);
}

SmallVector<StringAttr> EinsumAttr::getOutputModes() const {
  return toModes(getOutput());
}

SmallVector<StringAttr> EinsumAttr::getModes() const {
  llvm::SetVector<StringAttr> modes;
  for (ArrayAttr input : getInputs())
    modes.insert_range(toModes(input));
  return modes.takeVector();
}

bool EinsumAttr::isOutputMode(StringAttr mode) const {
  return llvm::is_contained(getOutput(), mode);
}

bool EinsumAttr::hasSummedMode() const {
  return getModes().size() != getOutput().size();
}

SmallVector<AffineMap> EinsumAttr::getIndexingMaps() const {
  SmallVector<StringAttr> modes = getModes();
  auto toMap = [&](ArrayAttr operand) {
    SmallVector<AffineExpr> dims;
    for (Attribute mode : operand)
      dims.push_back(getAffineDimExpr(
          std::distance(modes.begin(), llvm::find(modes, mode)), getContext()));
    return AffineMap::get(modes.size(), 0, dims, getContext());
  };
  SmallVector<AffineMap> maps = llvm::map_to_vector(getInputs(), toMap);
  maps.push_back(toMap(getOutput()));
  return maps;
}

std::string EinsumAttr::getSpec() const {
  return formatSpec(getInputs(), getOutput());
}

Attribute EinsumAttr::parse(AsmParser &parser, Type) {
  std::string spec;
  SMLoc loc;
  if (parser.parseLess() ||
      (loc = parser.getCurrentLocation(), parser.parseString(&spec)) ||
      parser.parseGreater())
    return {};
  return parseSpec(parser.getContext(), spec,
                   [&]() { return parser.emitError(loc); });
}

void EinsumAttr::print(AsmPrinter &printer) const {
  printer << "<\"" << getSpec() << "\">";
}

//===----------------------------------------------------------------------===//
// Decompositions
//===----------------------------------------------------------------------===//

/// Rules every train shares: positive modes and ranks, one rank more than
/// cores, boundary ranks of 1, features and cores within 63 bits.
static LogicalResult verifyTrain(function_ref<InFlightDiagnostic()> emitError,
                                 ArrayRef<int64_t> outputModes,
                                 ArrayRef<int64_t> inputModes,
                                 ArrayRef<int64_t> ranks, size_t numCores,
                                 StringRef cores) {
  auto verifyPositive = [&](StringRef what,
                            ArrayRef<int64_t> sizes) -> LogicalResult {
    for (auto [i, size] : llvm::enumerate(sizes))
      if (size <= 0)
        return emitError() << what << " #" << i << " should be positive, got "
                           << size;
    return success();
  };
  if (failed(verifyPositive("output mode", outputModes)) ||
      failed(verifyPositive("input mode", inputModes)) ||
      failed(verifyPositive("rank", ranks)))
    return failure();
  if (ranks.size() != numCores + 1)
    return emitError() << "expected " << numCores + 1 << " ranks (boundary "
                       << "ranks included) for " << cores << ", got "
                       << ranks.size();
  if (ranks.front() != 1 || ranks.back() != 1)
    return emitError() << "expected boundary ranks of 1, got " << ranks.front()
                       << " and " << ranks.back();
  for (auto [what, modes] :
       {std::pair("output", outputModes), std::pair("input", inputModes)})
    if (!checkedProduct(modes))
      return emitError() << what << " modes [" << modes
                         << "] multiply to more than 63 bits";
  return success();
}

static LogicalResult
verifyCoreSizes(function_ref<InFlightDiagnostic()> emitError,
                ArrayRef<SmallVector<int64_t>> shapes) {
  for (auto [k, shape] : llvm::enumerate(shapes))
    if (!checkedProduct(shape))
      return emitError() << "core #" << k << " of shape [" << ArrayRef(shape)
                         << "] has more elements than 63 bits can count";
  return success();
}

/// The name of the rank before core k; empty at both ends.
static std::string rankName(size_t k, size_t numCores) {
  return k == 0 || k == numCores ? std::string() : "r" + std::to_string(k);
}

static SmallVector<SmallVector<int64_t>>
getTTShapes(ArrayRef<int64_t> outputModes, ArrayRef<int64_t> inputModes,
            ArrayRef<int64_t> ranks) {
  SmallVector<SmallVector<int64_t>> shapes;
  for (int64_t mode : llvm::concat<const int64_t>(outputModes, inputModes)) {
    size_t k = shapes.size();
    shapes.push_back({ranks[k], mode, ranks[k + 1]});
  }
  return shapes;
}

LogicalResult TTAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                             ArrayRef<int64_t> outputModes,
                             ArrayRef<int64_t> inputModes,
                             ArrayRef<int64_t> ranks) {
  std::string cores = std::to_string(outputModes.size()) + " output and " +
                      std::to_string(inputModes.size()) + " input modes";
  if (failed(verifyTrain(emitError, outputModes, inputModes, ranks,
                         outputModes.size() + inputModes.size(), cores)))
    return failure();
  return verifyCoreSizes(emitError,
                         getTTShapes(outputModes, inputModes, ranks));
}

SmallVector<SmallVector<int64_t>> TTAttr::getCoreShapes() const {
  return getTTShapes(getOutputModes(), getInputModes(), getRanks());
}

SmallVector<SmallVector<std::string>> TTAttr::getCoreModes() const {
  SmallVector<SmallVector<std::string>> modes;
  size_t numOut = getOutputModes().size();
  size_t numCores = numOut + getInputModes().size();
  for (size_t k = 0; k < numCores; ++k)
    modes.push_back({rankName(k, numCores),
                     k < numOut ? "o" + std::to_string(k)
                                : "i" + std::to_string(k - numOut),
                     rankName(k + 1, numCores)});
  return modes;
}

static SmallVector<SmallVector<int64_t>>
getTTMShapes(ArrayRef<int64_t> outputModes, ArrayRef<int64_t> inputModes,
             ArrayRef<int64_t> ranks) {
  SmallVector<SmallVector<int64_t>> shapes;
  for (size_t k = 0; k < outputModes.size(); ++k)
    shapes.push_back({ranks[k], outputModes[k], inputModes[k], ranks[k + 1]});
  return shapes;
}

LogicalResult TTMAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                              ArrayRef<int64_t> outputModes,
                              ArrayRef<int64_t> inputModes,
                              ArrayRef<int64_t> ranks) {
  if (outputModes.size() != inputModes.size())
    return emitError() << "expected as many output as input modes, got "
                       << outputModes.size() << " and " << inputModes.size();
  if (failed(verifyTrain(emitError, outputModes, inputModes, ranks,
                         outputModes.size(),
                         std::to_string(outputModes.size()) +
                             " pairs of output and input modes")))
    return failure();
  return verifyCoreSizes(emitError,
                         getTTMShapes(outputModes, inputModes, ranks));
}

SmallVector<SmallVector<int64_t>> TTMAttr::getCoreShapes() const {
  return getTTMShapes(getOutputModes(), getInputModes(), getRanks());
}

SmallVector<SmallVector<std::string>> TTMAttr::getCoreModes() const {
  SmallVector<SmallVector<std::string>> modes;
  size_t numCores = getOutputModes().size();
  for (size_t k = 0; k < numCores; ++k)
    modes.push_back({rankName(k, numCores), "o" + std::to_string(k),
                     "i" + std::to_string(k), rankName(k + 1, numCores)});
  return modes;
}

LayerEinsum fetta::tnn::getLayerEinsum(DecompositionAttrInterface weight,
                                       int64_t numBatchDims) {
  MLIRContext *context = weight.getContext();
  auto name = [&](const Twine &text) { return StringAttr::get(context, text); };
  SmallVector<SmallVector<StringAttr>> inputs(1);
  SmallVector<StringAttr> output;
  for (int64_t d = 0; d < numBatchDims; ++d)
    inputs[0].push_back(numBatchDims == 1 ? name("b") : name("b" + Twine(d)));
  output = inputs[0];
  for (size_t k = 0; k < weight.getInputModes().size(); ++k)
    inputs[0].push_back(name("i" + Twine(k)));
  for (size_t k = 0; k < weight.getOutputModes().size(); ++k)
    output.push_back(name("o" + Twine(k)));

  LayerEinsum layer;
  for (ArrayRef<std::string> modes : weight.getCoreModes()) {
    inputs.emplace_back();
    layer.droppedDims.emplace_back();
    for (auto [d, mode] : llvm::enumerate(modes)) {
      if (mode.empty())
        layer.droppedDims.back().push_back(d);
      else
        inputs.back().push_back(name(mode));
    }
  }
  layer.einsum = EinsumAttr::get(context, inputs, output);
  return layer;
}
