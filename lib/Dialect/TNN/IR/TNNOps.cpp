//===- TNNOps.cpp -----------------------------------------------*- C++ -*-===//
//
// Part of Fetta, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Dialect/TNN/IR/TNNOps.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/OpImplementation.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace fetta::tnn;

//===----------------------------------------------------------------------===//
// Einsums of any number of operands
//===----------------------------------------------------------------------===//

static RankedTensorType tensorType(Value value) {
  return cast<RankedTensorType>(value.getType());
}

SmallVector<int64_t> fetta::tnn::getSizesOfModes(EinsumAttr einsum,
                                                 ValueRange operands) {
  llvm::MapVector<StringAttr, int64_t> sizes;
  for (auto [i, operand] : llvm::enumerate(operands))
    for (auto [mode, size] : llvm::zip_equal(einsum.getInputModes(i),
                                             tensorType(operand).getShape()))
      sizes.insert({mode, size});
  return llvm::map_to_vector(sizes, [](auto &entry) { return entry.second; });
}

RankedTensorType fetta::tnn::inferEinsumType(EinsumAttr einsum,
                                             ValueRange operands,
                                             Type elementType) {
  SmallVector<StringAttr> modes = einsum.getModes();
  SmallVector<int64_t> sizes = getSizesOfModes(einsum, operands);
  SmallVector<int64_t> shape;
  for (StringAttr mode : einsum.getOutputModes())
    shape.push_back(sizes[llvm::find(modes, mode) - modes.begin()]);
  if (!elementType)
    elementType = tensorType(operands.front()).getElementType();
  return RankedTensorType::get(shape, elementType);
}

/// Rules that tie the modes of an einsum to the shapes of its operands.
static LogicalResult
verifyEinsumOperands(function_ref<InFlightDiagnostic()> emitError,
                     EinsumAttr einsum, ValueRange operands) {
  if (operands.size() != einsum.getNumInputs())
    return emitError() << "einsum \"" << einsum.getSpec() << "\" has "
                       << einsum.getNumInputs() << " operands, got "
                       << operands.size();
  struct Origin {
    int64_t size;
    unsigned operand;
  };
  llvm::MapVector<StringAttr, Origin> origins;
  auto describe = [&](unsigned i) {
    std::string text;
    llvm::raw_string_ostream(text)
        << "operand #" << i << " (\"" << joinModes(einsum.getInputModes(i))
        << "\", " << operands[i].getType() << ")";
    return text;
  };
  for (auto [i, operand] : llvm::enumerate(operands)) {
    auto type = dyn_cast<RankedTensorType>(operand.getType());
    if (!type || !type.hasStaticShape())
      return emitError() << "operand #" << i
                         << " should be a tensor of static shape, got "
                         << operand.getType();
    SmallVector<StringAttr> modes = einsum.getInputModes(i);
    if (type.getRank() != static_cast<int64_t>(modes.size()))
      return emitError() << "operand #" << i << " has " << modes.size()
                         << " modes (\"" << joinModes(modes) << "\") but rank "
                         << type.getRank() << ": " << type;
    if (type.getElementType() != tensorType(operands[0]).getElementType())
      return emitError() << "operands should share one element type, got "
                         << operands[0].getType() << " for operand #0 and "
                         << type << " for operand #" << i;
    for (auto [mode, size] : llvm::zip_equal(modes, type.getShape())) {
      if (size == 0)
        return emitError() << "mode '" << mode.getValue() << "' has size 0 in "
                           << describe(i);
      auto [entry, isNew] =
          origins.insert({mode, Origin{size, static_cast<unsigned>(i)}});
      if (!isNew && entry->second.size != size)
        return emitError() << "mode '" << mode.getValue() << "' has size "
                           << entry->second.size << " in "
                           << describe(entry->second.operand) << " but size "
                           << size << " in " << describe(i);
    }
    if (!checkedProduct(type.getShape()))
      return emitError() << describe(i)
                         << " has more elements than 63 bits can count";
  }
  RankedTensorType result = inferEinsumType(einsum, operands);
  if (!checkedProduct(result.getShape()))
    return emitError() << "result (\"" << joinModes(einsum.getOutputModes())
                       << "\") of shape [" << result.getShape()
                       << "] has more elements than 63 bits can count";
  return success();
}

