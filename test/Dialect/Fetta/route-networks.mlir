// RUN: sed -f %S/Inputs/tiny.sed %s | fetta-opt --fetta-route-networks -o %t.routed
// RUN: FileCheck %s < %t.routed
// The inverse, from the words alone, and there again.
// RUN: fetta-opt %t.routed --fetta-lift-routes -o %t.lifted
// RUN: FileCheck %s --check-prefix=LIFT < %t.lifted
// RUN: fetta-opt %t.lifted --fetta-route-networks | cmp - %t.routed
// A map that the words do not realise is not believed.
// RUN: sed -e "s/@route1 distribution map <.*> words/@route1 distribution words/" %t.routed | fetta-opt --fetta-lift-routes | FileCheck %s --check-prefix=LIFT
// RUN: sed -e "s/@route1 distribution map <.l0, 0.>/@route1 distribution map <[l1, 0]>/" %t.routed | not fetta-opt 2>&1 | FileCheck %s --check-prefix=FALSE

// Equal maps share a route; a distribution and a reduction do not.
// CHECK: fetta.route @route0 distribution map <[l0, l1]> words "{{[0-9a-f]+}}" masks [{{[0-9]+}}, {{[0-9]+}}]
// CHECK-NEXT: fetta.route @route1 distribution map <[l0, 0]> words "{{[0-9a-f]+}}"
// CHECK-NEXT: fetta.route @route2 reduction map <[l0, l1]> words "{{[0-9a-f]+}}"
// CHECK-NOT: fetta.route
// CHECK: routes [@route0, @route1, @route2]
// CHECK: routes [@route0, @route1, @route2]

// LIFT: fetta.route @route0 distribution map <[l0, l1]>{{$}}
// LIFT-NEXT: fetta.route @route1 distribution map <[l0, 0]>{{$}}
// LIFT-NEXT: fetta.route @route2 reduction map <[l0, l1]>{{$}}

// FALSE: error: 'fetta.route' op switch words do #fetta.map<[l0, 0]>, but the map is #fetta.map<[l1, 0]>
MODULE
  func.func @f(%x: tensor<4x4xbf16>, %y: tensor<4x2xbf16>) {
    %0 = fetta.place %x : tensor<4x4xbf16> -> tensor<4x4xbf16, #lhs>
    %1 = fetta.place %y : tensor<4x2xbf16> -> tensor<4x2xbf16, #rhs>
    %2 = fetta.contract "b k, k n -> b n" %0, %1 b_stationary
        lanes <ce [b:0] row [k:0] column [n:0]> loops <scope [k x 2 by 2, b x 2 by 2]>
        accumulator <base 0 strides [1, 0]>
        : (tensor<4x4xbf16, #lhs>, tensor<4x2xbf16, #rhs>) -> tensor<4x2xbf16, #res>
    %3 = fetta.contract "b k, k n -> b n" %0, %1 b_stationary
        lanes <ce [b:0] row [k:0] column [n:0]> loops <scope [k x 2 by 2, b x 2 by 2]>
        accumulator <base 0 strides [1, 0]>
        : (tensor<4x4xbf16, #lhs>, tensor<4x2xbf16, #rhs>) -> tensor<4x2xbf16, #res>
    return
  }
}
