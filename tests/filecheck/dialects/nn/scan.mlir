// RUN: cm-opt %s | filecheck %s
// RUN: cm-opt %s --print-op-generic | cm-opt | filecheck %s

func.func @steps(%xs: tensor<20x3xf32>, %h0: tensor<4xf32>, %k: tensor<4xf32>) -> (tensor<20x4xf32>, tensor<20x3xf32>) {
  // CHECK:      %h, %y = nn.scan carried(%s = %h0 : tensor<4xf32>) over(%x = %xs : tensor<20x3xf32>) with(%c = %k : tensor<4xf32>)
  // CHECK-SAME:   -> (tensor<20x4xf32>, tensor<20x3xf32>) {
  %h, %y = nn.scan carried(%s = %h0 : tensor<4xf32>) over(%x = %xs : tensor<20x3xf32>) with(%c = %k : tensor<4xf32>)
      -> (tensor<20x4xf32>, tensor<20x3xf32>) {
    // CHECK-NEXT: %n = nn.mul %s, %c : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
    %n = nn.mul %s, %c : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
    // CHECK-NEXT: %r = nn.relu %x : (tensor<3xf32>) -> tensor<3xf32>
    %r = nn.relu %x : (tensor<3xf32>) -> tensor<3xf32>
    // CHECK-NEXT: nn.yield %n, %r : tensor<4xf32>, tensor<3xf32>
    nn.yield %n, %r : tensor<4xf32>, tensor<3xf32>
  }
  func.return %h, %y : tensor<20x4xf32>, tensor<20x3xf32>
}

// A loop goes over nothing. Elements of vectors are tensors without dimensions.
// CHECK-LABEL: @loop
func.func @loop(%v: tensor<2xf32>, %xs: tensor<5xf32>) -> (tensor<3x2xf32>, tensor<5xf32>) {
  // CHECK: nn.scan carried(%s = %v : tensor<2xf32>) -> (tensor<3x2xf32>) {
  %a = nn.scan carried(%s = %v : tensor<2xf32>) -> (tensor<3x2xf32>) {
    %t = nn.tanh %s : (tensor<2xf32>) -> tensor<2xf32>
    nn.yield %t : tensor<2xf32>
  }
  // CHECK: nn.scan over(%x = %xs : tensor<5xf32>) -> (tensor<5xf32>) {
  %b = nn.scan over(%x = %xs : tensor<5xf32>) -> (tensor<5xf32>) {
    %t = nn.tanh %x : (tensor<f32>) -> tensor<f32>
    nn.yield %t : tensor<f32>
  }
  func.return %a, %b : tensor<3x2xf32>, tensor<5xf32>
}