static LogicalResult verifyEinsum(Operation *op, EinsumAttr einsum,
                                  ValueRange operands) {
  auto emitError = [&]() { return op->emitOpError(); };
  if (failed(verifyEinsumOperands(emitError, einsum, operands)))
    return failure();
  RankedTensorType inferred = inferEinsumType(einsum, operands);
  auto result = cast<RankedTensorType>(op->getResult(0).getType());
  if (result.getShape() != inferred.getShape() || result.getEncoding())
    return op->emitOpError()
           << "result (\"" << joinModes(einsum.getOutputModes())
           << "\") should be " << inferred << ", got " << result;
  if (result.getElementTypeBitWidth() < inferred.getElementTypeBitWidth())
    return op->emitOpError()
           << "result element type " << result.getElementType()
           << " is narrower than that of the operands, "
           << inferred.getElementType();
  return success();
}

static LogicalResult inferEinsumTypes(std::optional<Location> location,
                                      StringRef name, EinsumAttr einsum,
                                      ValueRange operands,
                                      SmallVectorImpl<Type> &types) {
  if (!einsum)
    return emitOptionalError(location, "'", name, "' op needs an einsum");
  auto emitError = [&]() {
    return mlir::emitError(*location) << "'" << name << "' op ";
  };
  if (!location) {
    // Without a place to report to, only tell whether the rules hold.
    ScopedDiagnosticHandler silence(einsum.getContext(),
                                    [](Diagnostic &) { return success(); });
    location = UnknownLoc::get(einsum.getContext());
    if (failed(verifyEinsumOperands(emitError, einsum, operands)))
      return failure();
  } else if (failed(verifyEinsumOperands(emitError, einsum, operands))) {
    return failure();
  }
  types.push_back(inferEinsumType(einsum, operands));
  return success();
}

//===----------------------------------------------------------------------===//
// Assembly
//===----------------------------------------------------------------------===//

/// A string literal with the specification, or the attribute spelled out.
static ParseResult parseEinsumSpec(OpAsmParser &parser, EinsumAttr &einsum) {
  SMLoc loc = parser.getCurrentLocation();
  std::string spec;
  if (failed(parser.parseOptionalString(&spec)))
    return parser.parseAttribute(einsum);
  einsum = EinsumAttr::parseSpec(parser.getContext(), spec,
                                 [&]() { return parser.emitError(loc); });
  return success(einsum != nullptr);
}

static void printEinsumSpec(OpAsmPrinter &printer, Operation *,
                            EinsumAttr einsum) {
  printer << '"' << einsum.getSpec() << '"';
}

/// `[(0, 1), (0, 2)]`, stored flat.
static ParseResult parseContractionPath(OpAsmParser &parser,
                                        DenseI64ArrayAttr &path) {
  SmallVector<int64_t> positions;
  auto parsePair = [&]() -> ParseResult {
    return failure(
        parser.parseLParen() || parser.parseInteger(positions.emplace_back()) ||
        parser.parseComma() || parser.parseInteger(positions.emplace_back()) ||
        parser.parseRParen());
  };
  if (parser.parseCommaSeparatedList(AsmParser::Delimiter::Square, parsePair))
    return failure();
  path = parser.getBuilder().getDenseI64ArrayAttr(positions);
  return success();
}

static void printContractionPath(OpAsmPrinter &printer, Operation *,
                                 DenseI64ArrayAttr path) {
  printer << '[';
  ArrayRef<int64_t> positions = path.asArrayRef();
  for (size_t i = 0; i + 1 < positions.size(); i += 2)
    printer << (i ? ", (" : "(") << positions[i] << ", " << positions[i + 1]
            << ')';
  printer << ']';
}

