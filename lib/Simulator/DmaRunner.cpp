//===- DmaRunner.cpp - Values of one transfer -----------------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "DmaRunner.h"

#include "fetta/Support/Error.h"

#include "llvm/Support/FormatVariadic.h"

using namespace fetta;

/// Calls `visit(element of the tensor, element of the region)` in row-major
/// order of the tensor; fails at the first element outside the region.
template <typename Visit>
static llvm::Error forEachElement(const Dma &dma, const Layout &layout,
                                  int64_t regionElements, Visit visit) {
  llvm::SmallVector<int64_t, 6> index(layout.dims.size(), 0);
  int64_t count = layout.elements();
  for (int64_t element = 0; element < count; ++element) {
    int64_t at = dma.offset, step;
    bool inside = true;
    for (size_t d = 0; d < index.size(); ++d)
      inside &= !llvm::MulOverflow(index[d], dma.strides[d], step) &&
                !llvm::AddOverflow(at, step, at);
    if (!inside || at < 0 || at >= regionElements)
      return makeError("element {0} of the tensor lies outside the region",
                       element);
    visit(size_t(element), at);
    for (size_t d = index.size(); d-- > 0;) {
      if (++index[d] < layout.dims[d].size)
        break;
      index[d] = 0;
    }
  }
  return llvm::Error::success();
}

llvm::Error fetta::runDma(const Program &program, size_t instruction,
                          TensorMemory &memory, DramMemory &dram) {
  const auto &dma = std::get<Dma>(program.code[instruction]);
  const char *what = dma.store ? "dma-store" : "dma-load";
  if (dma.tensor >= program.tensors.size() || dma.region >= dram.regions())
    return makeError("instruction {0} ({1}): tensor {2} of {3}, region {4} of "
                     "{5}",
                     instruction, what, dma.tensor, program.tensors.size(),
                     dma.region, dram.regions());
  const TensorEntry &tensor = program.tensors[dma.tensor];
  const DramRegion &region = program.regions[dma.region];
  auto fail = [&](llvm::Error error) {
    return addErrorContext(
        llvm::formatv("instruction {0} ({1}, tensor '{2}', region '{3}')",
                      instruction, what, tensor.name, region.name)
            .str(),
        std::move(error));
  };
  if (tensor.elementType != region.elementType ||
      dma.strides.size() != tensor.layout.dims.size())
    return fail(makeError("element types or dimensions differ"));
  llvm::Expected<int64_t> elements = dram.elements(dma.region);
  if (!elements)
    return fail(elements.takeError());
  if (tensor.layout.elements() < 1 ||
      tensor.layout.elements() > program.machine.slabs *
                                     program.machine.rowsPerSlab *
                                     program.machine.lanes())
    return fail(makeError("the tensor does not fit tensor memory"));
  if (!dma.store) {
    std::vector<float> values(size_t(tensor.layout.elements()));
    bool all = true;
    if (llvm::Error error = forEachElement(
            dma, tensor.layout, *elements, [&](size_t i, int64_t at) {
              std::optional<float> value = dram.get(dma.region, at);
              all &= value.has_value();
              values[i] = value.value_or(0);
            }))
      return fail(std::move(error));
    if (!all)
      return fail(makeError("an element of the region was never written"));
    if (llvm::Error error = memory.store(tensor, values))
      return fail(std::move(error));
    return llvm::Error::success();
  }
  llvm::Expected<std::vector<float>> values = memory.load(tensor);
  if (!values)
    return fail(values.takeError());
  if (llvm::Error error = forEachElement(
          dma, tensor.layout, *elements, [&](size_t i, int64_t at) {
            dram.put(dma.region, at, (*values)[i]);
          }))
    return fail(std::move(error));
  return llvm::Error::success();
}
