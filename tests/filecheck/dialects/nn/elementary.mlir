// RUN: cm-opt %s | cm-opt | filecheck %s
// RUN: cm-opt %s --print-op-generic | cm-opt | filecheck %s

// CHECK-LABEL: @elementary
func.func @elementary(%x: tensor<4x8x8xf32>) {
  // CHECK-NEXT: nn.sin %x : (tensor<4x8x8xf32>) -> tensor<4x8x8xf32>
  %0 = nn.sin %x : (tensor<4x8x8xf32>) -> tensor<4x8x8xf32>
  // CHECK-NEXT: nn.cos %x : (tensor<4x8x8xf32>) -> tensor<4x8x8xf32>
  %1 = nn.cos %x : (tensor<4x8x8xf32>) -> tensor<4x8x8xf32>
  // CHECK-NEXT: nn.tan %x : (tensor<4x8x8xf32>) -> tensor<4x8x8xf32>
  %2 = nn.tan %x : (tensor<4x8x8xf32>) -> tensor<4x8x8xf32>
  // CHECK-NEXT: nn.asin %x : (tensor<4x8x8xf32>) -> tensor<4x8x8xf32>
  %3 = nn.asin %x : (tensor<4x8x8xf32>) -> tensor<4x8x8xf32>
  // CHECK-NEXT: nn.acos %x : (tensor<4x8x8xf32>) -> tensor<4x8x8xf32>
  %4 = nn.acos %x : (tensor<4x8x8xf32>) -> tensor<4x8x8xf32>
  // CHECK-NEXT: nn.atan %x : (tensor<4x8x8xf32>) -> tensor<4x8x8xf32>
  %5 = nn.atan %x : (tensor<4x8x8xf32>) -> tensor<4x8x8xf32>
  // CHECK-NEXT: nn.sinh %x : (tensor<4x8x8xf32>) -> tensor<4x8x8xf32>
  %6 = nn.sinh %x : (tensor<4x8x8xf32>) -> tensor<4x8x8xf32>
  // CHECK-NEXT: nn.cosh %x : (tensor<4x8x8xf32>) -> tensor<4x8x8xf32>
  %7 = nn.cosh %x : (tensor<4x8x8xf32>) -> tensor<4x8x8xf32>
  // CHECK-NEXT: nn.asinh %x : (tensor<4x8x8xf32>) -> tensor<4x8x8xf32>
  %8 = nn.asinh %x : (tensor<4x8x8xf32>) -> tensor<4x8x8xf32>
  // CHECK-NEXT: nn.acosh %x : (tensor<4x8x8xf32>) -> tensor<4x8x8xf32>
  %9 = nn.acosh %x : (tensor<4x8x8xf32>) -> tensor<4x8x8xf32>
  // CHECK-NEXT: nn.atanh %x : (tensor<4x8x8xf32>) -> tensor<4x8x8xf32>
  %10 = nn.atanh %x : (tensor<4x8x8xf32>) -> tensor<4x8x8xf32>
  // CHECK-NEXT: nn.sign %x : (tensor<4x8x8xf32>) -> tensor<4x8x8xf32>
  %11 = nn.sign %x : (tensor<4x8x8xf32>) -> tensor<4x8x8xf32>
  func.return
}