//===----------------------------------------------------------------------===//
// EinsumOp
//===----------------------------------------------------------------------===//

LogicalResult EinsumOp::verify() {
  if (failed(verifyEinsum(*this, getEinsum(), getInputs())))
    return failure();
  if (!getPath())
    return success();
  ArrayRef<int64_t> path = *getPath();
  int64_t live = getInputs().size();
  if (static_cast<int64_t>(path.size()) != 2 * (live - 1))
    return emitOpError() << "path should have " << live - 1 << " pairs for "
                         << live << " operands, got " << path.size() / 2;
  for (size_t step = 0; 2 * step < path.size(); ++step, --live) {
    int64_t first = path[2 * step], second = path[2 * step + 1];
    if (first == second)
      return emitOpError() << "path step #" << step << " (" << first << ", "
                           << second << ") should name two tensors";
    if (std::min(first, second) < 0 || std::max(first, second) >= live)
      return emitOpError() << "path step #" << step << " (" << first << ", "
                           << second << ") should be within the " << live
                           << " tensors left (0 to " << live - 1 << ")";
  }
  return success();
}

LogicalResult EinsumOp::inferReturnTypes(
    MLIRContext *context, std::optional<Location> location, ValueRange operands,
    DictionaryAttr attributes, OpaqueProperties properties, RegionRange regions,
    SmallVectorImpl<Type> &types) {
  EinsumOpAdaptor adaptor(operands, attributes, properties, regions);
  return inferEinsumTypes(location, getOperationName(), adaptor.getEinsum(),
                          operands, types);
}

// The verifier reports shapes with one precise error; a second opinion from
// inference would only repeat it.
LogicalResult EinsumOp::refineReturnTypes(MLIRContext *,
                                          std::optional<Location>, ValueRange,
                                          DictionaryAttr, OpaqueProperties,
                                          RegionRange,
                                          SmallVectorImpl<Type> &) {
  return success();
}

ArrayAttr EinsumOp::getIndexingMaps() {
  return Builder(getContext())
      .getAffineMapArrayAttr(getEinsum().getIndexingMaps());
}

AffineMap EinsumOp::getLoopsToShapesMap() {
  return concatAffineMaps(ArrayRef(getEinsum().getIndexingMaps()).drop_back(),
                          getContext());
}

//===----------------------------------------------------------------------===//
// ContractOp
//===----------------------------------------------------------------------===//

void ContractOp::build(OpBuilder &builder, OperationState &state, Type type,
                       Value lhs, Value rhs, EinsumAttr einsum) {
  build(builder, state, type, lhs, rhs, /*init=*/Value(), einsum);
}

LogicalResult ContractOp::verify() {
  if (failed(verifyEinsum(*this, getEinsum(), {getLhs(), getRhs()})))
    return failure();
  if (auto sums = getType().clone(Float32Type::get(getContext()));
      getInit() && getInit().getType() != sums)
    return emitOpError() << "init should be " << sums
                         << ", sums for every element of the result, got "
                         << getInit().getType();
  if (!checkedProduct(getModeSizes()))
    return emitOpError() << "takes more multiply-adds than 63 bits can count: "
                         << "modes \"" << joinModes(getEinsum().getModes())
                         << "\" of sizes [" << getModeSizes() << "]";
  return success();
}

int64_t ContractOp::getMultiplyAdds() {
  return *checkedProduct(getModeSizes());
}

LogicalResult ContractOp::inferReturnTypes(
    MLIRContext *context, std::optional<Location> location, ValueRange operands,
    DictionaryAttr attributes, OpaqueProperties properties, RegionRange regions,
    SmallVectorImpl<Type> &types) {
  ContractOpAdaptor adaptor(operands, attributes, properties, regions);
  return inferEinsumTypes(location, getOperationName(), adaptor.getEinsum(),
                          operands.take_front(2), types);
}

