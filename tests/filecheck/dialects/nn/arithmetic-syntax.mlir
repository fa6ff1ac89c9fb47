// RUN: cm-opt %s | cm-opt | filecheck %s
// RUN: cm-opt %s --print-op-generic | cm-opt | filecheck %s

// CHECK-LABEL: @binary
func.func @binary(%x: tensor<4x8x8xf32>, %channel: tensor<4x1x1xf32>) {
  // CHECK-NEXT: nn.add %x, %channel : (tensor<4x8x8xf32>, tensor<4x1x1xf32>) -> tensor<4x8x8xf32>
  %0 = nn.add %x, %channel : (tensor<4x8x8xf32>, tensor<4x1x1xf32>) -> tensor<4x8x8xf32>
  // CHECK-NEXT: nn.sub %x, %channel : (tensor<4x8x8xf32>, tensor<4x1x1xf32>) -> tensor<4x8x8xf32>
  %1 = nn.sub %x, %channel : (tensor<4x8x8xf32>, tensor<4x1x1xf32>) -> tensor<4x8x8xf32>
  // CHECK-NEXT: nn.mul %x, %channel : (tensor<4x8x8xf32>, tensor<4x1x1xf32>) -> tensor<4x8x8xf32>
  %2 = nn.mul %x, %channel : (tensor<4x8x8xf32>, tensor<4x1x1xf32>) -> tensor<4x8x8xf32>
  // CHECK-NEXT: nn.div %x, %channel : (tensor<4x8x8xf32>, tensor<4x1x1xf32>) -> tensor<4x8x8xf32>
  %3 = nn.div %x, %channel : (tensor<4x8x8xf32>, tensor<4x1x1xf32>) -> tensor<4x8x8xf32>
  // CHECK-NEXT: nn.pow %x, %channel : (tensor<4x8x8xf32>, tensor<4x1x1xf32>) -> tensor<4x8x8xf32>
  %4 = nn.pow %x, %channel : (tensor<4x8x8xf32>, tensor<4x1x1xf32>) -> tensor<4x8x8xf32>
  // CHECK-NEXT: nn.min %x, %channel : (tensor<4x8x8xf32>, tensor<4x1x1xf32>) -> tensor<4x8x8xf32>
  %5 = nn.min %x, %channel : (tensor<4x8x8xf32>, tensor<4x1x1xf32>) -> tensor<4x8x8xf32>
  // CHECK-NEXT: nn.max %x, %channel : (tensor<4x8x8xf32>, tensor<4x1x1xf32>) -> tensor<4x8x8xf32>
  %6 = nn.max %x, %channel : (tensor<4x8x8xf32>, tensor<4x1x1xf32>) -> tensor<4x8x8xf32>
  // CHECK-NEXT: nn.prelu %x, %channel : (tensor<4x8x8xf32>, tensor<4x1x1xf32>) -> tensor<4x8x8xf32>
  %7 = nn.prelu %x, %channel : (tensor<4x8x8xf32>, tensor<4x1x1xf32>) -> tensor<4x8x8xf32>
  func.return
}

