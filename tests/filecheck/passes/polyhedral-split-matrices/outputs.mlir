// RUN: cm-opt %s -p 'polyhedral-split-matrices{stage=peak outputs=3}' 2>&1 | filecheck %s
// RUN: not cm-opt %s -p 'polyhedral-split-matrices{stage=peak outputs=2 inputs=2}' 2>&1 | filecheck %s --check-prefix=INPUTS

// A stage without a matrix is split by what it writes, and each core reads only what that needs.

// CHECK: remark: @peak is split into 3 by outputs
// CHECK: polyhedral.stage @peak [%o] (%m) domain #polyhedral.set<"{ peak[o, m] : 0 <= o <= 2 and 0 <= m <= 4 }">
// CHECK-NEXT: %x = polyhedral.read @a #polyhedral.map<"{ [peak[o, m] -> lane[k, c]] -> a[2o + c, m + k] : 0 <= o <= 2 and 0 <= m <= 4 and 0 <= k <= 1 and 0 <= c <= 1 }"> : vector<2x2xf32>
// CHECK-NEXT: %y = cmcore.reduce maximumf %x along [0] : vector<2x2xf32> -> vector<2xf32>
// CHECK-NEXT: polyhedral.write %y, @b #polyhedral.map<"{ [peak[o, m] -> lane[c]] -> b[2o + c, m] : 0 <= o <= 2 and 0 <= m <= 4 and 0 <= c <= 1 }"> : vector<2xf32>

// INPUTS: outputs.mlir:{{[0-9]+}}:3: error: @peak has no matrix: split it by outputs only

polyhedral.pipeline @main (@a) -> (@b) {
  polyhedral.array @a : tensor<6x6xf32>
  polyhedral.array @b : tensor<6x5xf32>
  polyhedral.stage @peak (%m) domain #polyhedral.set<"{ peak[m] : 0 <= m < 5 }"> {
    %x = polyhedral.read @a #polyhedral.map<"{ [peak[m] -> lane[k, c]] -> a[c, m + k] : 0 <= m < 5 and 0 <= k < 2 and 0 <= c < 6 }"> : vector<2x6xf32>
    %y = cmcore.reduce maximumf %x along [0] : vector<2x6xf32> -> vector<6xf32>
    polyhedral.write %y, @b #polyhedral.map<"{ [peak[m] -> lane[c]] -> b[c, m] : 0 <= m < 5 and 0 <= c < 6 }"> : vector<6xf32>
  }
}
