// RUN: cm-opt %s -p canonicalize | filecheck %s

// CHECK-LABEL: @identities
// CHECK-NEXT:    func.return %x, %x, %x, %x, %x, %x : tensor<4x8x8xf32>
func.func @identities(%x: tensor<4x8x8xf32>)
    -> (tensor<4x8x8xf32>, tensor<4x8x8xf32>, tensor<4x8x8xf32>, tensor<4x8x8xf32>, tensor<4x8x8xf32>,
        tensor<4x8x8xf32>) {
  %0 = nn.reshape %x {shape = [4, 8, 8]} : (tensor<4x8x8xf32>) -> tensor<4x8x8xf32>
  %1 = nn.transpose %x {perm = [0, 1, 2]} : (tensor<4x8x8xf32>) -> tensor<4x8x8xf32>
  %2 = nn.slice %x : (tensor<4x8x8xf32>) -> tensor<4x8x8xf32>
  %3 = nn.pad %x {pads = [0, 0, 0, 0, 0, 0], value = 1.0} : (tensor<4x8x8xf32>) -> tensor<4x8x8xf32>
  %4 = nn.max_pool %x {kernel = [1, 1]} : (tensor<4x8x8xf32>) -> tensor<4x8x8xf32>
  %5 = nn.cast %x : (tensor<4x8x8xf32>) -> tensor<4x8x8xf32>
  func.return %0, %1, %2, %3, %4, %5
      : tensor<4x8x8xf32>, tensor<4x8x8xf32>, tensor<4x8x8xf32>, tensor<4x8x8xf32>, tensor<4x8x8xf32>, tensor<4x8x8xf32>
}

// What keeps the shape is not always an identity.
// CHECK-LABEL: @moves
// CHECK:         %0 = nn.transpose
// CHECK-NEXT:    %1 = nn.slice
// CHECK-NEXT:    %2 = nn.pad
// CHECK-NEXT:    %3 = nn.max_pool
// CHECK-NEXT:    func.return %0, %1, %2, %3
func.func @moves(%x: tensor<8x8xf32>)
    -> (tensor<8x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>) {
  %0 = nn.transpose %x {perm = [1, 0]} : (tensor<8x8xf32>) -> tensor<8x8xf32>
  %1 = nn.slice %x {starts = [7, 0], ends = [-1, 8], steps = [-1, 1]} : (tensor<8x8xf32>) -> tensor<8x8xf32>
  %2 = nn.pad %x {pads = [1, 0, -1, 0]} : (tensor<8x8xf32>) -> tensor<8x8xf32>
  %3 = nn.max_pool %x {kernel = [3], pads = [1, 1]} : (tensor<8x8xf32>) -> tensor<8x8xf32>
  func.return %0, %1, %2, %3 : tensor<8x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>
}

// CHECK-LABEL: @reshapes
// CHECK-NEXT:    %0 = nn.reshape %x {shape = [256]} : (tensor<4x8x8xf32>) -> tensor<256xf32>
// CHECK-NEXT:    func.return %0, %x
func.func @reshapes(%x: tensor<4x8x8xf32>) -> (tensor<256xf32>, tensor<4x8x8xf32>) {
  %0 = nn.reshape %x {shape = [4, 64]} : (tensor<4x8x8xf32>) -> tensor<4x64xf32>
  %1 = nn.reshape %0 {shape = [256]} : (tensor<4x64xf32>) -> tensor<256xf32>
  %2 = nn.reshape %1 {shape = [4, 8, 8]} : (tensor<256xf32>) -> tensor<4x8x8xf32>
  func.return %1, %2 : tensor<256xf32>, tensor<4x8x8xf32>
}

// CHECK-LABEL: @transposes
// CHECK-NEXT:    %0 = nn.transpose %x {perm = [2, 0, 1]} : (tensor<4x5x6xf32>) -> tensor<6x4x5xf32>
// CHECK-NEXT:    func.return %0, %x
func.func @transposes(%x: tensor<4x5x6xf32>) -> (tensor<6x4x5xf32>, tensor<4x5x6xf32>) {
  %0 = nn.transpose %x {perm = [1, 2, 0]} : (tensor<4x5x6xf32>) -> tensor<5x6x4xf32>
  %1 = nn.transpose %0 {perm = [1, 2, 0]} : (tensor<5x6x4xf32>) -> tensor<6x4x5xf32>
  %2 = nn.transpose %1 {perm = [1, 2, 0]} : (tensor<6x4x5xf32>) -> tensor<4x5x6xf32>
  func.return %1, %2 : tensor<6x4x5xf32>, tensor<4x5x6xf32>
}

// CHECK-LABEL: @relus
// CHECK-NEXT:    %0 = nn.relu %x : (tensor<4xf32>) -> tensor<4xf32>
// CHECK-NEXT:    func.return %0
func.func @relus(%x: tensor<4xf32>) -> tensor<4xf32> {
  %0 = nn.relu %x : (tensor<4xf32>) -> tensor<4xf32>
  %1 = nn.relu %0 : (tensor<4xf32>) -> tensor<4xf32>
  func.return %1 : tensor<4xf32>
}

// Operators are pure: what is not used goes, stages too.
// CHECK-LABEL: @unused
// CHECK-NEXT:    func.return
func.func @unused(%x: tensor<4xf32>) {
  %w = nn.parameter "w" : tensor<4x4xf32>
  %0 = nn.gemm %x, %w : (tensor<4xf32>, tensor<4x4xf32>) -> tensor<4xf32>
  %1 = nn.stage @s(%a = %x : tensor<4xf32>) -> (tensor<4xf32>) {
    %2 = nn.relu %a : (tensor<4xf32>) -> tensor<4xf32>
    nn.yield %2 : tensor<4xf32>
  }
  func.return
}