// CHECK-LABEL: @unary
func.func @unary(%x: tensor<4x8x8xf32>) {
  // CHECK-NEXT: nn.neg %x : (tensor<4x8x8xf32>) -> tensor<4x8x8xf32>
  %0 = nn.neg %x : (tensor<4x8x8xf32>) -> tensor<4x8x8xf32>
  // CHECK-NEXT: nn.abs %x : (tensor<4x8x8xf32>) -> tensor<4x8x8xf32>
  %1 = nn.abs %x : (tensor<4x8x8xf32>) -> tensor<4x8x8xf32>
  // CHECK-NEXT: nn.reciprocal %x : (tensor<4x8x8xf32>) -> tensor<4x8x8xf32>
  %2 = nn.reciprocal %x : (tensor<4x8x8xf32>) -> tensor<4x8x8xf32>
  // CHECK-NEXT: nn.sqrt %x : (tensor<4x8x8xf32>) -> tensor<4x8x8xf32>
  %3 = nn.sqrt %x : (tensor<4x8x8xf32>) -> tensor<4x8x8xf32>
  // CHECK-NEXT: nn.exp %x : (tensor<4x8x8xf32>) -> tensor<4x8x8xf32>
  %4 = nn.exp %x : (tensor<4x8x8xf32>) -> tensor<4x8x8xf32>
  // CHECK-NEXT: nn.log %x : (tensor<4x8x8xf32>) -> tensor<4x8x8xf32>
  %5 = nn.log %x : (tensor<4x8x8xf32>) -> tensor<4x8x8xf32>
  // CHECK-NEXT: nn.floor %x : (tensor<4x8x8xf32>) -> tensor<4x8x8xf32>
  %6 = nn.floor %x : (tensor<4x8x8xf32>) -> tensor<4x8x8xf32>
  // CHECK-NEXT: nn.ceil %x : (tensor<4x8x8xf32>) -> tensor<4x8x8xf32>
  %7 = nn.ceil %x : (tensor<4x8x8xf32>) -> tensor<4x8x8xf32>
  // CHECK-NEXT: nn.round %x : (tensor<4x8x8xf32>) -> tensor<4x8x8xf32>
  %8 = nn.round %x : (tensor<4x8x8xf32>) -> tensor<4x8x8xf32>
  // CHECK-NEXT: nn.relu %x : (tensor<4x8x8xf32>) -> tensor<4x8x8xf32>
  %9 = nn.relu %x : (tensor<4x8x8xf32>) -> tensor<4x8x8xf32>
  // CHECK-NEXT: nn.sigmoid %x : (tensor<4x8x8xf32>) -> tensor<4x8x8xf32>
  %10 = nn.sigmoid %x : (tensor<4x8x8xf32>) -> tensor<4x8x8xf32>
  // CHECK-NEXT: nn.hard_swish %x : (tensor<4x8x8xf32>) -> tensor<4x8x8xf32>
  %11 = nn.hard_swish %x : (tensor<4x8x8xf32>) -> tensor<4x8x8xf32>
  // CHECK-NEXT: nn.tanh %x : (tensor<4x8x8xf32>) -> tensor<4x8x8xf32>
  %12 = nn.tanh %x : (tensor<4x8x8xf32>) -> tensor<4x8x8xf32>
  // CHECK-NEXT: nn.erf %x : (tensor<4x8x8xf32>) -> tensor<4x8x8xf32>
  %13 = nn.erf %x : (tensor<4x8x8xf32>) -> tensor<4x8x8xf32>
  // CHECK-NEXT: nn.softplus %x : (tensor<4x8x8xf32>) -> tensor<4x8x8xf32>
  %14 = nn.softplus %x : (tensor<4x8x8xf32>) -> tensor<4x8x8xf32>
  // CHECK-NEXT: nn.mish %x : (tensor<4x8x8xf32>) -> tensor<4x8x8xf32>
  %15 = nn.mish %x : (tensor<4x8x8xf32>) -> tensor<4x8x8xf32>
  func.return
}

// CHECK-LABEL: @options
func.func @options(%x: tensor<4x8x8xf32>) {
  // CHECK-NEXT: nn.leaky_relu %x {alpha = 1.000000e-01} : (
  %0 = nn.leaky_relu %x {alpha = 1.000000e-01} : (tensor<4x8x8xf32>) -> tensor<4x8x8xf32>
  // CHECK-NEXT: nn.leaky_relu %x : (
  %1 = nn.leaky_relu %x {alpha = 0.01} : (tensor<4x8x8xf32>) -> tensor<4x8x8xf32>
  // CHECK-NEXT: nn.elu %x {alpha = 5.000000e-01} : (
  %2 = nn.elu %x {alpha = 5.000000e-01} : (tensor<4x8x8xf32>) -> tensor<4x8x8xf32>
  // CHECK-NEXT: nn.elu %x : (
  %3 = nn.elu %x {alpha = 1.0} : (tensor<4x8x8xf32>) -> tensor<4x8x8xf32>
  // CHECK-NEXT: nn.selu %x {alpha = 1.500000e+00, gamma = 2.000000e+00} : (
  %4 = nn.selu %x {alpha = 1.500000e+00, gamma = 2.000000e+00} : (tensor<4x8x8xf32>) -> tensor<4x8x8xf32>
  // CHECK-NEXT: nn.selu %x : (
  %5 = nn.selu %x {alpha = 1.67326324, gamma = 1.05070102} : (tensor<4x8x8xf32>) -> tensor<4x8x8xf32>
  // CHECK-NEXT: nn.hard_sigmoid %x {alpha = 0.166666672} : (
  %6 = nn.hard_sigmoid %x {alpha = 0.166666672} : (tensor<4x8x8xf32>) -> tensor<4x8x8xf32>
  // CHECK-NEXT: nn.hard_sigmoid %x : (
  %7 = nn.hard_sigmoid %x {alpha = 0.2, beta = 0.5} : (tensor<4x8x8xf32>) -> tensor<4x8x8xf32>
  // CHECK-NEXT: nn.clip %x {min = 0.000000e+00, max = 6.000000e+00} : (
  %8 = nn.clip %x {min = 0.000000e+00, max = 6.000000e+00} : (tensor<4x8x8xf32>) -> tensor<4x8x8xf32>
  // CHECK-NEXT: nn.clip %x {max = 1.000000e+00} : (
  %9 = nn.clip %x {min = 0xFF800000, max = 1.0} : (tensor<4x8x8xf32>) -> tensor<4x8x8xf32>
  // CHECK-NEXT: nn.gelu %x : (
  %10 = nn.gelu %x  : (tensor<4x8x8xf32>) -> tensor<4x8x8xf32>
  // CHECK-NEXT: nn.gelu %x {tanh} : (
  %11 = nn.gelu %x {tanh} : (tensor<4x8x8xf32>) -> tensor<4x8x8xf32>
  func.return
}

