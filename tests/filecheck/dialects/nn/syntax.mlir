// RUN: cm-opt %s | cm-opt | filecheck %s
// RUN: cm-opt %s --print-op-generic | cm-opt | filecheck %s

// CHECK-LABEL: @parameters
func.func @parameters() {
  // CHECK-NEXT: %w = nn.parameter "conv1.weight" : tensor<16x3x3x3xf32>
  %w = nn.parameter "conv1.weight" : tensor<16x3x3x3xf32>
  // CHECK-NEXT: %zeros = nn.parameter dense<0.000000e+00> : tensor<16xf32>
  %zeros = nn.parameter dense<0.0> : tensor<16xf32>
  // CHECK-NEXT: %list = nn.parameter dense<[1.000000e+00, 2.500000e+00]> : tensor<2xf32>
  %list = nn.parameter dense<[1.0, 2.5]> : tensor<2xf32>
  // CHECK-NEXT: %scalar = nn.parameter dense<3.000000e+00> : tensor<f32>
  %scalar = nn.parameter dense<3.0> : tensor<f32>
  // CHECK-NEXT: %tagged = nn.parameter {test.tag} "w" : tensor<1xf32>
  %tagged = nn.parameter {test.tag} "w" : tensor<1xf32>
  func.return
}

// CHECK-LABEL: @convolutions
func.func @convolutions(
    %line: tensor<4x10xf32>, %w1: tensor<6x4x3xf32>,
    %image: tensor<4x8x8xf32>, %w2: tensor<6x4x3x3xf32>, %bias: tensor<6xf32>,
    %grouped: tensor<8x2x3x3xf32>, %volume: tensor<4x5x5x5xf32>, %w3: tensor<6x4x1x1x1xf32>) {
  // CHECK-NEXT: nn.conv %line, %w1 : (tensor<4x10xf32>, tensor<6x4x3xf32>) -> tensor<6x8xf32>
  %0 = nn.conv %line, %w1 : (tensor<4x10xf32>, tensor<6x4x3xf32>) -> tensor<6x8xf32>
  // Options that have their default are left out.
  // CHECK-NEXT: nn.conv %image, %w2 : (
  %1 = nn.conv %image, %w2 {strides = [1, 1], pads = [0, 0, 0, 0], dilations = [1, 1], groups = 1}
      : (tensor<4x8x8xf32>, tensor<6x4x3x3xf32>) -> tensor<6x6x6xf32>
  // CHECK-NEXT: nn.conv %image, %w2 bias %bias {strides = [2, 1], pads = [1, 0, 2, 0], dilations = [1, 2]} : (
  %2 = nn.conv %image, %w2 bias %bias {strides = [2, 1], pads = [1, 0, 2, 0], dilations = [1, 2]}
      : (tensor<4x8x8xf32>, tensor<6x4x3x3xf32>, tensor<6xf32>) -> tensor<6x5x4xf32>
  // CHECK-NEXT: nn.conv %image, %grouped {groups = 2} : (
  %3 = nn.conv %image, %grouped {groups = 2}
      : (tensor<4x8x8xf32>, tensor<8x2x3x3xf32>) -> tensor<8x6x6xf32>
  // CHECK-NEXT: nn.conv %volume, %w3 {strides = [1, 2, 3]} : (
  %4 = nn.conv %volume, %w3 {strides = [1, 2, 3]}
      : (tensor<4x5x5x5xf32>, tensor<6x4x1x1x1xf32>) -> tensor<6x5x3x2xf32>
  func.return
}

// CHECK-LABEL: @products
func.func @products(%x: tensor<8xf32>, %rows: tensor<3x8xf32>, %w: tensor<8x10xf32>,
                    %wt: tensor<10x8xf32>, %bias: tensor<10xf32>) {
  // CHECK-NEXT: nn.gemm %x, %w : (tensor<8xf32>, tensor<8x10xf32>) -> tensor<10xf32>
  %0 = nn.gemm %x, %w : (tensor<8xf32>, tensor<8x10xf32>) -> tensor<10xf32>
  // CHECK-NEXT: nn.gemm %rows, %wt bias %bias {trans_b} : (
  %1 = nn.gemm %rows, %wt bias %bias {trans_b}
      : (tensor<3x8xf32>, tensor<10x8xf32>, tensor<10xf32>) -> tensor<3x10xf32>
  func.return
}

