// RUN: cm-opt %s --split-input-file -p nn-outline-stages | filecheck %s
// RUN: cm-opt %s --split-input-file -p nn-outline-stages,nn-outline-stages | filecheck %s
// RUN: cm-opt %s --split-input-file -p 'nn-outline-stages{fuse=false}' | filecheck %s --check-prefix=APART

// A convolution and what follows it point by point are one stage; parameters move into it.

// CHECK-LABEL: func.func @chain
// CHECK-NEXT: %r = nn.stage @conv1(%x_1 = %x : tensor<1x10xf32>) -> (tensor<1x8xf32>) {
// CHECK-NEXT:   %w = nn.parameter "w" : tensor<1x1x3xf32>
// CHECK-NEXT:   %c = nn.conv %x_1, %w
// CHECK-NEXT:   %r_1 = nn.relu %c
// CHECK-NEXT:   nn.yield %r_1 : tensor<1x8xf32>
// CHECK-NEXT: }
// CHECK-NEXT: func.return %r

// APART-LABEL: func.func @chain
// APART: %c = nn.stage @conv1(%x_1 = %x : tensor<1x10xf32>)
// APART: %r = nn.stage @relu1(%c_1 = %c : tensor<1x8xf32>)
func.func @chain(%x: tensor<1x10xf32>) -> tensor<1x8xf32> {
  %w = nn.parameter "w" : tensor<1x1x3xf32>
  %c = nn.conv %x, %w : (tensor<1x10xf32>, tensor<1x1x3xf32>) -> tensor<1x8xf32>
  %r = nn.relu %c : (tensor<1x8xf32>) -> tensor<1x8xf32>
  func.return %r : tensor<1x8xf32>
}

// -----

// A sum joins the latest stage that computes one of its operands, wherever that operand stands. Joining the first
// stage would make it wait for the second, which waits for it.

// CHECK-LABEL: func.func @residual
// CHECK: %r1 = nn.stage @conv1(
// CHECK: nn.relu
// CHECK-NEXT: nn.yield
// CHECK: %s = nn.stage @conv2(%r1_1 = %r1 : tensor<1x8xf32>)
// CHECK: %c2 = nn.conv %r1_1
// CHECK-NEXT: %s_1 = nn.add %c2, %r1_1
// CHECK-NEXT: nn.yield %s_1
// CHECK-NOT: nn.stage
func.func @residual(%x: tensor<1x8xf32>) -> tensor<1x8xf32> {
  %w = nn.parameter "w" : tensor<1x1x3xf32>
  %c1 = nn.conv %x, %w {pads = [1, 1]} : (tensor<1x8xf32>, tensor<1x1x3xf32>) -> tensor<1x8xf32>
  %r1 = nn.relu %c1 : (tensor<1x8xf32>) -> tensor<1x8xf32>
  %c2 = nn.conv %r1, %w {pads = [1, 1]} : (tensor<1x8xf32>, tensor<1x1x3xf32>) -> tensor<1x8xf32>
  %s = nn.add %c2, %r1 : (tensor<1x8xf32>, tensor<1x8xf32>) -> tensor<1x8xf32>
  func.return %s : tensor<1x8xf32>
}

// -----

// Two convolutions that do not depend on each other: the sum joins one of them and reads the other.

// CHECK-LABEL: func.func @branches
// CHECK: %c1 = nn.stage @conv1(%x_1 = %x : tensor<1x8xf32>)
// CHECK: %s = nn.stage @conv2(%y_1 = %y : tensor<1x8xf32>, %c1_1 = %c1 : tensor<1x8xf32>)
// CHECK: nn.add %c1_1, %c2
func.func @branches(%x: tensor<1x8xf32>, %y: tensor<1x8xf32>) -> tensor<1x8xf32> {
  %w = nn.parameter "w" : tensor<1x1x1xf32>
  %c1 = nn.conv %x, %w : (tensor<1x8xf32>, tensor<1x1x1xf32>) -> tensor<1x8xf32>
  %c2 = nn.conv %y, %w : (tensor<1x8xf32>, tensor<1x1x1xf32>) -> tensor<1x8xf32>
  %s = nn.add %c1, %c2 : (tensor<1x8xf32>, tensor<1x8xf32>) -> tensor<1x8xf32>
  func.return %s : tensor<1x8xf32>
}

// -----