// CHECK-LABEL: @reductions
func.func @reductions(%x: tensor<4x8x8xf32>) {
  // CHECK-NEXT: nn.reduce_sum %x {axes = [1, 2]} : (tensor<4x8x8xf32>) -> tensor<4xf32>
  %0 = nn.reduce_sum %x {axes = [1, 2]} : (tensor<4x8x8xf32>) -> tensor<4xf32>
  // CHECK-NEXT: nn.reduce_mean %x {axes = [1, 2], keepdims} : (tensor<4x8x8xf32>) -> tensor<4x1x1xf32>
  %1 = nn.reduce_mean %x {axes = [1, 2], keepdims} : (tensor<4x8x8xf32>) -> tensor<4x1x1xf32>
  // CHECK-NEXT: nn.reduce_max %x {axes = [0]} : (tensor<4x8x8xf32>) -> tensor<8x8xf32>
  %2 = nn.reduce_max %x {axes = [0]} : (tensor<4x8x8xf32>) -> tensor<8x8xf32>
  // CHECK-NEXT: nn.reduce_min %x {axes = [0, 2], keepdims} : (tensor<4x8x8xf32>) -> tensor<1x8x1xf32>
  %3 = nn.reduce_min %x {axes = [0, 2], keepdims} : (tensor<4x8x8xf32>) -> tensor<1x8x1xf32>
  // CHECK-NEXT: nn.reduce_l2 %x {axes = [0, 1, 2]} : (tensor<4x8x8xf32>) -> tensor<f32>
  %4 = nn.reduce_l2 %x {axes = [0, 1, 2]} : (tensor<4x8x8xf32>) -> tensor<f32>
  // CHECK-NEXT: nn.argmax %x {axis = 0, keepdims} : (tensor<4x8x8xf32>) -> tensor<1x8x8xi32>
  %5 = nn.argmax %x {axis = 0, keepdims} : (tensor<4x8x8xf32>) -> tensor<1x8x8xi32>
  // CHECK-NEXT: nn.argmin %x {axis = 2, last} : (tensor<4x8x8xf32>) -> tensor<4x8xi32>
  %6 = nn.argmin %x {axis = 2, last} : (tensor<4x8x8xf32>) -> tensor<4x8xi32>
  func.return
}

