// RUN: cm-opt %s --split-input-file --verify-diagnostics -p convert-nn-to-polyhedral | filecheck %s

// A point-wise operator before the root computes each lane that the root reads. Padding is read as the number that it
// maps to the root's padding.

// CHECK-LABEL: polyhedral.stage @conv1
// CHECK: polyhedral.read @x {{.+}} pad 3{{.*}} : vector<2x3xi8>
// CHECK: arith.subi {{.+}} : vector<2x3xi32>
// CHECK: arith.mulf {{.+}} : vector<2x3xf32>
// CHECK: cmcore.mxv
func.func @window(%x: tensor<2x8xi8>) -> tensor<2x8xf32> {
  %y = nn.stage @conv1(%a = %x : tensor<2x8xi8>) -> (tensor<2x8xf32>) {
    %w = nn.parameter "w" : tensor<2x2x3xf32>
    %s = nn.parameter dense<0.5> : tensor<f32>
    %z = nn.parameter dense<3> : tensor<i8>
    %d = nn.dequantize %a, %s, %z : (tensor<2x8xi8>, tensor<f32>, tensor<i8>) -> tensor<2x8xf32>
    %c = nn.conv %d, %w {pads = [1, 1]} : (tensor<2x8xf32>, tensor<2x2x3xf32>) -> tensor<2x8xf32>
    nn.yield %c : tensor<2x8xf32>
  }
  func.return %y : tensor<2x8xf32>
}

// -----

func.func @no_padding(%x: tensor<2x8xf32>) -> tensor<2x8xf32> {
  %y = nn.stage @conv1(%a = %x : tensor<2x8xf32>) -> (tensor<2x8xf32>) {
    %w = nn.parameter "w" : tensor<2x2x3xf32>
    // expected-error @+1 {{nn.exp cannot precede nn.conv: it computes no 0.0 as padding}}
    %e = nn.exp %a : (tensor<2x8xf32>) -> tensor<2x8xf32>
    %c = nn.conv %e, %w {pads = [1, 1]} : (tensor<2x8xf32>, tensor<2x2x3xf32>) -> tensor<2x8xf32>
    nn.yield %c : tensor<2x8xf32>
  }
  func.return %y : tensor<2x8xf32>
}

// -----

func.func @two_uses(%x: tensor<2x8xf32>) -> tensor<2x8xf32> {
  %y = nn.stage @conv1(%a = %x : tensor<2x8xf32>) -> (tensor<2x8xf32>) {
    %w = nn.parameter "w" : tensor<2x2x3xf32>
    // expected-error @+1 {{the result of nn.relu, which precedes nn.conv, must have no other use}}
    %e = nn.relu %a : (tensor<2x8xf32>) -> tensor<2x8xf32>
    %c = nn.conv %e, %w {pads = [1, 1]} : (tensor<2x8xf32>, tensor<2x2x3xf32>) -> tensor<2x8xf32>
    %f = nn.add %c, %e : (tensor<2x8xf32>, tensor<2x8xf32>) -> tensor<2x8xf32>
    nn.yield %f : tensor<2x8xf32>
  }
  func.return %y : tensor<2x8xf32>
}
