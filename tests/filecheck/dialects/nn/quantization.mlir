// RUN: cm-opt %s | cm-opt | filecheck %s

// CHECK-LABEL: func.func @quantised
func.func @quantised(%x: tensor<2x4x4xf32>) -> tensor<3x2x2xi8> {
  %s = nn.parameter dense<0.5> : tensor<f32>
  %z = nn.parameter dense<200> : tensor<ui8>
  %o = nn.parameter dense<-3> : tensor<i8>
  %n = nn.parameter dense<0> : tensor<i32>
  %w = nn.parameter "w" : tensor<3x2x3x3xi8>
  %b = nn.parameter "b" : tensor<3xi32>
  // CHECK: nn.parameter dense<200> : tensor<ui8>
  // CHECK: nn.quantize %x, %s, %z : (tensor<2x4x4xf32>, tensor<f32>, tensor<ui8>) -> tensor<2x4x4xui8>
  %q = nn.quantize %x, %s, %z : (tensor<2x4x4xf32>, tensor<f32>, tensor<ui8>) -> tensor<2x4x4xui8>
  // CHECK: nn.conv %q, %w bias %b : (tensor<2x4x4xui8>, tensor<3x2x3x3xi8>, tensor<3xi32>) -> tensor<3x2x2xi32>
  %c = nn.conv %q, %w bias %b : (tensor<2x4x4xui8>, tensor<3x2x3x3xi8>, tensor<3xi32>) -> tensor<3x2x2xi32>
  // CHECK: nn.dequantize %c, %s, %n : (tensor<3x2x2xi32>, tensor<f32>, tensor<i32>) -> tensor<3x2x2xf32>
  %d = nn.dequantize %c, %s, %n : (tensor<3x2x2xi32>, tensor<f32>, tensor<i32>) -> tensor<3x2x2xf32>
  // CHECK: nn.quantize
  %r = nn.quantize %d, %s, %o : (tensor<3x2x2xf32>, tensor<f32>, tensor<i8>) -> tensor<3x2x2xi8>
  // CHECK: nn.cast %r : (tensor<3x2x2xi8>) -> tensor<3x2x2xi32>
  %u = nn.cast %r : (tensor<3x2x2xi8>) -> tensor<3x2x2xi32>
  // CHECK: nn.cast %u : (tensor<3x2x2xi32>) -> tensor<3x2x2xf64>
  %f = nn.cast %u : (tensor<3x2x2xi32>) -> tensor<3x2x2xf64>
  // CHECK: nn.cast %d : (tensor<3x2x2xf32>) -> tensor<3x2x2xf16>
  %h = nn.cast %d : (tensor<3x2x2xf32>) -> tensor<3x2x2xf16>
  // CHECK: nn.cast %h : (tensor<3x2x2xf16>) -> tensor<3x2x2xf32>
  %g = nn.cast %h : (tensor<3x2x2xf16>) -> tensor<3x2x2xf32>
  // CHECK: nn.quantize %h16, %s, %w16 : (tensor<3x2x2xf32>, tensor<f32>, tensor<ui16>) -> tensor<3x2x2xui16>
  %w16 = nn.parameter dense<40000> : tensor<ui16>
  %h16 = nn.cast %h : (tensor<3x2x2xf16>) -> tensor<3x2x2xf32>
  %q16 = nn.quantize %h16, %s, %w16 : (tensor<3x2x2xf32>, tensor<f32>, tensor<ui16>) -> tensor<3x2x2xui16>
  // CHECK: nn.reduce_max %q16 {axes = [1]} : (tensor<3x2x2xui16>) -> tensor<3x2xui16>
  %m16 = nn.reduce_max %q16 {axes = [1]} : (tensor<3x2x2xui16>) -> tensor<3x2xui16>
  func.return %r : tensor<3x2x2xi8>
}
