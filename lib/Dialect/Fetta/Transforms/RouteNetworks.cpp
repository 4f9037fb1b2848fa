//===- RouteNetworks.cpp -----------------------------------------*- C++
//-*-===//
//
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "fetta/Dialect/Fetta/IR/FettaOps.h"
#include "fetta/Dialect/Fetta/Transforms/Passes.h"
#include "fetta/Mapping/Mapping.h"

namespace fetta::hw {
#define GEN_PASS_DEF_FETTAROUTENETWORKSPASS
#include "fetta/Dialect/Fetta/Transforms/Passes.h.inc"
} // namespace fetta::hw

using namespace mlir;
using namespace fetta;
using namespace fetta::hw;

namespace {
/// What contractions that are alike get.
struct RoutedClass {
  ArrayAttr routes;
  SerialAttr serial; ///< Null where nothing is split.
  std::string split; ///< Operands that the networks cannot pass at once.
  int64_t penalty = 0;
};

struct RouteNetworksPass
    : fetta::hw::impl::FettaRouteNetworksPassBase<RouteNetworksPass> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    SmallVector<ContractOp> contracts;
    module.walk([&](ContractOp op) { contracts.push_back(op); });
    if (contracts.empty() && module.getOps<RouteOp>().empty())
      return;
    FailureOr<Machine> machine = getMachine(module);
    if (failed(machine))
      return signalPassFailure();
    for (RouteOp route : module.getOps<RouteOp>()) {
      if (route.getMapAttr())
        routes.insert({{route.getMapAttr(), route.getKind()}, route});
      lastRoute = route;
    }
    for (ContractOp op : contracts)
      if (!op.getRoutes() && failed(nameRoutes(op, *machine)))
        return signalPassFailure();
    for (RouteOp op : module.getOps<RouteOp>())
      if (!op.getWords() && failed(setWords(op, *machine)))
        return signalPassFailure();
  }

  /// Serialises what the networks cannot pass and names the three routes.
  LogicalResult nameRoutes(ContractOp op, const Machine &machine) {
    llvm::Expected<const Nest &> unplaced = getUnplacedNest(op);
    if (!unplaced)
      return op.emitOpError() << llvm::toString(unplaced.takeError());
    const Nest &before = *unplaced;
    auto [entry, isNew] = classes.try_emplace(&before);
    RoutedClass &routed = entry->second;
    if (isNew)
      routed = routeClass(before, machine);
    if (!routed.split.empty())
      // Not emitRemark() of the op, which would print the whole nest.
      mlir::emitRemark(op.getLoc())
          << "\"" << op.getEinsum() << "\": the butterfly cannot pass "
          << routed.split << " at once; split over sub-beats, "
          << routed.penalty << " more beats on top of " << beats(before);
    if (routed.serial)
      op.setSerialAttr(routed.serial);
    op.setRoutesAttr(routed.routes);
    return success();
  }

  /// Contractions that are alike take the same routes.
  RoutedClass routeClass(const Nest &before, const Machine &machine) {
    RoutedClass routed;
    Nest nest = before;
    SmallVector<Attribute> names;
    for (OperandId id : {OperandA, OperandB, OperandC}) {
      Operand &operand = nest.operands[id];
      operand.serialLanes =
          serialLanesToRoute(getWiring(machine, getRouteKind(id)),
                             bankMap(nest, id, machine), operand.serialLanes);
      if (operand.serialLanes != before.operands[id].serialLanes) {
        static constexpr StringLiteral roles[3] = {"lhs", "rhs", "result"};
        routed.split += (routed.split.empty() ? "" : ", ") + roles[id].str();
      }
      BitMapAttr map =
          BitMapAttr::get(&getContext(), bankMap(nest, id, machine));
      names.push_back(FlatSymbolRefAttr::get(
          getOrCreate(map, getRouteKind(id)).getSymNameAttr()));
    }
    if (!routed.split.empty()) {
      routed.penalty = serialCycles(nest, machine).bankConflict -
                       serialCycles(before, machine).bankConflict;
      routed.serial =
          SerialAttr::get(&getContext(), nest.a().serialLanes,
                          nest.b().serialLanes, nest.c().serialLanes);
    }
    routed.routes = ArrayAttr::get(&getContext(), names);
    return routed;
  }

  RouteOp getOrCreate(BitMapAttr map, RouteKind kind) {
    RouteOp &route = routes[{map, kind}];
    if (route)
      return route;
    ModuleOp module = getOperation();
    OpBuilder builder(&getContext());
    if (lastRoute)
      builder.setInsertionPointAfter(lastRoute);
    else
      builder.setInsertionPointToStart(module.getBody());
    std::string name;
    do
      name = ("route" + Twine(nextName++)).str();
    while (module.lookupSymbol(name));
    route = lastRoute = RouteOp::create(builder, module.getLoc(), name, kind,
                                        map, StringAttr(), DenseI64ArrayAttr());
    return route;
  }

  LogicalResult setWords(RouteOp op, const Machine &machine) {
    llvm::Expected<Route> route =
        routeAffine(getWiring(machine, op.getKind()), op.getMapAttr().getMap());
    if (!route)
      return op.emitOpError() << llvm::toString(route.takeError());
    setRoute(op, *route);
    return success();
  }

  llvm::DenseMap<const Nest *, RoutedClass> classes;
  llvm::DenseMap<std::pair<BitMapAttr, RouteKind>, RouteOp> routes;
  RouteOp lastRoute;
  unsigned nextName = 0;
};
} // namespace
