// RUN: cm-opt %s --split-input-file -p convert-nn-to-polyhedral | filecheck %s

// A zero point of 0 takes no operation and no memory.

// CHECK-LABEL: polyhedral.pipeline @symmetric
// CHECK-NOT: parameter
// CHECK: polyhedral.stage @dequantize1
// CHECK: %[[X:.+]] = polyhedral.read @x
// CHECK-NEXT: %[[S:.+]] = arith.constant dense<5.000000e-01>
// CHECK-NEXT: %[[F:.+]] = cmcore.convert %[[X]] : vector<8xui8> -> vector<8xf32>
// CHECK-NEXT: %[[D:.+]] = arith.mulf %[[F]], %[[S]]
// CHECK-NEXT: %[[T:.+]] = arith.constant dense<3.000000e+00>
// CHECK-NEXT: %[[Q:.+]] = arith.divf %[[D]], %[[T]]
// CHECK-NEXT: %[[Y:.+]] = cmcore.convert %[[Q]] : vector<8xf32> -> vector<8xui8>
// CHECK-NEXT: polyhedral.write %[[Y]]
func.func @symmetric(%x: tensor<8x4xui8>) -> tensor<8x4xui8> {
  %y = nn.stage @dequantize1(%a = %x : tensor<8x4xui8>) -> (tensor<8x4xui8>) {
    %s = nn.parameter dense<0.5> : tensor<f32>
    %t = nn.parameter dense<3.0> : tensor<f32>
    %z = nn.parameter dense<0> : tensor<ui8>
    %d = nn.dequantize %a, %s, %z : (tensor<8x4xui8>, tensor<f32>, tensor<ui8>) -> tensor<8x4xf32>
    %q = nn.quantize %d, %t, %z : (tensor<8x4xf32>, tensor<f32>, tensor<ui8>) -> tensor<8x4xui8>
    nn.yield %q : tensor<8x4xui8>
  }
  func.return %y : tensor<8x4xui8>
}

// -----

// Other zero points are subtracted in i32, and added before the quotients saturate.

// CHECK-LABEL: polyhedral.pipeline @asymmetric
// CHECK: arith.subi {{.+}} : vector<8xi32>
// CHECK: arith.mulf {{.+}} : vector<8xf32>
// CHECK: math.roundeven {{.+}} : vector<8xf32>
// CHECK: arith.addf {{.+}} : vector<8xf32>
// CHECK: cmcore.convert {{.+}} : vector<8xf32> -> vector<8xi8>
func.func @asymmetric(%x: tensor<8x4xi8>) -> tensor<8x4xi8> {
  %y = nn.stage @dequantize1(%a = %x : tensor<8x4xi8>) -> (tensor<8x4xi8>) {
    %s = nn.parameter dense<0.5> : tensor<f32>
    %t = nn.parameter dense<3.0> : tensor<f32>
    %z = nn.parameter dense<-5> : tensor<i8>
    %d = nn.dequantize %a, %s, %z : (tensor<8x4xi8>, tensor<f32>, tensor<i8>) -> tensor<8x4xf32>
    %q = nn.quantize %d, %t, %z : (tensor<8x4xf32>, tensor<f32>, tensor<i8>) -> tensor<8x4xi8>
    nn.yield %q : tensor<8x4xi8>
  }
  func.return %y : tensor<8x4xi8>
}

// -----

// Nor does a scale of 1 take an operation.

// CHECK-LABEL: polyhedral.pipeline @integers
// CHECK: %[[X:.+]] = polyhedral.read @x
// CHECK-NEXT: %[[F:.+]] = cmcore.convert %[[X]] : vector<8xi8> -> vector<8xf32>
// CHECK-NEXT: %[[Y:.+]] = cmcore.convert %[[F]] : vector<8xf32> -> vector<8xi8>
// CHECK-NEXT: polyhedral.write %[[Y]]
func.func @integers(%x: tensor<8x4xi8>) -> tensor<8x4xi8> {
  %y = nn.stage @dequantize1(%a = %x : tensor<8x4xi8>) -> (tensor<8x4xi8>) {
    %s = nn.parameter dense<1.0> : tensor<f32>
    %z = nn.parameter dense<0> : tensor<i8>
    %d = nn.dequantize %a, %s, %z : (tensor<8x4xi8>, tensor<f32>, tensor<i8>) -> tensor<8x4xf32>
    %q = nn.quantize %d, %s, %z : (tensor<8x4xf32>, tensor<f32>, tensor<i8>) -> tensor<8x4xi8>
    nn.yield %q : tensor<8x4xi8>
  }
  func.return %y : tensor<8x4xi8>
}
