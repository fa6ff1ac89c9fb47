// RUN: cm-opt %s --split-input-file -p nn-outline-stages | filecheck %s

// An activation function of primitives joins the convolution, though it reads its result twice.

// CHECK-LABEL: func.func @hard_swish
// CHECK: nn.stage @conv1
// CHECK-NOT: nn.stage
func.func @hard_swish(%x: tensor<2x8xf32>) -> tensor<2x8xf32> {
  %w = nn.parameter "w" : tensor<2x2x1xf32>
  %three = nn.parameter dense<3.0> : tensor<1xf32>
  %six = nn.parameter dense<6.0> : tensor<1xf32>
  %c = nn.conv %x, %w : (tensor<2x8xf32>, tensor<2x2x1xf32>) -> tensor<2x8xf32>
  %a = nn.add %c, %three : (tensor<2x8xf32>, tensor<1xf32>) -> tensor<2x8xf32>
  %b = nn.clip %a {min = 0.0, max = 6.0} : (tensor<2x8xf32>) -> tensor<2x8xf32>
  %d = nn.mul %c, %b : (tensor<2x8xf32>, tensor<2x8xf32>) -> tensor<2x8xf32>
  %y = nn.div %d, %six : (tensor<2x8xf32>, tensor<1xf32>) -> tensor<2x8xf32>
  func.return %y : tensor<2x8xf32>
}

// -----

// Squeeze and excite: the product waits for all of what it multiplies, so it cannot be in that stage.

// CHECK-LABEL: func.func @squeeze_excite
// CHECK: %r = nn.stage @conv1
// CHECK: %h = nn.stage @global_average_pool1({{.+}} = %r
// CHECK-NEXT: nn.global_average_pool
// CHECK-NEXT: nn.hard_sigmoid
// CHECK: nn.stage @mul1({{.+}} = %r : tensor<2x8xf32>, {{.+}} = %h : tensor<2x1xf32>)
func.func @squeeze_excite(%x: tensor<2x8xf32>) -> tensor<2x8xf32> {
  %w = nn.parameter "w" : tensor<2x2x1xf32>
  %c = nn.conv %x, %w : (tensor<2x8xf32>, tensor<2x2x1xf32>) -> tensor<2x8xf32>
  %r = nn.relu %c : (tensor<2x8xf32>) -> tensor<2x8xf32>
  %p = nn.global_average_pool %r : (tensor<2x8xf32>) -> tensor<2x1xf32>
  %h = nn.hard_sigmoid %p : (tensor<2x1xf32>) -> tensor<2x1xf32>
  %y = nn.mul %r, %h : (tensor<2x8xf32>, tensor<2x1xf32>) -> tensor<2x8xf32>
  func.return %y : tensor<2x8xf32>
}