// CHECK-LABEL: @reductions
func.func @reductions(%x: tensor<4x8x8xf32>, %i: tensor<4x8xi32>) {
  // CHECK-NEXT: nn.reduce_prod %x {axes = [0, 2], keepdims} : (tensor<4x8x8xf32>) -> tensor<1x8x1xf32>
  %0 = nn.reduce_prod %x {axes = [0, 2], keepdims} : (tensor<4x8x8xf32>) -> tensor<1x8x1xf32>
  // CHECK-NEXT: nn.reduce_l1 %x {axes = [0, 2], keepdims} : (tensor<4x8x8xf32>) -> tensor<1x8x1xf32>
  %1 = nn.reduce_l1 %x {axes = [0, 2], keepdims} : (tensor<4x8x8xf32>) -> tensor<1x8x1xf32>
  // CHECK-NEXT: nn.reduce_sum_square %x {axes = [0, 2], keepdims} : (tensor<4x8x8xf32>) -> tensor<1x8x1xf32>
  %2 = nn.reduce_sum_square %x {axes = [0, 2], keepdims} : (tensor<4x8x8xf32>) -> tensor<1x8x1xf32>
  // CHECK-NEXT: nn.reduce_log_sum %x {axes = [0, 2], keepdims} : (tensor<4x8x8xf32>) -> tensor<1x8x1xf32>
  %3 = nn.reduce_log_sum %x {axes = [0, 2], keepdims} : (tensor<4x8x8xf32>) -> tensor<1x8x1xf32>
  // CHECK-NEXT: nn.reduce_log_sum_exp %x {axes = [0, 2], keepdims} : (tensor<4x8x8xf32>) -> tensor<1x8x1xf32>
  %4 = nn.reduce_log_sum_exp %x {axes = [0, 2], keepdims} : (tensor<4x8x8xf32>) -> tensor<1x8x1xf32>
  // CHECK-NEXT: nn.reduce_sum %i {axes = [1]} : (tensor<4x8xi32>) -> tensor<4xi32>
  %5 = nn.reduce_sum %i {axes = [1]} : (tensor<4x8xi32>) -> tensor<4xi32>
  // CHECK-NEXT: nn.reduce_prod %i {axes = [1]} : (tensor<4x8xi32>) -> tensor<4xi32>
  %6 = nn.reduce_prod %i {axes = [1]} : (tensor<4x8xi32>) -> tensor<4xi32>
  // CHECK-NEXT: nn.reduce_sum_square %i {axes = [1]} : (tensor<4x8xi32>) -> tensor<4xi32>
  %7 = nn.reduce_sum_square %i {axes = [1]} : (tensor<4x8xi32>) -> tensor<4xi32>
  // CHECK-NEXT: nn.reduce_max %i {axes = [1]} : (tensor<4x8xi32>) -> tensor<4xi32>
  %8 = nn.reduce_max %i {axes = [1]} : (tensor<4x8xi32>) -> tensor<4xi32>
  // CHECK-NEXT: nn.reduce_min %i {axes = [1]} : (tensor<4x8xi32>) -> tensor<4xi32>
  %9 = nn.reduce_min %i {axes = [1]} : (tensor<4x8xi32>) -> tensor<4xi32>
  func.return
}

// CHECK-LABEL: @windows
func.func @windows(%x: tensor<3x2x3x4x2xf32>) {
  // CHECK-NEXT: nn.fold %x {shape = [6, 5], strides = [1, 2], dilations = [2, 1]} : (tensor<3x2x3x4x2xf32>) -> tensor<3x6x5xf32>
  %0 = nn.fold %x {shape = [6, 5], strides = [1, 2], dilations = [2, 1]} : (tensor<3x2x3x4x2xf32>) -> tensor<3x6x5xf32>
  func.return
}

