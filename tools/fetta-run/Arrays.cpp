//===- Arrays.cpp - Tensors in memory and in files ------------------------===//
//
// Part of the Fetta project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Arrays.h"
#include "fetta/Dialect/TNN/IR/TNNNames.h"
#include "fetta/Support/Error.h"
#include "fetta/Support/Npy.h"
#include "mlir/IR/Diagnostics.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/Support/Path.h"
#include <optional>

using namespace mlir;

namespace fetta {

/// The .npy type of the same bits; bf16 is handled apart.
static std::optional<NpyType> getNpyType(Type type) {
  if (type.isF32())
    return NpyType::F32;
  if (type.isF64())
    return NpyType::F64;
  bool isUnsigned = type.isUnsignedInteger();
  if (type.isInteger(1))
    return NpyType::Bool;
  if (type.isInteger(8))
    return isUnsigned ? NpyType::U8 : NpyType::I8;
  if (type.isInteger(16))
    return isUnsigned ? NpyType::U16 : NpyType::I16;
  if (type.isInteger(32))
    return isUnsigned ? NpyType::U32 : NpyType::I32;
  if (type.isInteger(64))
    return isUnsigned ? NpyType::U64 : NpyType::I64;
  return std::nullopt;
}

static unsigned getElementSize(Type type) {
  return type.isBF16() ? 2 : getNpyTypeSize(*getNpyType(type));
}

static LogicalResult addTensor(std::vector<HostTensor> &tensors, Type type,
                               std::string name, const Twine &what,
                               Location location) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (!tensor || !tensor.hasStaticShape())
    return emitError(location)
           << what << " '" << name << "' is " << type
           << "; fetta-run takes and gives tensors of static shape";
  Type element = tensor.getElementType();
  if (!element.isBF16() && !getNpyType(element))
    return emitError(location)
           << what << " '" << name << "' has elements of type " << element
           << ", which .npy cannot hold; supported are bf16, f32, f64 and "
              "integers of 1 to 64 bits";
  // getNumElements() of a verified type fits 63 bits; the bytes must as well.
  int64_t count = tensor.getNumElements();
  if (count > INT64_MAX / 8)
    return emitError(location) << what << " '" << name << "' of type " << type
                               << " does not fit into memory";
  tensors.push_back(
      {std::move(name), tensor, location,
       std::vector<uint8_t>(size_t(count) * getElementSize(element))});
  return success();
}

FailureOr<std::vector<HostTensor>> createHostTensors(func::FuncOp function) {
  std::vector<HostTensor> tensors;
  for (BlockArgument argument : function.getArguments())
    if (failed(
            addTensor(tensors, argument.getType(),
                      tnn::getArgumentName(function, argument.getArgNumber()),
                      "argument", argument.getLoc())))
      return failure();
  for (auto [index, type] : llvm::enumerate(function.getResultTypes()))
    if (failed(addTensor(tensors, type, tnn::getResultName(function, index),
                         "result", function.getLoc())))
      return failure();
  return tensors;
}

LogicalResult loadTensor(HostTensor &tensor, StringRef folder, bool rawBF16) {
  SmallString<128> path(folder);
  llvm::sys::path::append(path, tensor.name + ".npy");
  auto load = [&]() -> llvm::Error {
    llvm::Expected<NpyArray> array = readNpy(path);
    if (!array)
      return array.takeError();
    if (llvm::Error error = checkNpyShape(*array, tensor.type.getShape(), path))
      return error;
    Type element = tensor.type.getElementType();
    if (element.isBF16()) {
      auto values = array->toBF16(path, rawBF16);
      if (!values)
        return values.takeError();
      memcpy(tensor.bytes.data(), values->data(), tensor.bytes.size());
    } else if (element.isF32()) {
      // float64 is what NumPy makes by default.
      auto values = array->toFloats(path);
      if (!values)
        return values.takeError();
      memcpy(tensor.bytes.data(), values->data(), tensor.bytes.size());
    } else {
      std::optional<NpyType> expected = getNpyType(element);
      if (expected && array->type != *expected)
        return makeError("{0}: the elements are {1}; expected {2}", path,
                         getNpyTypeName(array->type),
                         getNpyTypeName(*expected));
      tensor.bytes = std::move(array->bytes);
    }
    return llvm::Error::success();
  };
  if (llvm::Error error = load())
    return emitError(tensor.location)
           << "argument '" << tensor.name << "' of type " << tensor.type << ": "
           << llvm::toString(std::move(error));
  return success();
}

llvm::Error saveTensor(const HostTensor &tensor, OutputDirectory &output,
                       bool rawBF16) {
  NpyArray array;
  Type element = tensor.type.getElementType();
  if (element.isBF16()) {
    std::vector<uint16_t> values(tensor.type.getNumElements());
    memcpy(values.data(), tensor.bytes.data(), tensor.bytes.size());
    array = NpyArray::fromBF16(tensor.type.getShape(), values, rawBF16);
  } else {
    array = {*getNpyType(element), SmallVector<int64_t>(tensor.type.getShape()),
             tensor.bytes};
  }
  return output.add(tensor.name + ".npy", [&](llvm::raw_ostream &os) {
    writeNpy(array, os);
    return llvm::Error::success();
  });
}

} // namespace fetta
