// RUN: cm-opt %s -p nn-outline-stages 2>&1 | filecheck %s

// Each concatenation of a value with itself doubles its pieces: a copy stops that.

// CHECK: remark: inserted a stage that copies %t6: it would be read in 128 affine pieces
// CHECK-NOT: remark
// CHECK: nn.stage @copy1
// CHECK: nn.concat %t6_copy, %t6_copy {axis = 0}
// CHECK: nn.stage @relu2
func.func @main(%a: tensor<2x4xf32>) -> tensor<512x4xf32> {
  %t0 = nn.relu %a : (tensor<2x4xf32>) -> tensor<2x4xf32>
  %t1 = nn.concat %t0, %t0 {axis = 0} : (tensor<2x4xf32>, tensor<2x4xf32>) -> tensor<4x4xf32>
  %t2 = nn.concat %t1, %t1 {axis = 0} : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<8x4xf32>
  %t3 = nn.concat %t2, %t2 {axis = 0} : (tensor<8x4xf32>, tensor<8x4xf32>) -> tensor<16x4xf32>
  %t4 = nn.concat %t3, %t3 {axis = 0} : (tensor<16x4xf32>, tensor<16x4xf32>) -> tensor<32x4xf32>
  %t5 = nn.concat %t4, %t4 {axis = 0} : (tensor<32x4xf32>, tensor<32x4xf32>) -> tensor<64x4xf32>
  %t6 = nn.concat %t5, %t5 {axis = 0} : (tensor<64x4xf32>, tensor<64x4xf32>) -> tensor<128x4xf32>
  %t7 = nn.concat %t6, %t6 {axis = 0} : (tensor<128x4xf32>, tensor<128x4xf32>) -> tensor<256x4xf32>
  %t8 = nn.concat %t7, %t7 {axis = 0} : (tensor<256x4xf32>, tensor<256x4xf32>) -> tensor<512x4xf32>
  %r = nn.relu %t8 : (tensor<512x4xf32>) -> tensor<512x4xf32>
  return %r : tensor<512x4xf32>
}
