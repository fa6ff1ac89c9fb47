// RUN: cm-opt %s --split-input-file -p nn-outline-stages --verify-diagnostics | filecheck %s
// RUN: cm-opt %s --split-input-file -p nn-outline-stages,convert-nn-to-polyhedral --verify-diagnostics -o /dev/null

// CHECK-LABEL: func.func @returns_input
// CHECK: %x_copy = nn.stage @copy1(%x_1 = %x : tensor<4xf32>)
// CHECK-NEXT: nn.copy %x_1
// CHECK: func.return %x_copy
func.func @returns_input(%x: tensor<4xf32>) -> tensor<4xf32> {
  // expected-remark @below {{inserted a stage that copies %x: an output of the network needs its own memory}}
  func.return %x : tensor<4xf32>
}

// -----

// An output that is a layout of what a stage computes needs no copy: the stage writes it in that layout.

// CHECK-LABEL: func.func @returns_view
// CHECK: %r = nn.stage @relu1
// CHECK: %f = nn.reshape %r
// CHECK-NEXT: func.return %f
func.func @returns_view(%x: tensor<2x2xf32>) -> tensor<4xf32> {
  %r = nn.relu %x : (tensor<2x2xf32>) -> tensor<2x2xf32>
  %f = nn.reshape %r {shape = [4]} : (tensor<2x2xf32>) -> tensor<4xf32>
  func.return %f : tensor<4xf32>
}

// -----

// Unless somebody else reads it as it was.

// CHECK-LABEL: func.func @returns_view_of_read
// CHECK: %f = nn.reshape %r
// CHECK-NEXT: %f_copy = nn.stage @copy1(%f_1 = %f : tensor<4xf32>)
func.func @returns_view_of_read(%x: tensor<2x2xf32>) -> (tensor<4xf32>, tensor<2x1xf32>) {
  %r = nn.relu %x : (tensor<2x2xf32>) -> tensor<2x2xf32>
  %g = nn.global_average_pool %r : (tensor<2x2xf32>) -> tensor<2x1xf32>
  %f = nn.reshape %r {shape = [4]} : (tensor<2x2xf32>) -> tensor<4xf32>
  // expected-remark @below {{inserted a stage that copies %f: the stage that computes it cannot write it in this layout}}
  func.return %f, %g : tensor<4xf32>, tensor<2x1xf32>
}

// -----

// CHECK-LABEL: func.func @returns_twice
// CHECK: func.return %r, %r_copy
func.func @returns_twice(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %r = nn.relu %x : (tensor<4xf32>) -> tensor<4xf32>
  // expected-remark @below {{inserted a stage that copies %r: another output uses its memory}}
  func.return %r, %r : tensor<4xf32>, tensor<4xf32>
}

// -----

// A read has one pad value: padding with 1 that a pool pads again (with -inf) must exist in memory.

// CHECK-LABEL: func.func @pad_in_window
// CHECK: %p = nn.pad %x
// CHECK-NEXT: %p_copy = nn.stage @copy1(%p_1 = %p : tensor<1x6xf32>)
// CHECK: nn.stage @max_pool1(%p_copy_1 = %p_copy : tensor<1x6xf32>)
func.func @pad_in_window(%x: tensor<1x4xf32>) -> tensor<1x6xf32> {
  %p = nn.pad %x {pads = [0, 1, 0, 1], value = 1.0} : (tensor<1x4xf32>) -> tensor<1x6xf32>
  // expected-remark @below {{inserted a stage that copies %p: padding with -inf and 1.0 in one read}}
  %m = nn.max_pool %p {kernel = [3], pads = [1, 1]} : (tensor<1x6xf32>) -> tensor<1x6xf32>
  func.return %m : tensor<1x6xf32>
}

// -----

// CHECK-LABEL: func.func @pad_in_pad
// CHECK: %p = nn.pad %x
// CHECK-NEXT: %p_copy = nn.stage @copy1(%p_1 = %p : tensor<6xf32>)
// CHECK: %q = nn.pad %p_copy
// CHECK-NEXT: nn.stage @relu1(%q_1 = %q : tensor<8xf32>)
func.func @pad_in_pad(%x: tensor<4xf32>) -> tensor<8xf32> {
  %p = nn.pad %x {pads = [1, 1], value = 1.0} : (tensor<4xf32>) -> tensor<6xf32>
  // expected-remark @below {{inserted a stage that copies %p: padding with 1.0 and 2.0 in one value}}
  %q = nn.pad %p {pads = [1, 1], value = 2.0} : (tensor<6xf32>) -> tensor<8xf32>
  %m = nn.relu %q : (tensor<8xf32>) -> tensor<8xf32>
  func.return %m : tensor<8xf32>
}

// -----

// Padding with the value of the window's own padding needs no copy, and neither does a window that pads nothing.

// CHECK-LABEL: func.func @no_copy
// CHECK-NOT: nn.copy
func.func @no_copy(%x: tensor<1x4xf32>) -> tensor<1x4xf32> {
  %w = nn.parameter "w" : tensor<1x1x3xf32>
  %p = nn.pad %x {pads = [0, 1, 0, 1]} : (tensor<1x4xf32>) -> tensor<1x6xf32>
  %c = nn.conv %p, %w {pads = [1, 1]} : (tensor<1x6xf32>, tensor<1x1x3xf32>) -> tensor<1x6xf32>
  %q = nn.pad %c {pads = [0, 0, 0, 1], value = 1.0} : (tensor<1x6xf32>) -> tensor<1x7xf32>
  %m = nn.max_pool %q {kernel = [4]} : (tensor<1x7xf32>) -> tensor<1x4xf32>
  func.return %m : tensor<1x4xf32>
}
