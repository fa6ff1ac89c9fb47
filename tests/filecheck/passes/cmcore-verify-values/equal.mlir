// A network that computes what its source does stays as it is. The source is remembered while passes run.
// RUN: cm-opt %s -p 'nn-to-cmcore,cmcore-verify-values{rounds=2}' | filecheck %s

// It is written beside the output if that is asked for, and found by an attribute.
// RUN: cm-opt %s -p nn-to-cmcore --output-source -o %t.mlir
// RUN: filecheck %s --check-prefix SOURCE --input-file %t.nn.mlir
// RUN: cm-opt %t.mlir -p cmcore-verify-values | filecheck %s --check-prefixes NAMED,CHECK
// RUN: cm-opt %t.mlir -p 'cmcore-verify-values{source="%s"}' | filecheck %s --check-prefix NAMED

// NAMED: cmcore.network @main (@x) -> (@y) attributes {cmir.source = {file = "{{.*}}.nn.mlir", sha256 = "{{[0-9a-f]+}}"}}
// CHECK: cmcore.core @core1 runs @max_pool1 at (1)
// SOURCE: nn.conv %x, %w {pads = [1, 1]}

func.func @main(%x: tensor<2x8xf32>) -> tensor<3x4xf32> {
  %w = nn.parameter "w" : tensor<3x2x3xf32>
  %c = nn.conv %x, %w {pads = [1, 1]} : (tensor<2x8xf32>, tensor<3x2x3xf32>) -> tensor<3x8xf32>
  %y = nn.max_pool %c {kernel = [2], strides = [2]} : (tensor<3x8xf32>) -> tensor<3x4xf32>
  func.return %y : tensor<3x4xf32>
}
