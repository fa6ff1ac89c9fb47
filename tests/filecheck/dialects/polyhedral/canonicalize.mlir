// RUN: cm-opt %s -p canonicalize | filecheck %s

// Reads and matrices that nothing uses have no effect.

// CHECK-LABEL: polyhedral.stage @copy
// CHECK-NEXT: %x = polyhedral.read @a
// CHECK-NEXT: polyhedral.write %x, @b
// CHECK-NEXT: }
polyhedral.pipeline @main (@a) -> (@b) {
  polyhedral.array @a : tensor<4xf32>
  polyhedral.array @b : tensor<4xf32>
  polyhedral.array @w parameter "w" : tensor<1x1xf32>
  polyhedral.stage @copy (%i) domain #polyhedral.set<"{ copy[i] : 0 <= i <= 3 }"> {
    %x = polyhedral.read @a #polyhedral.map<"{ [copy[i] -> lane[c = 0]] -> a[i] : 0 <= i <= 3 }"> : vector<1xf32>
    %unused = polyhedral.read @a #polyhedral.map<"{ [copy[i] -> lane[c = 0]] -> a[0] : 0 <= i <= 3 }"> : vector<1xf32>
    %m = polyhedral.matrix @w #polyhedral.map<"{ cell[row = 0, col = 0] -> w[0, 0] }"> : tensor<1x1xf32>
    %y = cmcore.mxv %m, %unused : tensor<1x1xf32>, vector<1xf32> -> vector<1xf32>
    polyhedral.write %x, @b #polyhedral.map<"{ [copy[i] -> lane[c = 0]] -> b[i] : 0 <= i <= 3 }"> : vector<1xf32>
  }
}
