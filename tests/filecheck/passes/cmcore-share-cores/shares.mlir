// RUN: cm-opt %s -p 'nn-to-cmcore,cmcore-share-cores{hardware="%S/Inputs/chip.toml"}' 2>&1 | filecheck %s
// RUN: cm-opt %s -p 'nn-to-cmcore,cmcore-share-cores{hardware="%S/Inputs/chip.toml" slots=2}' 2>&1 | filecheck %s --check-prefix=TWO
// RUN: cm-opt %s -p 'nn-to-cmcore,cmcore-share-cores{hardware="%S/Inputs/chip.toml" cores=3}' 2>&1 | filecheck %s --check-prefix=ENOUGH
// RUN: cm-opt %s -p 'nn-to-cmcore,cmcore-share-cores{hardware="%S/Inputs/chip.toml"},cmcore-share-cores{hardware="%S/Inputs/chip.toml" cores=2 slots=16}' 2>/dev/null | filecheck %s --check-prefix=AGAIN

// A core has one crossbar, so the pool joins a convolution: the second, whose iterations are fewer. Both load from
// their buffers. The vector unit serves the pool alone, and the link the convolution, whose input stays on the core.
// CHECK: shares.mlir:{{[0-9]+}}:1: remark: 3 programs on 2 cores, at most 2 on one, for an interval of 1024 cycles
// CHECK: cmcore.core @core0 runs @conv1 at (0)
// CHECK-NEXT: cmcore.core @core1 runs [@max_pool1 sram 20, @conv2 sram 44 of 64] at (1)
// CHECK-NOT: cmcore.core

// TWO: cmcore.core @core1 runs [@max_pool1 sram 1, @conv2 sram 1 of 2] at (1)

// ENOUGH-NOT: remark
// ENOUGH: cmcore.core @core0 runs @conv1 at (0)
// ENOUGH-NEXT: cmcore.core @core1 runs @max_pool1 at (1)
// ENOUGH-NEXT: cmcore.core @core2 runs @conv2 at (2)

// What shares already is not divided anew.
// AGAIN: cmcore.core @core1 runs [@max_pool1 sram 20, @conv2 sram 44 of 64] at (1)

func.func @main(%a: tensor<4x8x8xf32>) -> tensor<4x4x4xf32> {
  %w1 = nn.parameter dense<1.0> : tensor<4x4x3x3xf32>
  %w2 = nn.parameter dense<2.0> : tensor<4x4x3x3xf32>
  %b = nn.conv %a, %w1 {pads = [1, 1, 1, 1]} : (tensor<4x8x8xf32>, tensor<4x4x3x3xf32>) -> tensor<4x8x8xf32>
  %c = nn.max_pool %b {kernel = [2, 2], strides = [2, 2]} : (tensor<4x8x8xf32>) -> tensor<4x4x4xf32>
  %d = nn.conv %c, %w2 {pads = [1, 1, 1, 1]} : (tensor<4x4x4xf32>, tensor<4x4x3x3xf32>) -> tensor<4x4x4xf32>
  func.return %d : tensor<4x4x4xf32>
}