// CHECK-LABEL: @pointwise
func.func @pointwise(%x: tensor<4x8x8xf32>, %channel: tensor<4x1x1xf32>, %row: tensor<8xf32>,
                     %scalar: tensor<f32>, %c: tensor<4xf32>) {
  // CHECK-NEXT: nn.add %x, %channel : (tensor<4x8x8xf32>, tensor<4x1x1xf32>) -> tensor<4x8x8xf32>
  %0 = nn.add %x, %channel : (tensor<4x8x8xf32>, tensor<4x1x1xf32>) -> tensor<4x8x8xf32>
  // CHECK-NEXT: nn.add %row, %channel : (tensor<8xf32>, tensor<4x1x1xf32>) -> tensor<4x1x8xf32>
  %1 = nn.add %row, %channel : (tensor<8xf32>, tensor<4x1x1xf32>) -> tensor<4x1x8xf32>
  // CHECK-NEXT: nn.relu %scalar : (tensor<f32>) -> tensor<f32>
  %2 = nn.relu %scalar : (tensor<f32>) -> tensor<f32>
  // CHECK-NEXT: nn.copy %row : (tensor<8xf32>) -> tensor<8xf32>
  %copy = nn.copy %row : (tensor<8xf32>) -> tensor<8xf32>
  // CHECK-NEXT: nn.batch_norm %x, %c, %c, %c, %c : (
  %3 = nn.batch_norm %x, %c, %c, %c, %c {epsilon = 1.0e-5}
      : (tensor<4x8x8xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<4x8x8xf32>
  // CHECK-NEXT: nn.batch_norm %x, %c, %c, %c, %c {epsilon = 1.000000e-03} : (
  %4 = nn.batch_norm %x, %c, %c, %c, %c {epsilon = 0.001}
      : (tensor<4x8x8xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<4x8x8xf32>
  func.return
}

// CHECK-LABEL: @pools
func.func @pools(%x: tensor<4x8x8xf32>, %line: tensor<4x10xf32>) {
  // CHECK-NEXT: nn.max_pool %x {kernel = [2, 2], strides = [2, 2]} : (tensor<4x8x8xf32>) -> tensor<4x4x4xf32>
  %0 = nn.max_pool %x {kernel = [2, 2], strides = [2, 2]} : (tensor<4x8x8xf32>) -> tensor<4x4x4xf32>
  // CHECK-NEXT: nn.max_pool %line {kernel = [2], strides = [2], dilations = [2], ceil_mode} : (
  %1 = nn.max_pool %line {kernel = [2], strides = [2], dilations = [2], ceil_mode}
      : (tensor<4x10xf32>) -> tensor<4x5xf32>
  // CHECK-NEXT: nn.average_pool %x {kernel = [3, 3], pads = [1, 1, 1, 1], count_include_pad} : (
  %2 = nn.average_pool %x {count_include_pad, pads = [1, 1, 1, 1], kernel = [3, 3]}
      : (tensor<4x8x8xf32>) -> tensor<4x8x8xf32>
  // CHECK-NEXT: nn.global_average_pool %x : (tensor<4x8x8xf32>) -> tensor<4x1x1xf32>
  %3 = nn.global_average_pool %x : (tensor<4x8x8xf32>) -> tensor<4x1x1xf32>
  func.return
}

// CHECK-LABEL: @layouts
func.func @layouts(%x: tensor<4x8x8xf32>) {
  // CHECK-NEXT: nn.reshape %x {shape = [4, 64]} : (tensor<4x8x8xf32>) -> tensor<4x64xf32>
  %0 = nn.reshape %x {shape = [4, 64]} : (tensor<4x8x8xf32>) -> tensor<4x64xf32>
  // CHECK-NEXT: nn.transpose %x {perm = [1, 2, 0]} : (tensor<4x8x8xf32>) -> tensor<8x8x4xf32>
  %1 = nn.transpose %x {perm = [1, 2, 0]} : (tensor<4x8x8xf32>) -> tensor<8x8x4xf32>
  // CHECK-NEXT: nn.slice %x {steps = [1, 2, 2]} : (tensor<4x8x8xf32>) -> tensor<4x4x4xf32>
  %2 = nn.slice %x {steps = [1, 2, 2]} : (tensor<4x8x8xf32>) -> tensor<4x4x4xf32>
  // CHECK-NEXT: nn.slice %x {starts = [3, 0, 1], ends = [-1, 8, 5], steps = [-1, 1, 1]} : (
  %3 = nn.slice %x {starts = [3, 0, 1], ends = [-1, 8, 5], steps = [-1, 1, 1]}
      : (tensor<4x8x8xf32>) -> tensor<4x8x4xf32>
  // CHECK-NEXT: nn.pad %x {pads = [2, 0, 0, 2, 0, 0]} : (tensor<4x8x8xf32>) -> tensor<8x8x8xf32>
  %4 = nn.pad %x {pads = [2, 0, 0, 2, 0, 0], value = 0.0} : (tensor<4x8x8xf32>) -> tensor<8x8x8xf32>
  // Minus infinity.
  // CHECK-NEXT: nn.pad %x {pads = [0, 0, 0, 0, -1, 0], value = 0xff800000} : (
  %5 = nn.pad %x {pads = [0, 0, 0, 0, -1, 0], value = 0xFF800000}
      : (tensor<4x8x8xf32>) -> tensor<4x7x8xf32>
  // An attribute that is not the operator's own has a dot in its name.
  // CHECK-NEXT: nn.reshape %x {shape = [256], test.tag, test.number = 3 : i64} : (
  %6 = nn.reshape %x {shape = [256], test.tag, test.number = 3} : (tensor<4x8x8xf32>) -> tensor<256xf32>
  func.return
}

// CHECK-LABEL: @stages
func.func @stages(%x: tensor<4xf32>, %y: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  // CHECK-NEXT: %s, %t = nn.stage @both(%a = %x : tensor<4xf32>, %b = %y : tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  // CHECK-NEXT:   %sum = nn.add %a, %b : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  // CHECK-NEXT:   %positive = nn.relu %sum : (tensor<4xf32>) -> tensor<4xf32>
  // CHECK-NEXT:   nn.yield %sum, %positive : tensor<4xf32>, tensor<4xf32>
  // CHECK-NEXT: }
  %s, %t = nn.stage @both(%a = %x : tensor<4xf32>, %b = %y : tensor<4xf32>)
      -> (tensor<4xf32>, tensor<4xf32>) {
    %sum = nn.add %a, %b : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
    %positive = nn.relu %sum : (tensor<4xf32>) -> tensor<4xf32>
    nn.yield %sum, %positive : tensor<4xf32>, tensor<4xf32>
  }
  // CHECK-NEXT: nn.stage @nothing() -> () attributes {test.tag} {
  // CHECK-NEXT:   nn.yield
  // CHECK-NEXT: }
  nn.stage @nothing() -> () attributes {test.tag} {
    nn.yield
  }
  func.return %s, %t : tensor<4xf32>, tensor<4xf32>
}
