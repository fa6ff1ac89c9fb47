// RUN: not cm-opt %s -p 'polyhedral-split-matrices{stage=s outputs=2}' 2>&1 | filecheck %s
// CHECK: constants.mlir:{{[0-9]+}}:5: error: stage @s cannot be split into parts: arith.constant has an element of its own in each lane

// The cores of a stage have one body. A constant with the same element in all lanes has parts, this one has none.

polyhedral.pipeline @main (@a) -> (@b) {
  polyhedral.array @a : tensor<4x8xf32>
  polyhedral.array @b : tensor<4x8xf32>
  polyhedral.stage @s (%h) domain #polyhedral.set<"{ s[h] : 0 <= h < 4 }"> {
    %x = polyhedral.read @a #polyhedral.map<"{ [s[h] -> lane[c]] -> a[h, c] : 0 <= h < 4 and 0 <= c < 8 }"> : vector<8xf32>
    %w = arith.constant dense<[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]> : vector<8xf32>
    %y = arith.mulf %x, %w : vector<8xf32>
    polyhedral.write %y, @b #polyhedral.map<"{ [s[h] -> lane[c]] -> b[h, c] : 0 <= h < 4 and 0 <= c < 8 }"> : vector<8xf32>
  }
}
