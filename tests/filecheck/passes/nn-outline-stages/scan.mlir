// Operators of a step become stages in the scan. What no output depends on is removed.
// RUN: cm-opt %s -p nn-outline-stages | filecheck %s

// CHECK: func.func @main(%xs: tensor<5x4xf32>, %h0: tensor<4xf32>, %c: tensor<4xf32>) -> tensor<5x4xf32> {
// CHECK-NEXT: %r = nn.stage @relu1(
// CHECK: }
// CHECK-NEXT: %h = nn.scan carried(%s = %h0 : tensor<4xf32>) over(%x = %r : tensor<5x4xf32>) -> (tensor<5x4xf32>) {
// CHECK-NEXT:   %n = nn.stage @add1(%s_1 = %s : tensor<4xf32>, %x_1 = %x : tensor<4xf32>) -> (tensor<4xf32>) {
// CHECK-NEXT:     %a = nn.add %s_1, %x_1
// CHECK-NEXT:     %n_1 = nn.tanh %a
// CHECK-NEXT:     nn.yield %n_1 : tensor<4xf32>
// CHECK-NEXT:   }
// CHECK-NEXT:   nn.yield %n : tensor<4xf32>
// CHECK-NEXT: }
// CHECK-NEXT: %y = nn.stage @sigmoid1(%h_1 = %h : tensor<5x4xf32>)
func.func @main(%xs: tensor<5x4xf32>, %h0: tensor<4xf32>, %c: tensor<4xf32>) -> tensor<5x4xf32> {
  %r = nn.relu %xs : (tensor<5x4xf32>) -> tensor<5x4xf32>
  %h, %g, %u = nn.scan carried(%s = %h0 : tensor<4xf32>, %t = %h0 : tensor<4xf32>) over(%x = %r : tensor<5x4xf32>)
      with(%k = %c : tensor<4xf32>) -> (tensor<5x4xf32>, tensor<5x4xf32>, tensor<5x4xf32>) {
    %a = nn.add %s, %x : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
    %n = nn.tanh %a : (tensor<4xf32>) -> tensor<4xf32>
    %m = nn.mul %t, %k : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
    %v = nn.softmax %n {axes = [0]} : (tensor<4xf32>) -> tensor<4xf32>
    nn.yield %n, %m, %v : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
  }
  %y = nn.sigmoid %h : (tensor<5x4xf32>) -> tensor<5x4xf32>
  func.return %y : tensor<5x4xf32>
}