LogicalResult ContractOp::refineReturnTypes(MLIRContext *,
                                            std::optional<Location>, ValueRange,
                                            DictionaryAttr, OpaqueProperties,
                                            RegionRange,
                                            SmallVectorImpl<Type> &) {
  return success();
}

ArrayAttr ContractOp::getIndexingMaps() {
  return Builder(getContext())
      .getAffineMapArrayAttr(getEinsum().getIndexingMaps());
}

AffineMap ContractOp::getLoopsToShapesMap() {
  // The map of the result is that of `init`, too.
  return concatAffineMaps(
      ArrayRef(getEinsum().getIndexingMaps()).drop_back(getInit() ? 0 : 1),
      getContext());
}

//===----------------------------------------------------------------------===//
// LinearOp
//===----------------------------------------------------------------------===//

LogicalResult LinearOp::verify() {
  DecompositionAttrInterface weight = getWeight();
  RankedTensorType xType = tensorType(getX());
  auto resultType = cast<RankedTensorType>(getResult().getType());

  // Cores first: they say what the layer is.
  SmallVector<SmallVector<int64_t>> shapes = weight.getCoreShapes();
  if (getCores().size() != shapes.size())
    return emitOpError() << "weight " << weight << " has " << shapes.size()
                         << " cores, got " << getCores().size();
  for (auto [k, core, shape] : llvm::enumerate(getCores(), shapes))
    if (tensorType(core).getShape() != ArrayRef(shape))
      return emitOpError() << "core #" << k << " should have shape ["
                           << ArrayRef(shape) << "] by weight " << weight
                           << ", got " << core.getType();

  auto verifyFeatures = [&](StringRef what, RankedTensorType type,
                            int64_t features, ArrayRef<int64_t> modes,
                            StringRef modesName) -> LogicalResult {
    if (type.getRank() == 0)
      return emitOpError() << what << " should have a feature dimension, got "
                           << type;
    if (type.getShape().back() != features)
      return emitOpError() << modesName << " modes [" << modes
                           << "] multiply to " << features << ", but the last "
                           << "dimension of the " << what << " is "
                           << type.getShape().back() << ": " << type;
    return success();
  };
  if (failed(verifyFeatures("input", xType, weight.getInFeatures(),
                            weight.getInputModes(), "input")) ||
      failed(verifyFeatures("result", resultType, weight.getOutFeatures(),
                            weight.getOutputModes(), "output")))
    return failure();
  if (xType.getShape().drop_back() != resultType.getShape().drop_back())
    return emitOpError() << "batch dimensions of the input, ["
                         << xType.getShape().drop_back()
                         << "], should be those of the result, ["
                         << resultType.getShape().drop_back() << "]";
  if (getBias() && tensorType(getBias()).getShape() !=
                       ArrayRef<int64_t>{weight.getOutFeatures()})
    return emitOpError() << "bias should have shape ["
                         << weight.getOutFeatures() << "], got "
                         << getBias().getType();
  for (auto [what, type] :
       {std::pair<StringRef, RankedTensorType>("input", xType),
        {"result", resultType}}) {
    if (llvm::is_contained(type.getShape(), 0))
      return emitOpError() << what << " has a dimension of size 0: " << type;
    if (!checkedProduct(type.getShape()))
      return emitOpError() << what << " " << type
                           << " has more elements than 63 bits can count";
  }
  for (Value operand : getOperands())
    if (tensorType(operand).getElementType() != resultType.getElementType())
      return emitOpError() << "input, cores, bias and result should share one "
                              "element type, got "
                           << operand.getType() << " and " << resultType;
  return success();
}

#define GET_OP_CLASSES
#include "fetta/Dialect/TNN/IR/TNNOps.cpp.inc"