// CHECK-LABEL: @normalizations
func.func @normalizations(%x: tensor<4x8x8xf32>, %rows: tensor<8x8xf32>, %row: tensor<8xf32>, %c: tensor<4xf32>) {
  // CHECK-NEXT: nn.softmax %x {axes = [0]} : (tensor<4x8x8xf32>) -> tensor<4x8x8xf32>
  %0 = nn.softmax %x {axes = [0]} : (tensor<4x8x8xf32>) -> tensor<4x8x8xf32>
  // CHECK-NEXT: nn.log_softmax %x {axes = [1, 2]} : (tensor<4x8x8xf32>) -> tensor<4x8x8xf32>
  %1 = nn.log_softmax %x {axes = [1, 2]} : (tensor<4x8x8xf32>) -> tensor<4x8x8xf32>
  // CHECK-NEXT: nn.layer_norm %x, %rows : (tensor<4x8x8xf32>, tensor<8x8xf32>) -> tensor<4x8x8xf32>
  %2 = nn.layer_norm %x, %rows : (tensor<4x8x8xf32>, tensor<8x8xf32>) -> tensor<4x8x8xf32>
  // CHECK-NEXT: nn.layer_norm %x, %row bias %row {epsilon = 1.000000e-03} : (tensor<4x8x8xf32>, tensor<8xf32>, tensor<8xf32>) -> tensor<4x8x8xf32>
  %3 = nn.layer_norm %x, %row bias %row {epsilon = 1.000000e-03} : (tensor<4x8x8xf32>, tensor<8xf32>, tensor<8xf32>) -> tensor<4x8x8xf32>
  // CHECK-NEXT: nn.instance_norm %x, %c bias %c : (tensor<4x8x8xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<4x8x8xf32>
  %4 = nn.instance_norm %x, %c bias %c : (tensor<4x8x8xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<4x8x8xf32>
  // CHECK-NEXT: nn.lrn %x {size = 3} : (tensor<4x8x8xf32>) -> tensor<4x8x8xf32>
  %5 = nn.lrn %x {size = 3} : (tensor<4x8x8xf32>) -> tensor<4x8x8xf32>
  // CHECK-NEXT: nn.lrn %x {size = 5, alpha = 1.000000e-01, beta = 5.000000e-01, bias = 2.000000e+00} : (tensor<4x8x8xf32>) -> tensor<4x8x8xf32>
  %6 = nn.lrn %x {size = 5, alpha = 1.000000e-01, beta = 5.000000e-01, bias = 2.000000e+00} : (tensor<4x8x8xf32>) -> tensor<4x8x8xf32>
  func.return
}

// CHECK-LABEL: @matrices
func.func @matrices(%x: tensor<2x3x8xf32>, %w: tensor<8x5xf32>, %ws: tensor<2x5x8xf32>) {
  // CHECK-NEXT: nn.gemm %x, %w : (tensor<2x3x8xf32>, tensor<8x5xf32>) -> tensor<2x3x5xf32>
  %0 = nn.gemm %x, %w : (tensor<2x3x8xf32>, tensor<8x5xf32>) -> tensor<2x3x5xf32>
  // CHECK-NEXT: nn.gemm %x, %ws {trans_b} : (tensor<2x3x8xf32>, tensor<2x5x8xf32>) -> tensor<2x3x5xf32>
  %1 = nn.gemm %x, %ws {trans_b} : (tensor<2x3x8xf32>, tensor<2x5x8xf32>) -> tensor<2x3x5xf32>
  func.return
}

// CHECK-LABEL: @choices
func.func @choices(%x: tensor<4x8xf32>, %s: tensor<f32>) -> tensor<4x8xf32> {
  // CHECK-NEXT: nn.equal %x, %s : (tensor<4x8xf32>, tensor<f32>) -> tensor<4x8xi1>
  %0 = nn.equal %x, %s : (tensor<4x8xf32>, tensor<f32>) -> tensor<4x8xi1>
  // CHECK-NEXT: nn.less %x, %s : (tensor<4x8xf32>, tensor<f32>) -> tensor<4x8xi1>
  %1 = nn.less %x, %s : (tensor<4x8xf32>, tensor<f32>) -> tensor<4x8xi1>
  // CHECK-NEXT: nn.less_or_equal %x, %s : (tensor<4x8xf32>, tensor<f32>) -> tensor<4x8xi1>
  %2 = nn.less_or_equal %x, %s : (tensor<4x8xf32>, tensor<f32>) -> tensor<4x8xi1>
  // CHECK-NEXT: nn.greater %x, %s : (tensor<4x8xf32>, tensor<f32>) -> tensor<4x8xi1>
  %3 = nn.greater %x, %s : (tensor<4x8xf32>, tensor<f32>) -> tensor<4x8xi1>
  // CHECK-NEXT: nn.greater_or_equal %x, %s : (tensor<4x8xf32>, tensor<f32>) -> tensor<4x8xi1>
  %4 = nn.greater_or_equal %x, %s : (tensor<4x8xf32>, tensor<f32>) -> tensor<4x8xi1>
  // CHECK-NEXT: nn.and %0, %1 : (tensor<4x8xi1>, tensor<4x8xi1>) -> tensor<4x8xi1>
  %5 = nn.and %0, %1 : (tensor<4x8xi1>, tensor<4x8xi1>) -> tensor<4x8xi1>
  // CHECK-NEXT: nn.or %0, %1 : (tensor<4x8xi1>, tensor<4x8xi1>) -> tensor<4x8xi1>
  %6 = nn.or %0, %1 : (tensor<4x8xi1>, tensor<4x8xi1>) -> tensor<4x8xi1>
  // CHECK-NEXT: nn.xor %0, %1 : (tensor<4x8xi1>, tensor<4x8xi1>) -> tensor<4x8xi1>
  %7 = nn.xor %0, %1 : (tensor<4x8xi1>, tensor<4x8xi1>) -> tensor<4x8xi1>
  // CHECK-NEXT: nn.not %0 : (tensor<4x8xi1>) -> tensor<4x8xi1>
  %8 = nn.not %0 : (tensor<4x8xi1>) -> tensor<4x8xi1>
  // CHECK-NEXT: nn.where %8, %x, %s : (tensor<4x8xi1>, tensor<4x8xf32>, tensor<f32>) -> tensor<4x8xf32>
  %w = nn.where %8, %x, %s : (tensor<4x8xi1>, tensor<4x8xf32>, tensor<f32>) -> tensor<4x8xf32>
  // CHECK-NEXT: nn.equal %0, %1 : (tensor<4x8xi1>, tensor<4x8xi1>) -> tensor<4x8xi1>
  %9 = nn.equal %0, %1 : (tensor<4x8xi1>, tensor<4x8xi1>) -> tensor<4x8xi1>
  func.return %w : tensor<4x8xf32>
}