// CHECK-LABEL: @integers
func.func @integers(%x: tensor<4x8xi32>, %y: tensor<8xi32>, %f: tensor<8xf32>) {
  // CHECK-NEXT: nn.rem %x, %y : (tensor<4x8xi32>, tensor<8xi32>) -> tensor<4x8xi32>
  %0 = nn.rem %x, %y : (tensor<4x8xi32>, tensor<8xi32>) -> tensor<4x8xi32>
  // CHECK-NEXT: nn.pow %x, %y : (tensor<4x8xi32>, tensor<8xi32>) -> tensor<4x8xi32>
  %p = nn.pow %x, %y : (tensor<4x8xi32>, tensor<8xi32>) -> tensor<4x8xi32>
  // CHECK-NEXT: nn.bitcast %x : (tensor<4x8xi32>) -> tensor<4x8xf32>
  %b = nn.bitcast %x : (tensor<4x8xi32>) -> tensor<4x8xf32>
  // CHECK-NEXT: nn.rem %f, %f : (tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32>
  %1 = nn.rem %f, %f : (tensor<8xf32>, tensor<8xf32>) -> tensor<8xf32>
  // CHECK-NEXT: nn.div %x, %y : (tensor<4x8xi32>, tensor<8xi32>) -> tensor<4x8xi32>
  %2 = nn.div %x, %y : (tensor<4x8xi32>, tensor<8xi32>) -> tensor<4x8xi32>
  // CHECK-NEXT: nn.bitwise_and %x, %y : (tensor<4x8xi32>, tensor<8xi32>) -> tensor<4x8xi32>
  %3 = nn.bitwise_and %x, %y : (tensor<4x8xi32>, tensor<8xi32>) -> tensor<4x8xi32>
  // CHECK-NEXT: nn.bitwise_or %x, %y : (tensor<4x8xi32>, tensor<8xi32>) -> tensor<4x8xi32>
  %4 = nn.bitwise_or %x, %y : (tensor<4x8xi32>, tensor<8xi32>) -> tensor<4x8xi32>
  // CHECK-NEXT: nn.bitwise_xor %x, %y : (tensor<4x8xi32>, tensor<8xi32>) -> tensor<4x8xi32>
  %5 = nn.bitwise_xor %x, %y : (tensor<4x8xi32>, tensor<8xi32>) -> tensor<4x8xi32>
  // CHECK-NEXT: nn.shift_left %x, %y : (tensor<4x8xi32>, tensor<8xi32>) -> tensor<4x8xi32>
  %6 = nn.shift_left %x, %y : (tensor<4x8xi32>, tensor<8xi32>) -> tensor<4x8xi32>
  // CHECK-NEXT: nn.shift_right %x, %y : (tensor<4x8xi32>, tensor<8xi32>) -> tensor<4x8xi32>
  %7 = nn.shift_right %x, %y : (tensor<4x8xi32>, tensor<8xi32>) -> tensor<4x8xi32>
  func.return
}

// CHECK-LABEL: @cumulative
func.func @cumulative(%x: tensor<4x8x8xf32>) {
  // CHECK-NEXT: nn.cum_sum %x {axis = 1} : (tensor<4x8x8xf32>) -> tensor<4x8x8xf32>
  %0 = nn.cum_sum %x {axis = 1} : (tensor<4x8x8xf32>) -> tensor<4x8x8xf32>
  // CHECK-NEXT: nn.cum_prod %x {axis = 0, exclusive, reverse} : (tensor<4x8x8xf32>) -> tensor<4x8x8xf32>
  %1 = nn.cum_prod %x {axis = 0, exclusive, reverse} : (tensor<4x8x8xf32>) -> tensor<4x8x8xf32>
  // CHECK-NEXT: nn.lp_pool %x {kernel = [2, 2]} : (tensor<4x8x8xf32>) -> tensor<4x7x7xf32>
  %2 = nn.lp_pool %x {kernel = [2, 2], p = 2} : (tensor<4x8x8xf32>) -> tensor<4x7x7xf32>
  // CHECK-NEXT: nn.interpolate %x {sizes = [4, 4], factors = [2, 2], offsets = [1, 1], divisors = [2, 2], cubic = -7.500000e-01, antialias, exclude_outside} : (tensor<4x8x8xf32>) -> tensor<4x4x4xf32>
  %4 = nn.interpolate %x {sizes = [4, 4], factors = [2, 2], offsets = [1, 1], divisors = [2, 2], cubic = -0.75, antialias, exclude_outside} : (tensor<4x8x8xf32>) -> tensor<4x4x4xf32>
  // CHECK-NEXT: nn.max_pool_index %x {kernel = [2, 2], column_major} : (tensor<4x8x8xf32>) -> tensor<4x7x7xi32>
  %3 = nn.max_pool_index %x {kernel = [2, 2], column_major} : (tensor<4x8x8xf32>) -> tensor<4x7x7xi32>
  func.return
}
