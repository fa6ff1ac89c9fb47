// RUN: cm-opt %s --split-input-file -p canonicalize | filecheck %s

// The largest of dequantised numbers is the largest number, dequantised.

// CHECK-LABEL: func.func @maximum
// CHECK: nn.max_pool %x {kernel = [3], pads = [1, 1]} : (tensor<4x5xui8>) -> tensor<4x5xui8>
// CHECK-NEXT: nn.dequantize
func.func @maximum(%x: tensor<4x5xui8>) -> tensor<4x5xf32> {
  %s = nn.parameter dense<0.5> : tensor<f32>
  %z = nn.parameter dense<3> : tensor<ui8>
  %d = nn.dequantize %x, %s, %z : (tensor<4x5xui8>, tensor<f32>, tensor<ui8>) -> tensor<4x5xf32>
  %y = nn.max_pool %d {kernel = [3], pads = [1, 1]} : (tensor<4x5xf32>) -> tensor<4x5xf32>
  func.return %y : tensor<4x5xf32>
}

// -----

// A negative scale turns the order round.

// CHECK-LABEL: func.func @turned
// CHECK: nn.dequantize
// CHECK-NEXT: nn.reduce_max
func.func @turned(%x: tensor<4x5xi8>) -> tensor<4xf32> {
  %s = nn.parameter dense<-0.5> : tensor<f32>
  %z = nn.parameter dense<3> : tensor<i8>
  %d = nn.dequantize %x, %s, %z : (tensor<4x5xi8>, tensor<f32>, tensor<i8>) -> tensor<4x5xf32>
  %y = nn.reduce_max %d {axes = [1]} : (tensor<4x5xf32>) -> tensor<4xf32>
  func.return %y : tensor<4xf32>
}

// -----

// So does a scale for each channel, as far as is known.

// CHECK-LABEL: func.func @channels
// CHECK: nn.dequantize
// CHECK-NEXT: nn.reduce_max
func.func @channels(%x: tensor<4x5xi8>) -> tensor<4xf32> {
  %s = nn.parameter "s" : tensor<4x1xf32>
  %z = nn.parameter dense<3> : tensor<i8>
  %d = nn.dequantize %x, %s, %z : (tensor<4x5xi8>, tensor<4x1xf32>, tensor<i8>) -> tensor<4x5xf32>
  %y = nn.reduce_max %d {axes = [1]} : (tensor<4x5xf32>) -> tensor<4xf32>
  func.return %y : tensor<4xf32>
}

// -----

// Padding with 1 is padding with the number that is dequantised to 1.

// CHECK-LABEL: func.func @padding
// CHECK: nn.pad %x {pads = [0, 1, 0, 0], value = 5.000000e+00} : (tensor<4x5xi8>) -> tensor<4x6xi8>
// CHECK-NEXT: nn.dequantize
func.func @padding(%x: tensor<4x5xi8>) -> tensor<4x6xf32> {
  %s = nn.parameter dense<0.5> : tensor<f32>
  %z = nn.parameter dense<3> : tensor<i8>
  %d = nn.dequantize %x, %s, %z : (tensor<4x5xi8>, tensor<f32>, tensor<i8>) -> tensor<4x5xf32>
  %y = nn.pad %d {value = 1.0, pads = [0, 1, 0, 0]} : (tensor<4x5xf32>) -> tensor<4x6xf32>
  func.return %y : tensor<4x6xf32>
}

// -----

// No number is dequantised to a quarter.

// CHECK-LABEL: func.func @no_padding
// CHECK: nn.dequantize
// CHECK-NEXT: nn.pad
func.func @no_padding(%x: tensor<4x5xi8>) -> tensor<4x6xf32> {
  %s = nn.parameter dense<0.5> : tensor<f32>
  %z = nn.parameter dense<3> : tensor<i8>
  %d = nn.dequantize %x, %s, %z : (tensor<4x5xi8>, tensor<f32>, tensor<i8>) -> tensor<4x5xf32>
  %y = nn.pad %d {value = 0.25, pads = [0, 1, 0, 0]} : (tensor<4x5xf32>) -> tensor<4x6xf32>
  func.return %y : tensor<4x6xf32>
}

// -----

// Numbers that are dequantised, moved, and quantised to the same integers again are moved as integers.

