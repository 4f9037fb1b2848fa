//===- Constraints.cpp - Mappings fixed by attribute ----------------------===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Constraints.h"

#include "fetta/Dialect/Fetta/IR/FettaDialect.h"
#include "fetta/Support/Error.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace fetta;
using namespace fetta::hw;

namespace {

class ConstraintReader {
public:
  ConstraintReader(tnn::ContractOp op, DictionaryAttr given,
                   const EinsumModes &modes, const Machine &machine,
                   ContractionSpec &spec)
      : op(op), given(given), modes(modes), machine(machine), spec(spec) {}

  LogicalResult run() {
    MappingConstraints &constraints = spec.constraints;
    for (auto &name : modes.names)
      spec.names.push_back(name);
    // The dialect has verified kinds of attributes.
    if (auto dataflow = given.getAs<StringAttr>("dataflow"))
      spec.dataflow = Dataflow(*symbolizeDataflowKind(dataflow.getValue()));
    if (failed(readModes("rows", constraints.rows)) ||
        failed(readModes("columns", constraints.columns)) ||
        failed(readModes("ces", constraints.ces)) ||
        failed(readModes("scope", constraints.scope)))
      return failure();
    if (auto loops = given.getAs<ArrayAttr>("loops"))
      for (StringAttr name : loops.getAsRange<StringAttr>()) {
        FailureOr<unsigned> mode = modeOf("loops", name.getValue());
        if (failed(mode))
          return failure();
        constraints.loops.push_back(*mode);
      }
    static constexpr StringLiteral names[] = {"lhs", "rhs", "result"};
    for (auto [id, name] : llvm::enumerate(names))
      if (auto layout = given.getAs<LayoutAttr>(name))
        if (failed(readLayout(unsigned(id), name, layout)))
          return failure();
    return success();
  }

private:
  InFlightDiagnostic refuse() {
    return op.emitOpError() << "'" << kMappingAttr << "' ";
  }

  FailureOr<unsigned> modeOf(StringRef entry, StringRef name) {
    auto it = llvm::find(modes.names, name);
    if (it == modes.names.end()) {
      refuse() << entry << ": there is no mode '" << name << "', only "
               << llvm::join(modes.names, ", ");
      return failure();
    }
    return unsigned(it - modes.names.begin());
  }

  template <typename T>
  LogicalResult readModes(StringRef entry,
                          MappingConstraints::PerMode<T> &into) {
    auto dictionary = given.getAs<DictionaryAttr>(entry);
    if (!dictionary)
      return success();
    into.resize(modes.names.size());
    for (NamedAttribute named : dictionary) {
      FailureOr<unsigned> mode = modeOf(entry, named.getName());
      if (failed(mode))
        return failure();
      into[*mode] = T(cast<IntegerAttr>(named.getValue()).getInt());
    }
    return success();
  }

  LogicalResult readLayout(unsigned id, StringRef name, LayoutAttr layout) {
    size_t dims = modes.modes[id].size();
    if (layout.getRowStrides().size() != dims)
      return refuse() << name << ": the layout is over "
                      << layout.getRowStrides().size()
                      << " dimensions, the tensor has " << dims;
    if (layout.getBanks().size() != machine.laneBits())
      return refuse() << name << ": the layout has " << layout.getBanks().size()
                      << " bank bits, a row of the machine has "
                      << machine.laneBits();
    SmallVector<int64_t, 8> shape;
    for (unsigned mode : modes.modes[id])
      shape.push_back(spec.sizes[mode]);
    spec.layouts[id] = layout.getLayout(shape);
    if (llvm::Error error = spec.layouts[id]->verify(machine.laneBits()))
      return refuse() << name << ": " << llvm::toString(std::move(error));
    return success();
  }

  tnn::ContractOp op;
  DictionaryAttr given;
  const EinsumModes &modes;
  const Machine &machine;
  ContractionSpec &spec;
};

} // namespace

LogicalResult fetta::readConstraints(tnn::ContractOp op,
                                     const EinsumModes &modes,
                                     const Machine &machine,
                                     ContractionSpec &spec) {
  auto given = op->getAttrOfType<DictionaryAttr>(kMappingAttr);
  if (!given)
    return success();
  return ConstraintReader(op, given, modes, machine, spec).run();
}
