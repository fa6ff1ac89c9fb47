// RUN: cm-opt %s --split-input-file -p nn-outline-stages | filecheck %s
// RUN: cm-opt %s --split-input-file -p nn-to-cmcore -o /dev/null

// What is dequantised is dequantised by its readers, each for itself; a stage is named after what it computes.

// CHECK-LABEL: func.func @readers
// CHECK: nn.stage @softmax1(%{{.+}} = %x : tensor<4x5xi8>) -> (tensor<4x5xf32>)
// CHECK: nn.dequantize
// CHECK-NEXT: nn.softmax
// CHECK: nn.stage @reduce_mean1(%{{.+}} = %x : tensor<4x5xi8>) -> (tensor<4xf32>)
// CHECK: nn.dequantize
// CHECK-NEXT: nn.reduce_mean
func.func @readers(%x: tensor<4x5xi8>) -> (tensor<4x5xf32>, tensor<4xf32>) {
  %s = nn.parameter dense<0.5> : tensor<f32>
  %z = nn.parameter dense<3> : tensor<i8>
  %d = nn.dequantize %x, %s, %z : (tensor<4x5xi8>, tensor<f32>, tensor<i8>) -> tensor<4x5xf32>
  %a = nn.softmax %d {axes = [0]} : (tensor<4x5xf32>) -> tensor<4x5xf32>
  %b = nn.reduce_mean %d {axes = [1]} : (tensor<4x5xf32>) -> tensor<4xf32>
  func.return %a, %b : tensor<4x5xf32>, tensor<4xf32>
}

// -----

// A sum joins the stage of its quantised operand, and dequantises that in the stage, too.

// CHECK-LABEL: func.func @sum
// CHECK: nn.stage @softmax1(%{{.+}} = %x : tensor<4x5xf32>) -> (tensor<4x5xi8>)
// CHECK: nn.softmax
// CHECK: nn.quantize
// CHECK: nn.dequantize
// CHECK: nn.add
// CHECK: nn.quantize
// CHECK-NOT: nn.stage
func.func @sum(%x: tensor<4x5xf32>) -> tensor<4x5xi8> {
  %s = nn.parameter dense<0.5> : tensor<f32>
  %z = nn.parameter dense<3> : tensor<i8>
  %a = nn.softmax %x {axes = [0]} : (tensor<4x5xf32>) -> tensor<4x5xf32>
  %q = nn.quantize %a, %s, %z : (tensor<4x5xf32>, tensor<f32>, tensor<i8>) -> tensor<4x5xi8>
  %d = nn.dequantize %q, %s, %z : (tensor<4x5xi8>, tensor<f32>, tensor<i8>) -> tensor<4x5xf32>
  %b = nn.add %d, %a : (tensor<4x5xf32>, tensor<4x5xf32>) -> tensor<4x5xf32>
  %y = nn.quantize %b, %s, %z : (tensor<4x5xf32>, tensor<f32>, tensor<i8>) -> tensor<4x5xi8>
  func.return %y : tensor<4x5xi8>
}

// -----

// An output is no reader: the stage that computes an output widens it. No narrow number stands for minus infinity.

// CHECK-LABEL: func.func @outputs
// CHECK: nn.stage @softmax1({{.+}}) -> (tensor<4x5xf32>)
// CHECK: nn.stage @max_pool1(%{{.+}} = %{{.+}} : tensor<4x5xf32>)
func.func @outputs(%x: tensor<4x5xf32>) -> (tensor<4x5xf32>, tensor<4x5xf32>) {
  %s = nn.parameter "s" : tensor<4x1xf32>
  %c = nn.parameter dense<0.5> : tensor<f32>
  %z = nn.parameter dense<3> : tensor<i8>
  %a = nn.softmax %x {axes = [0]} : (tensor<4x5xf32>) -> tensor<4x5xf32>
  %q = nn.quantize %a, %c, %z : (tensor<4x5xf32>, tensor<f32>, tensor<i8>) -> tensor<4x5xi8>
  %d = nn.dequantize %q, %s, %z : (tensor<4x5xi8>, tensor<4x1xf32>, tensor<i8>) -> tensor<4x5xf32>
  %y = nn.max_pool %d {kernel = [3], pads = [1, 1]} : (tensor<4x5xf32>) -> tensor<4x5xf32>
  func.return %d, %y : tensor<4x5xf32>, tensor<4x5xf32>
}

// -----

// Layout operators lay out narrow elements. The padding is the number that is dequantised to 0.

// CHECK-LABEL: func.func @layouts
// CHECK: nn.pad %x {pads = [0, 1, 0, 0], value = 3.000000e+00} : (tensor<4x5xi8>) -> tensor<4x6xi8>
// CHECK-NEXT: nn.transpose {{.+}} -> tensor<6x4xi8>
// CHECK-NEXT: nn.stage @relu1({{.+}} : tensor<6x4xi8>)
func.func @layouts(%x: tensor<4x5xi8>) -> tensor<6x4xf32> {
  %s = nn.parameter dense<0.5> : tensor<f32>
  %z = nn.parameter dense<3> : tensor<i8>
  %d = nn.dequantize %x, %s, %z : (tensor<4x5xi8>, tensor<f32>, tensor<i8>) -> tensor<4x5xf32>
  %p = nn.pad %d {pads = [0, 1, 0, 0]} : (tensor<4x5xf32>) -> tensor<4x6xf32>
  %t = nn.transpose %p {perm = [1, 0]} : (tensor<4x6xf32>) -> tensor<6x4xf32>
  %y = nn.relu %t : (tensor<6x4xf32>) -> tensor<6x4xf32>
  func.return %y : tensor<6x4xf32>
}

// -----

// What a concatenation is quantised to is what its parts are quantised to.

// CHECK-LABEL: func.func @concatenation
// CHECK: nn.stage @softmax1({{.+}}) -> (tensor<2x5xi8>)
// CHECK: nn.stage @relu1({{.+}}) -> (tensor<2x5xi8>)
// CHECK: nn.concat {{.+}} -> tensor<4x5xi8>
func.func @concatenation(%x: tensor<2x5xf32>) -> tensor<4x5xi8> {
  %s = nn.parameter dense<0.5> : tensor<f32>
  %z = nn.parameter dense<3> : tensor<i8>
  %a = nn.softmax %x {axes = [0]} : (tensor<2x5xf32>) -> tensor<2x5xf32>
  %b = nn.relu %x : (tensor<2x5xf32>) -> tensor<2x5xf32>
  %c = nn.concat %a, %b {axis = 0} : (tensor<2x5xf32>, tensor<2x5xf32>) -> tensor<4x5xf32>
  %y = nn.quantize %c, %s, %z : (tensor<4x5xf32>, tensor<f32>, tensor<i8>) -> tensor<4x5xi8>
  func.return %y : tensor<4x5xi8>
}