// No cycle: the sum needs what the pool makes of the whole convolution, so it cannot be part of that.

// CHECK-LABEL: func.func @cycle
// CHECK: %c = nn.stage @conv1(
// CHECK-NOT: nn.add
// CHECK: %g = nn.stage @global_average_pool1(%c_1 = %c : tensor<2x8xf32>)
// CHECK: %s = nn.stage @add1(%c_1 = %c : tensor<2x8xf32>, %g_1 = %g : tensor<2x1xf32>)
func.func @cycle(%x: tensor<2x8xf32>) -> tensor<2x8xf32> {
  %w = nn.parameter "w" : tensor<2x2x1xf32>
  %c = nn.conv %x, %w : (tensor<2x8xf32>, tensor<2x2x1xf32>) -> tensor<2x8xf32>
  %g = nn.global_average_pool %c : (tensor<2x8xf32>) -> tensor<2x1xf32>
  %s = nn.add %c, %g : (tensor<2x8xf32>, tensor<2x1xf32>) -> tensor<2x8xf32>
  func.return %s : tensor<2x8xf32>
}

// -----

// A stage has a result for each of its values that something outside reads.

// CHECK-LABEL: func.func @two_results
// CHECK: %c, %r = nn.stage @conv1(%x_1 = %x : tensor<1x10xf32>) -> (tensor<1x8xf32>, tensor<1x8xf32>) {
// CHECK: nn.yield %c_1, %r_1 : tensor<1x8xf32>, tensor<1x8xf32>
// CHECK: func.return %r, %c
func.func @two_results(%x: tensor<1x10xf32>) -> (tensor<1x8xf32>, tensor<1x8xf32>) {
  %w = nn.parameter "w" : tensor<1x1x3xf32>
  %c = nn.conv %x, %w : (tensor<1x10xf32>, tensor<1x1x3xf32>) -> tensor<1x8xf32>
  %r = nn.relu %c : (tensor<1x8xf32>) -> tensor<1x8xf32>
  func.return %r, %c : tensor<1x8xf32>, tensor<1x8xf32>
}

// -----

// A point-wise operator without a stage to join has its own, and others join that.

// CHECK-LABEL: func.func @pointwise
// CHECK-NEXT: %s = nn.stage @relu1(%x_1 = %x : tensor<2x8xf32>)
// CHECK-NEXT: %r = nn.relu %x_1
// CHECK-NEXT: %s_1 = nn.add %r, %r
func.func @pointwise(%x: tensor<2x8xf32>) -> tensor<2x8xf32> {
  %r = nn.relu %x : (tensor<2x8xf32>) -> tensor<2x8xf32>
  %s = nn.add %r, %r : (tensor<2x8xf32>, tensor<2x8xf32>) -> tensor<2x8xf32>
  func.return %s : tensor<2x8xf32>
}

// -----

// Layout operators stay between stages, and what reads elements elsewhere than it writes does not join.

// CHECK-LABEL: func.func @layout
// CHECK: %r = nn.stage @relu1(
// CHECK: %t = nn.transpose %r
// CHECK-NEXT: %s = nn.stage @add1(%r_1 = %r : tensor<4x4xf32>, %t_1 = %t : tensor<4x4xf32>)
func.func @layout(%x: tensor<4x4xf32>) -> tensor<4x4xf32> {
  %r = nn.relu %x : (tensor<4x4xf32>) -> tensor<4x4xf32>
  %t = nn.transpose %r {perm = [1, 0]} : (tensor<4x4xf32>) -> tensor<4x4xf32>
  %s = nn.add %r, %t : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  func.return %s : tensor<4x4xf32>
}

// -----

// What nothing reads does not become a stage.

// CHECK-LABEL: func.func @unused
// CHECK-NOT: nn.conv
// CHECK: nn.stage @relu1
// CHECK-NOT: nn.stage
func.func @unused(%x: tensor<1x4xf32>) -> tensor<1x4xf32> {
  %w = nn.parameter "w" : tensor<1x1x3xf32>
  %c = nn.conv %x, %w : (tensor<1x4xf32>, tensor<1x1x3xf32>) -> tensor<1x2xf32>
  %d = nn.relu %c : (tensor<1x2xf32>) -> tensor<1x2xf32>
  %r = nn.relu %x : (tensor<1x4xf32>) -> tensor<1x4xf32>
  func.return %r : tensor<1x4xf32>
}
