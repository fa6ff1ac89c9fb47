// RUN: cm-opt %s | filecheck %s
// RUN: cm-opt %s | cm-opt | filecheck %s
// RUN: cm-opt %s --print-op-generic | cm-opt | filecheck %s
// RUN: cm-opt %s --print-op-generic | filecheck %s --check-prefix=GENERIC

// CHECK: polyhedral.pipeline @main (@a) -> (@b, @c) {
// GENERIC: "polyhedral.pipeline"() <{sym_name = "main", inputs = [@a], outputs = [@b, @c]}>
polyhedral.pipeline @main (@a) -> (@b, @c) {
  // CHECK-NEXT: polyhedral.array @a : tensor<1x10xf32>
  // GENERIC: "polyhedral.array"() <{sym_name = "a", type = tensor<1x10xf32>}>
  polyhedral.array @a : tensor<1x10xf32>
  // CHECK-NEXT: polyhedral.array @b : tensor<1x8xf32>
  polyhedral.array @b : tensor<1x8xf32>
  // CHECK-NEXT: polyhedral.array @c : tensor<1xf32>
  polyhedral.array @c : tensor<1xf32>
  // CHECK-NEXT: polyhedral.array @w parameter "conv1.weight" : tensor<2x1x3xf32>
  // GENERIC: "polyhedral.array"() <{sym_name = "w", type = tensor<2x1x3xf32>, source = "conv1.weight"}>
  polyhedral.array @w parameter "conv1.weight" : tensor<2x1x3xf32>
  // CHECK-NEXT: polyhedral.array @ones parameter dense<1.000000e+00> : tensor<4xf32>
  polyhedral.array @ones parameter dense<1.0> : tensor<4xf32>
  // CHECK-NEXT: polyhedral.array @tagged : tensor<2xf32> attributes {test.tag = 1 : i64}
  polyhedral.array @tagged : tensor<2xf32> attributes {test.tag = 1}

  // CHECK-NEXT: polyhedral.stage @conv (%w) domain #polyhedral.set<"{ conv[w] : 0 <= w <= 7 }"> {
  // GENERIC: "polyhedral.stage"() <{sym_name = "conv", domain = #polyhedral.set<"{ conv[w] : 0 <= w <= 7 }">}> ({
  // GENERIC-NEXT: ^{{.*}}(%w: index):
  polyhedral.stage @conv (%w) domain #polyhedral.set<"{ conv[w] : 0 <= w < 8 }"> {
    // CHECK-NEXT: %x = polyhedral.read @a #polyhedral.map<"{ [conv[w] -> lane[c = 0, k]] -> a[0, w + k] : 0 <= w <= 7 and 0 <= k <= 2 }"> : vector<1x3xf32>
    // GENERIC: %x = "polyhedral.read"() <{arrays = [@a], maps = [#polyhedral.map<{{.*}}>], pad = 0.000000e+00 : f32}> : () -> vector<1x3xf32>
    %x = polyhedral.read @a #polyhedral.map<"{ [conv[w] -> lane[c, k]] -> a[c, w + k] : 0 <= w < 8 and c = 0 and 0 <= k < 3 }"> : vector<1x3xf32>
    // A matrix of two diagonal blocks of one row.
    // CHECK-NEXT: %m = polyhedral.matrix @w #polyhedral.map<"{ cell[b, r = 0, k] -> w[b, 0, k] : 0 <= b <= 1 and 0 <= k <= 2 }"> : tensor<2x1x3xf32>
    %m = polyhedral.matrix @w #polyhedral.map<"{ cell[b, r, k] -> w[b, 0, k] : r = 0 and 0 <= b <= 1 and 0 <= k < 3 }"> : tensor<2x1x3xf32>
    // CHECK-NEXT: polyhedral.read @a #polyhedral.map<"{ [conv[w] -> lane[k]] -> a[0, w] : 0 <= w <= 7 and 0 <= k <= 5 }"> pad -1.500000e+00 : vector<6xf32>
    %p = polyhedral.read @a #polyhedral.map<"{ [conv[w] -> lane[k]] -> a[0, w] : 0 <= w < 8 and 0 <= k < 6 }"> pad -1.5 : vector<6xf32>
    // An infinity is written as its bits.
    // CHECK-NEXT: polyhedral.read @a #polyhedral.map<"{ [conv[w = 0] -> lane[k = 0]] -> a[0, 0] }"> pad 0xff800000 : vector<1xf32>
    %q = polyhedral.read @a #polyhedral.map<"{ [conv[w] -> lane[k]] -> a[0, 0] : w = 0 and k = 0 }"> pad 0xff800000 : vector<1xf32>
    // CHECK-NEXT: pad -0.000000e+00 attributes {test.tag} : vector<1xf32>
    %z = polyhedral.read @a #polyhedral.map<"{ [conv[w] -> lane[k]] -> a[0, 0] : w = 0 and k = 0 }"> pad -0.0 attributes {test.tag} : vector<1xf32>
    // CHECK-NEXT: polyhedral.read @a #polyhedral.map<"{ [conv[w] -> lane[k = 0]] -> a[0, w] : 0 <= w <= 7 }">, @ones #polyhedral.map<"{ [conv[w] -> lane[k = 1]] -> ones[0] : 0 <= w <= 7 }"> : vector<2xf32>
    %both = polyhedral.read @a #polyhedral.map<"{ [conv[w] -> lane[k]] -> a[0, w] : 0 <= w < 8 and k = 0 }">, @ones #polyhedral.map<"{ [conv[w] -> lane[k]] -> ones[0] : 0 <= w < 8 and k = 1 }"> : vector<2xf32>
    // CHECK-NEXT: %y = cmcore.mxv %m, %p
    %y = cmcore.mxv %m, %p : tensor<2x1x3xf32>, vector<6xf32> -> vector<2xf32>
    // A lane without a location is dropped.
    // CHECK-NEXT: polyhedral.write %y, @b #polyhedral.map<"{ [conv[w] -> lane[c = 0]] -> b[0, w] : 0 <= w <= 7 }"> : vector<2xf32>
    // GENERIC: "polyhedral.write"(%y) <{array = @b, map = #polyhedral.map<{{.*}}>}> : (vector<2xf32>) -> ()
    polyhedral.write %y, @b #polyhedral.map<"{ [conv[w] -> lane[c]] -> b[0, w] : 0 <= w < 8 and c = 0 }"> : vector<2xf32>
  // CHECK-NEXT: }
  }

  // A stage of one iteration, with a schedule, and loops that are empty in text.
  // CHECK-NEXT: polyhedral.stage @sum () domain #polyhedral.set<"{ sum[] }"> schedule #polyhedral.map<"{ sum[] -> [0] }"> attributes {test.tag} {
  polyhedral.stage @sum () domain #polyhedral.set<"{ sum[] }"> schedule #polyhedral.map<"{ sum[] -> [0] }"> attributes {test.tag} {
    %x = polyhedral.read @b #polyhedral.map<"{ [sum[] -> lane[k]] -> b[0, k] : 0 <= k < 8 }"> : vector<8xf32>
    %y = cmcore.reduce add %x along [0] : vector<8xf32> -> vector<f32>
    %v = vector.broadcast %y : vector<f32> to vector<1xf32>
    polyhedral.write %v, @c #polyhedral.map<"{ [sum[] -> lane[k]] -> c[0] : k = 0 }"> : vector<1xf32>
  // CHECK: } loops {
  // CHECK-NEXT: ^{{.+}}:
  // CHECK-NEXT: }
  } loops {}

  // CHECK-NEXT: polyhedral.storage @b at @sum #polyhedral.map<"{ b[n, c = 0, w] -> slot[o0, w] : (n + o0) mod 2 = 0 and 0 <= o0 <= 1 }"> : memref<2x8xf32> {test.tag}
  // GENERIC: "polyhedral.storage"() <{array = @b, stage = @sum, map = #polyhedral.map<{{.*}}>, type = memref<2x8xf32>}> {test.tag} : () -> ()
  polyhedral.storage @b at @sum #polyhedral.map<"{ b[n, c = 0, w] -> slot[n mod 2, w] }"> : memref<2x8xf32> {test.tag}
  // CHECK-NEXT: polyhedral.dependence raw @conv -> @sum on @b release #polyhedral.map<"{ b[c = 0, w = 7] -> sum[] }">
  // GENERIC: "polyhedral.dependence"() <{kind = "raw", source = @conv, target = @sum, array = @b, release = #polyhedral.map<{{.*}}>}> : () -> ()
  polyhedral.dependence raw @conv -> @sum on @b release #polyhedral.map<"{ b[c, w] -> sum[] : c = 0 and w = 7 }">
  // CHECK-NEXT: polyhedral.dependence war @sum -> @conv on @b
  // CHECK-SAME: release #polyhedral.map<"{ sum[] -> conv[ahead = 1, w = 7] }">
  // CHECK-SAME: initially #polyhedral.set<"{ conv[ahead = 0, w = 7] }"> attributes {test.tag} automaton {
  // CHECK-NEXT: ^{{.+}}:
  // CHECK-NEXT: }
  polyhedral.dependence war @sum -> @conv on @b
    release #polyhedral.map<"{ sum[] -> conv[ahead, w] : ahead = 1 and w = 7 }">
    initially #polyhedral.set<"{ conv[ahead, w] : ahead = 0 and w = 7 }"> attributes {test.tag} automaton {}
// CHECK-NEXT: }
}

// CHECK-NEXT: polyhedral.pipeline @empty () -> () attributes {test.tag} {
// CHECK-NEXT: ^{{.+}}:
// CHECK-NEXT: }
polyhedral.pipeline @empty () -> () attributes {test.tag} {}