// CHECK-LABEL: func.func @again
// CHECK-NEXT: %{{.+}} = nn.concat %x, %y {axis = 0} : (tensor<4x5xi8>, tensor<4x5xi8>) -> tensor<8x5xi8>
// CHECK-NEXT: %{{.+}} = nn.transpose
// CHECK-NEXT: func.return
func.func @again(%x: tensor<4x5xi8>, %y: tensor<4x5xi8>) -> tensor<5x8xi8> {
  %s = nn.parameter dense<0.3> : tensor<f32>
  %z = nn.parameter dense<3> : tensor<i8>
  %d = nn.dequantize %x, %s, %z : (tensor<4x5xi8>, tensor<f32>, tensor<i8>) -> tensor<4x5xf32>
  %e = nn.dequantize %y, %s, %z : (tensor<4x5xi8>, tensor<f32>, tensor<i8>) -> tensor<4x5xf32>
  %c = nn.concat %d, %e {axis = 0} : (tensor<4x5xf32>, tensor<4x5xf32>) -> tensor<8x5xf32>
  %t = nn.transpose %c {perm = [1, 0]} : (tensor<8x5xf32>) -> tensor<5x8xf32>
  %q = nn.quantize %t, %s, %z : (tensor<5x8xf32>, tensor<f32>, tensor<i8>) -> tensor<5x8xi8>
  func.return %q : tensor<5x8xi8>
}

// -----

// Another zero point gives other integers, and so does a scale whose products are no normal numbers.

// CHECK-LABEL: func.func @others
// CHECK-COUNT-3: nn.quantize
func.func @others(%x: tensor<4xi8>) -> (tensor<4xi8>, tensor<4xui8>, tensor<4xi8>) {
  %s = nn.parameter dense<0.3> : tensor<f32>
  %tiny = nn.parameter dense<1.0e-40> : tensor<f32>
  %z = nn.parameter dense<3> : tensor<i8>
  %four = nn.parameter dense<4> : tensor<i8>
  %u = nn.parameter dense<3> : tensor<ui8>
  %d = nn.dequantize %x, %s, %z : (tensor<4xi8>, tensor<f32>, tensor<i8>) -> tensor<4xf32>
  %a = nn.quantize %d, %s, %four : (tensor<4xf32>, tensor<f32>, tensor<i8>) -> tensor<4xi8>
  %b = nn.quantize %d, %s, %u : (tensor<4xf32>, tensor<f32>, tensor<ui8>) -> tensor<4xui8>
  %e = nn.dequantize %x, %tiny, %z : (tensor<4xi8>, tensor<f32>, tensor<i8>) -> tensor<4xf32>
  %c = nn.quantize %e, %tiny, %z : (tensor<4xf32>, tensor<f32>, tensor<i8>) -> tensor<4xi8>
  func.return %a, %b, %c : tensor<4xi8>, tensor<4xui8>, tensor<4xi8>
}

// -----

// A power of two changes no rounding: integers are summed up, and the mean is scaled.

// CHECK-LABEL: func.func @mean
// CHECK: %[[ONE:.+]] = nn.parameter dense<1.000000e+00> : tensor<f32>
// CHECK-NEXT: %[[X:.+]] = nn.dequantize %x, %[[ONE]], %z
// CHECK-NEXT: %[[Y:.+]] = nn.average_pool %[[X]] {kernel = [3], pads = [1, 1], count_include_pad}
// CHECK-NEXT: %[[S:.+]] = nn.parameter dense<-2.500000e-01> : tensor<f32>
// CHECK-NEXT: nn.mul %[[Y]], %[[S]]
func.func @mean(%x: tensor<4x5xi8>) -> tensor<4x5xf32> {
  %s = nn.parameter dense<-0.25> : tensor<f32>
  %z = nn.parameter dense<3> : tensor<i8>
  %d = nn.dequantize %x, %s, %z : (tensor<4x5xi8>, tensor<f32>, tensor<i8>) -> tensor<4x5xf32>
  %y = nn.average_pool %d {kernel = [3], pads = [1, 1], count_include_pad} : (tensor<4x5xf32>) -> tensor<4x5xf32>
  func.return %y : tensor<4x5xf32>
}

// -----

// Other scales change roundings. So would a power of two that makes numbers subnormal.

// CHECK-LABEL: func.func @rounded
// CHECK: nn.dequantize
// CHECK-NEXT: nn.reduce_mean
// CHECK: nn.dequantize
// CHECK-NEXT: nn.reduce_sum
// CHECK-NOT: nn.mul
func.func @rounded(%x: tensor<4x5xi8>) -> (tensor<4xf32>, tensor<4xf32>) {
  %s = nn.parameter dense<0.3> : tensor<f32>
  %t = nn.parameter dense<1.1754943508222875e-38> : tensor<f32>
  %z = nn.parameter dense<3> : tensor<i8>
  %d = nn.dequantize %x, %s, %z : (tensor<4x5xi8>, tensor<f32>, tensor<i8>) -> tensor<4x5xf32>
  %m = nn.reduce_mean %d {axes = [1]} : (tensor<4x5xf32>) -> tensor<4xf32>
  %e = nn.dequantize %x, %t, %z : (tensor<4x5xi8>, tensor<f32>, tensor<i8>) -> tensor<4x5xf32>
  %n = nn.reduce_sum %e {axes = [1]} : (tensor<4x5xf32>) -> tensor<4xf32>
  func.return %m, %n : tensor<4xf32>, tensor<4xf32>
}
